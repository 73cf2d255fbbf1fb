"""Changes of one thing at a time in the rules: numbers, comparisons, set operators, durations.

Files are written as JSON, which is YAML that takes no time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
    """Runs the tests that concern one rule, on the rules that they need, in a folder of its own."""

    def __init__(self, promtool: str, folder: Path) -> None:
        self._promtool = promtool
        self._folder = folder

    def fails(self, rule: Rule, body: dict[str, Any], label: str) -> bool:
        """Whether a test fails with this body in place of the rule's own."""
        folder = self._folder / label
        (folder / "rules").mkdir(parents=True)
        (folder / "tests").mkdir()
        concerned = pack.dependents(rule.name)
        self._write_rules(folder, rule, body, pack.ancestors(concerned))
        files = [path for path in pack.test_files() if _write_tests(path, folder, concerned)]
        return any(not self._passes(folder / "tests" / path.name) for path in files)

    def _write_rules(self, folder: Path, changed: Rule, body: dict[str, Any], needed: set[str]) -> None:
        for path in pack.rule_files():
            groups = []
            for group in pack.read(path)["groups"]:
                mine = [rule for rule in pack.rules() if (rule.file, rule.group) == (path.name, group["name"])]
                bodies = [body if rule == changed else rule.body for rule in mine if rule.name in needed]
                groups.append({**group, "rules": bodies})
            (folder / "rules" / path.name).write_text(json.dumps({"groups": groups}))
        self._check(folder)

    def _check(self, folder: Path) -> None:
        files = sorted((folder / "rules").glob("*.yml"))
        subprocess.run([self._promtool, "check", "rules", *files], check=True, capture_output=True)

    def _passes(self, path: Path) -> bool:
        return subprocess.run([self._promtool, "test", "rules", path], check=False, capture_output=True).returncode == 0


def _write_tests(path: Path, folder: Path, concerned: set[str]) -> bool:
    """Write the cases of a file that concern these rules; tell whether there are any."""
    document = pack.read(path)
    cases = [case for case in document["tests"] if _asks(case) & concerned]
    (folder / "tests" / path.name).write_text(json.dumps({**document, "tests": cases}))
    return bool(cases)


def _asks(case: dict[str, Any]) -> set[str]:
    alerts = {each["alertname"] for each in case.get("alert_rule_test", ())}
    expressions = [each["expr"] for each in case.get("promql_expr_test", ())]
    return alerts.union(*map(pack.metrics, expressions))


def survivors(bench: Bench, all_: list[Mutant], workers: int = 2) -> list[Mutant]:
    """The mutants that no test notices."""
    with ThreadPoolExecutor(workers) as pool:
        noticed = pool.map(lambda each: bench.fails(each[1].rule, each[1].body, f"m{each[0]}"), enumerate(all_))
        return [mutant for mutant, fails in zip(all_, noticed, strict=True) if not fails]
