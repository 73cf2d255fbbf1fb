"""Docstrings name what is there."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

from monitor import errors

PACKAGE = Path(errors.__file__).parent
NODES = {path: [*ast.walk(ast.parse(path.read_text()))] for path in sorted(PACKAGE.rglob("*.py"))}
CLASSES = {node.name: node for nodes in NODES.values() for node in nodes if isinstance(node, ast.ClassDef)}
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings() -> Iterator[tuple[Path, str]]:
    for path, nodes in NODES.items():
        for node in nodes:
            if isinstance(node, Documented):
                yield path, ast.get_docstring(node) or ""


def is_shown_as_one_line(name: str) -> bool:
    bases = [ast.unparse(base) for base in CLASSES[name].bases] if name in CLASSES else []
    return "MonitorError" in bases or any(map(is_shown_as_one_line, bases))


def test_what_is_said_to_be_raised_exists() -> None:
    raised = {
        (path.name, name)
        for path, text in docstrings()
        for name in re.findall(r"^\s*(\w*Error):", text.partition("Raises:")[2], re.MULTILINE)
    }
    assert {name for _, name in raised} >= {"ConfigError", "StoreError"}
    assert not [each for each in raised if each[1] not in CLASSES and not hasattr(builtins, each[1])]


def test_the_tree_of_errors_holds_those_that_are_shown_as_one_line_and_no_other() -> None:
    tree = set(re.findall(r"── (\w+)", errors.__doc__ or ""))
    assert tree == {name for name in CLASSES if is_shown_as_one_line(name)}


def test_what_a_value_of_the_state_says_of_its_fields_is_of_its_fields() -> None:
    for path, nodes in NODES.items():
        for node in nodes:
            if isinstance(node, ast.ClassDef) and "state" in path.relative_to(PACKAGE).parts:
                text = ast.get_docstring(node) or ""
                named = set(re.findall(r"`([a-z_]+)`", text))
                there = set(re.findall(r"\w+", ast.unparse(node).replace(text, "")))
                assert named <= there, (path, node.name, named - there)


def test_the_simulator_names_its_own_modules() -> None:
    folder = PACKAGE / "simulator"
    names = re.findall(r"`(\w+)`", ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or "")
    assert names
    assert not [name for name in names if not (folder / f"{name}.py").exists() and not (folder / name).is_dir()]
