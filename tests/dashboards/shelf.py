"""The committed boards, read from `dashboards/`, and their queries as Grafana sends them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "dashboards"
VARIABLE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a board; prints as both their titles."""

    board: str
    body: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def queries(self) -> list[Query]:
        return [Query(self, target) for target in self.body["targets"]]

    def __str__(self) -> str:
        return f"{self.board}: {self.body['title']}"


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel."""

    panel: Panel
    body: dict[str, Any]

    @property
    def expr(self) -> str:
        return str(self.body["expr"])

    @property
    def promql(self) -> str:
        """The expression as PromQL: with times of an example in place of Grafana's."""
        return self.expr.replace("$__rate_interval", "1m").replace("$__range", "1h")

    @property
    def is_instant(self) -> bool:
        return bool(self.body["instant"])

    def __str__(self) -> str:
        return f"{self.panel}: {self.body['refId']}"


@cache
def boards() -> dict[str, dict[str, Any]]:
    """Every board by its file's name."""
    return {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels() -> list[Panel]:
    """Every panel of every board, without the headings of rows."""
    placed = [(board["uid"], panel) for board in boards().values() for panel in board["panels"]]
    return [Panel(uid, panel) for uid, panel in placed if panel["type"] != "row"]


def queries() -> list[Query]:
    """Every query of every panel."""
    return [query for panel in panels() for query in panel.queries]


def filled(expr: str, step: int, seconds: int, account: str) -> str:
    """The expression with its variables replaced as Grafana does, for all models of an account, scraped every second.

    There is a point every `step` of the `seconds` shown. The rate interval is a step and a scrape, and at least four
    scrapes (Grafana docs, Prometheus template variables, 2025-05). Raises KeyError for an unknown variable.
    """
    chosen = {"provider": ".*", "account": account, "model": ".*"}
    times = {"__range": f"{seconds}s", "__interval": f"{step}s", "__rate_interval": f"{max(step + 1, 4)}s"}
    return VARIABLE.sub(lambda found: (chosen | times)[found[1]], expr)
