"""TypeScript holds every board against the types that Grafana publishes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from dashboards.shelf import boards

NODE_MODULES = Path(__file__).parents[1] / "node" / "node_modules"
TYPES = Path(__file__).with_name("schema.ts")
OPTIONS = ("--noEmit", "--strict", "--skipLibCheck", "--target", "esnext", "--module", "esnext")
FAULT = re.compile(r"^boards\.ts\((\d+),\d+\): (.*)", re.MULTILINE)


@pytest.fixture(scope="module")
def tsc(node: str) -> list[str]:
    """How TypeScript's compiler is run."""
    program = NODE_MODULES / "typescript" / "bin" / "tsc"
    if not program.is_file():
        pytest.skip("TypeScript is not installed (make test does it where npm is)")
    return [node, str(program), *OPTIONS, "--moduleResolution", "bundler", "boards.ts"]


def declarations(all_boards: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """A line of TypeScript for each board and each panel, by what it is."""
    lines = {}
    for name, board in all_boards.items():
        rest = {key: value for key, value in board.items() if key != "panels"}
        lines[name] = f"const b{len(lines)}: Board = {json.dumps(rest)};"
        for panel in board["panels"]:
            type_ = "Row" if panel["type"] == "row" else "AnyPanel"
            lines[f"{name}: {panel['title']} ({panel['type']})"] = (
                f"const p{len(lines)}: {type_} = {json.dumps(panel)};"
            )
    return lines


def faults(tsc: list[str], folder: Path, all_boards: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """What the compiler finds wrong, by board and panel."""
    (folder / "node_modules").symlink_to(NODE_MODULES)
    types = TYPES.read_text().replace("SCHEMA/", "./node_modules/@grafana/schema/dist/types/")
    (folder / "schema.ts").write_text(types)
    lines = declarations(all_boards)
    imports = 'import type { AnyPanel, Board, Row } from "./schema";'
    (folder / "boards.ts").write_text("\n".join([imports, *lines.values()]))
    done = subprocess.run(tsc, cwd=folder, check=False, capture_output=True, text=True)
    found = {list(lines)[int(number) - 2]: text for number, text in FAULT.findall(done.stdout)}
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return found


def test_every_board_has_the_types_of_grafana(tsc: list[str], tmp_path: Path) -> None:
    assert faults(tsc, tmp_path, boards()) == {}


def the_first(panels: list[dict[str, Any]], type_: str) -> dict[str, Any]:
    return next(panel for panel in panels if panel["type"] == type_)


def test_the_types_find_what_is_wrong(tsc: list[str], tmp_path: Path) -> None:
    """One fault of each sort, so that a check that checks nothing cannot pass."""
    board = deepcopy(boards()["genmedia-overview.json"])
    stat, table, lines = (the_first(board["panels"], type_) for type_ in ("stat", "table", "timeseries"))
    board["refresh"] = 30
    stat["options"]["colorMode"] = "rainbow"
    table["options"]["showHeaders"] = True
    lines["fieldConfig"]["defaults"]["custom"]["lineWidth"] = "2"
    last = board["panels"][-1]
    last["fieldConfig"]["overrides"] = [{"matcher": {"id": "byName"}, "properties": [{"id": "custom.linewidth"}]}]
    wrong = [f"{each['title']} ({each['type']})" for each in (stat, table, lines, last)]
    found = faults(tsc, tmp_path, {"faulty": board})
    assert set(found) == {"faulty", *(f"faulty: {title}" for title in wrong)}
