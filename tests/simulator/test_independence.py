from __future__ import annotations

import ast
from pathlib import Path

import pytest

import monitor.simulator

FOLDER = Path(monitor.simulator.__file__).parent
ALLOWED = ("monitor.simulator", "monitor.runtime.clock", "monitor.errors")


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_simulator_shares_nothing_with_the_program_that_it_checks(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    own = {name for name in imported if name.split(".")[0] == "monitor"}
    assert all(name.startswith(ALLOWED) for name in own)
