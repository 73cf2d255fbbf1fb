"""The core knows no vendor: what it needs of one, the provider declares."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.providers import PROVIDERS

ROOT = Path(__file__).parents[2] / "monitor"
OF_VENDORS = ("providers", "simulator")
OWN_COMMAND = ROOT / "cli" / "simulate.py"
"""The options of the simulator."""
CORE = sorted(
    path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in OF_VENDORS and path != OWN_COMMAND
)
# A runway is also what a balance has left: as a vendor it has a capital, or is the whole of a string or of a module.
WORDS = {"runway"}
ANYWHERE = "|".join([*(PROVIDERS.keys() - WORDS), *(provider.key_env for provider in PROVIDERS.values())])
ALONE = "|".join(rf"\b{word.capitalize()}\b|(?<![\w ]){word}(?![\w ])" for word in WORDS)
NAME = re.compile(rf"(?i:{ANYWHERE})|{ALONE}")


def said(tree: ast.AST) -> Iterator[str]:
    """What the code says: modules, names and strings, but no docstring, which may cite a vendor for a fact."""
    cited = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in cited:
            yield node.value


def named(source: str) -> list[str]:
    return [text for text in said(ast.parse(source)) if NAME.search(text)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from monitor.providers.runway.tiers import TIERS", True),
        ("import monitor.providers.runware", True),
        ('if provider == "runway": pass', True),
        ('HELP = "At Runware this is otherwise."', True),
        ('HELP = "Runway has no such limit."', True),
        ('KEY = os.environ["RUNWAYML_API_SECRET"]', True),
        ('"""A rolling day (Runway, usage tiers)."""', False),
        ('HELP = "How long the runway lasts."', False),
        ('NAME = "credit_runway_seconds"', False),
    ],
)
def test_a_vendor_is_told_from_a_word(source: str, names: bool) -> None:
    assert bool(named(source)) is names


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_of_the_core_names_a_vendor(path: Path) -> None:
    assert named(path.read_text(encoding="utf-8")) == []
