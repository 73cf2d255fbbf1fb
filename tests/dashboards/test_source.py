"""The boards' JSON is what their code says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboards.src.boards import FOLDER, rendered

HINT = "write it with: make dashboards"


def parts(board: dict[str, Any]) -> dict[str, Any]:
    """The panels by title, and the rest of the board."""
    by_title = {f"panel {panel['title']}": panel for panel in board.pop("panels")}
    return {"the board itself": board, **by_title}


@pytest.mark.parametrize("name", rendered())
def test_the_json_equals_the_code(name: str) -> None:
    written = parts(json.loads((FOLDER / name).read_text()))
    meant = parts(json.loads(rendered()[name]))
    assert [each for each in meant | written if meant.get(each) != written.get(each)] == [], HINT
    assert (FOLDER / name).read_text() == rendered()[name], HINT


def test_no_board_is_left_without_its_code() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(rendered())
