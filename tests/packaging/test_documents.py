"""What the documents name is there: files, modules, commands, options."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from monitor.cli import app

FOLDERS = ("alerts", "benchmarks", "dashboards", "demo", "deploy", "docs", "monitor", "requirements", "tests")
CODE = re.compile(r"`([^`\n]+)`")
FENCED = re.compile(r"```(?:sh|console)\n(.+?)```", re.DOTALL)
PLACEHOLDER = re.compile(r"\b[A-Z]+\b")


@pytest.fixture(scope="module")
def documents(root: Path) -> dict[str, str]:
    """Each document's path and text; the changelog tells of the past."""
    paths = [root / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    paths += [*(root / "docs").rglob("*.md")]
    return {str(path.relative_to(root)): path.read_text() for path in paths}


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of each command."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return {
        name: {option for each in command.params for option in each.opts} for name, command in group.commands.items()
    }


def test_every_file_that_is_named_exists(root: Path, documents: dict[str, str]) -> None:
    path = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./*-]*")
    named = {(page, code) for page, text in documents.items() for code in CODE.findall(text) if path.fullmatch(code)}
    assert len(named) > 30
    missing = [each for each in named if not PLACEHOLDER.search(each[1]) and not any(root.glob(each[1].rstrip("/")))]
    assert missing == []


def test_every_module_that_is_named_exists(documents: dict[str, str]) -> None:
    module = re.compile(r"(?:python -m )?((?:monitor|benchmarks|demo|dashboards)(?:\.[a-z_]+)+)(?: .*)?")
    found = [module.fullmatch(code) for text in documents.values() for code in CODE.findall(text)]
    files = {"monitor.db", "monitor.yml", "monitor.example.yml", "monitor.example.com"}
    named = {match[1] for match in found if match} - files
    assert len(named) >= 5
    assert [name for name in named if find_spec(name) is None] == []


def test_every_command_that_is_shown_has_its_options(documents: dict[str, str], options: dict[str, set[str]]) -> None:
    shown = [code for text in documents.values() for code in CODE.findall(text)]
    shown += [line for text in documents.values() for block in FENCED.findall(text) for line in block.splitlines()]
    found = [re.search(r"(?:^|[ /])genmedia-monitor ([a-z][a-z-]*)((?: .*)?)", line) for line in shown]
    used = [(match[1], match[2]) for match in found if match]
    assert len(used) > 30
    for command, rest in used:
        given = {word for word in shlex.split(rest.partition("#")[0].partition("|")[0]) if word.startswith("--")}
        assert given <= options[command] | {"--help"}, (command, given)
