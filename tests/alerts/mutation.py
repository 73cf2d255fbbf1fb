"""Changes of one thing at a time in the rules: numbers, comparisons, set operators, durations.

Files are written as JSON, which is YAML that takes no time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from alerts.pack import Rule
from alerts.promql import Role, scaled, tokens

from alerts import pack

OTHERS = {
    ">": (">=", "<"),
    "<": ("<=", ">"),
    ">=": (">", "<"),
    "<=": ("<", ">"),
    "==": ("!=",),
    "!=": ("==",),
    "and": ("or",),
    "or": ("and",),
    "unless": ("and",),
}
SMALL = 100


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule with one thing changed: which field, from what, to what."""

    rule: Rule
    field: str
    old: str
    new: str
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.rule}: {self.field}: {self.old} -> {self.new}"


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every mutant of a rule."""
    expression = str(rule.body["expr"])
    for token in tokens(expression):
        for text in changes(token.role, token.text):
            where = f"expr at {token.start}"
            yield Mutant(rule, where, token.text, text, {**rule.body, "expr": token.replaced(expression, text)})
    for field in ("for", "keep_firing_for"):
        if duration := rule.body.get(field):
            for text in changes(Role.DURATION, duration):
                yield Mutant(rule, field, duration, text, {**rule.body, field: text})


def changes(role: Role, text: str) -> tuple[str, ...]:
    """What a token is changed to, one after another."""
    if role is Role.NUMBER:
        return _numbers(text)
    if role is Role.DURATION:
        return scaled(text, 0.5), scaled(text, 2)
    if role in {Role.COMPARISON, Role.SET}:
        return OTHERS[text.lower()]
    return ()


def _numbers(text: str) -> tuple[str, str]:
    value = float(text)
    if value.is_integer() and value < SMALL:
        return format(value - 1, "g"), format(value + 1, "g")
    return format(value * 0.9, ".12g"), format(value * 1.1, ".12g")


class Bench:
    """Runs the cases that concern a rule, each on the rules that it needs and in a folder of its own."""

    def __init__(self, promtool: str, folder: Path) -> None:
        self._promtool = promtool
        self._folder = folder
        self._runs = count()

    def fails(self, rule: Rule, body: dict[str, Any]) -> bool:
        """Whether a case fails with this body in place of the rule's own."""
        concerned = pack.dependents(rule.name)
        return any(
            not self._passes(path, case, rule, body)
            for path in pack.test_files()
            for case in pack.read(path)["tests"]
            if _asks(case) & concerned
        )

    def _passes(self, path: Path, case: dict[str, Any], changed: Rule, body: dict[str, Any]) -> bool:
        folder = self._folder / str(next(self._runs))
        (folder / "rules").mkdir(parents=True)
        (folder / "tests").mkdir()
        document = {**pack.read(path), "tests": [case]}
        needed = pack.ancestors(frozenset(_asks(case)))
        for name in (Path(each).name for each in document["rule_files"]):
            groups = [{**group, "rules": []} for group in pack.read(pack.RULES / name)["groups"]]
            for group in groups:
                mine = (rule for rule in pack.rules() if (rule.file, rule.group) == (name, group["name"]))
                group["rules"] = [body if rule == changed else rule.body for rule in mine if rule.name in needed]
            (folder / "rules" / name).write_text(json.dumps({"groups": groups}))
        (folder / "tests" / path.name).write_text(json.dumps(document))
        return self._run(folder / "tests" / path.name)

    def _run(self, path: Path) -> bool:
        done = subprocess.run([self._promtool, "test", "rules", path], check=False, capture_output=True, text=True)
        # What promtool refuses to read would fail too, but prove nothing.
        assert done.returncode == 0 or "got:" in done.stdout + done.stderr, done.stdout + done.stderr
        return done.returncode == 0


def _asks(case: dict[str, Any]) -> set[str]:
    alerts = {each["alertname"] for each in case.get("alert_rule_test", ())}
    expressions = [each["expr"] for each in case.get("promql_expr_test", ())]
    return alerts.union(*map(pack.metrics, expressions))


def survivors(bench: Bench, all_: list[Mutant], workers: int = 2) -> list[Mutant]:
    """The mutants that no test notices."""
    with ThreadPoolExecutor(workers) as pool:
        noticed = pool.map(lambda mutant: bench.fails(mutant.rule, mutant.body), all_)
        return [mutant for mutant, fails in zip(all_, noticed, strict=True) if not fails]
