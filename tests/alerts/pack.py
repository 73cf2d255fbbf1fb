"""The shipped rules and their tests, read from `alerts/`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from alerts.promql import metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "alerts" / "rules"
TESTS = ROOT / "alerts" / "tests"
RUNBOOKS = ROOT / "docs" / "runbooks"
RECORDED = re.compile(r"genmedia:[a-z0-9_:]*[a-z0-9_]")
QUERIED = re.compile(r'(?:query|printf)\s+"((?:\\.|[^"\\])*)"')
NAMED = re.compile(r"genmedia[:_][a-z0-9_:]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and where it stands. `body` is what YAML says."""

    file: str
    group: str
    index: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The alert or the recorded series."""
        return str(self.body.get("alert") or self.body["record"])

    @property
    def is_alert(self) -> bool:
        """Whether it alerts, rather than records."""
        return "alert" in self.body

    @property
    def reads(self) -> set[str]:
        """The series that its expression or its annotations ask for."""
        asked = " ".join(QUERIED.findall(" ".join(self.body.get("annotations", {}).values())))
        return metrics(str(self.body["expr"])) | set(NAMED.findall(asked))

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


@cache
def read(path: Path) -> Any:
    """A YAML file; not to be changed."""
    return yaml.safe_load(path.read_text())


def rule_files() -> list[Path]:
    """Every file of rules."""
    return sorted(RULES.glob("*.yml"))


def test_files() -> list[Path]:
    """Every file of promtool tests."""
    return sorted(TESTS.glob("*_test.yml"))


def _rules() -> Iterator[Rule]:
    for path in rule_files():
        for group in read(path)["groups"]:
            for index, body in enumerate(group["rules"]):
                yield Rule(path.name, group["name"], index, body)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule."""
    return tuple(_rules())


def alerts() -> list[Rule]:
    """Every alerting rule."""
    return [rule for rule in rules() if rule.is_alert]


@cache
def reads() -> dict[str, frozenset[str]]:
    """What the rules of each name read."""
    found: dict[str, frozenset[str]] = {}
    for rule in rules():
        found[rule.name] = found.get(rule.name, frozenset()) | rule.reads
    return found


@cache
def dependents(name: str) -> frozenset[str]:
    """The rule of this name and all that read it, directly or through others."""
    found = {name}
    while more := {each for each, read in reads().items() if read & found} - found:
        found |= more
    return frozenset(found)


@cache
def ancestors(names: frozenset[str]) -> frozenset[str]:
    """The series of these names and all that they are made from, directly or through others."""
    found = set(names)
    while more := {read for name in found for read in reads().get(name, ())} - found:
        found |= more
    return frozenset(found)
