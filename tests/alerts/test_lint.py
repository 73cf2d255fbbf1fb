"""What every rule must have and may name."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alerts.pack import Rule
from alerts.promql import labels, metrics, milliseconds, selectors
from alerts.vocabulary import PROMETHEUS_OWN, closed_values, label_names, labels_of, recorded, series, unknown_names

from alerts import pack
from monitor.metrics.family import FigureSource

SEVERITIES = {"critical", "warning", "info"}
BOARDS = {"overview", "limits", "tasks", "api", "monitor"}
SCRAPES_MILLISECONDS = 30_000
ACCOUNT_READS_MILLISECONDS = 120_000
RUNBOOK_URL = "{{{{ $externalLabels.genmedia_runbooks_url }}}}/{}.md"
DASHBOARD_URL = re.compile(
    re.escape("{{ $externalLabels.genmedia_grafana_url }}/d/genmedia-")
    + r"(?P<board>\w+)"
    + r"(?:\?var-provider=\{\{ \$labels\.provider \}\}&var-account=\{\{ \$labels\.account \}\}"
    + r"(?:&var-model=\{\{ \$labels\.model \}\})?"
    + r"|\{\{ with \$labels\.account \}\}\?var-provider=\{\{ \$labels\.provider \}\}"
    + r"&var-account=\{\{ \. \}\}\{\{ end \}\})?"
)
SECTIONS = [
    "What it means",
    "Who is affected",
    "How to confirm",
    "What to do now",
    "How to stop it coming back",
]
PROMISES = {"fires", "silent just below", "resolves", "does not flap"}
ALWAYS_FIRING = "GenmediaWatchdog"
CASE = re.compile(r"(Genmedia\w+): (.+)")
DOCUMENTS = [pack.ROOT / "docs" / "reference" / "alerts.md", *sorted(pack.RUNBOOKS.glob("*.md"))]
each_rule = pytest.mark.parametrize("rule", pack.rules(), ids=str)
each_alert = pytest.mark.parametrize("rule", pack.alerts(), ids=str)
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)


@each_rule
def test_a_rule_reads_only_series_that_exist(rule: Rule) -> None:
    assert rule.reads - set(series()) - recorded() - PROMETHEUS_OWN == set()


@each_rule
def test_a_rule_names_only_labels_that_exist(rule: Rule) -> None:
    told = " ".join(rule.body.get("annotations", {}).values())
    named = labels(str(rule.body["expr"])) | set(re.findall(r"\$labels\.(\w+)", told))
    assert named - label_names() == set()


@each_rule
def test_a_selector_matches_only_labels_of_its_series(rule: Rule) -> None:
    for selector in selectors(str(rule.body["expr"])):
        if family := series().get(selector.metric):
            assert {label for label, _, _ in selector.matchers} - labels_of(family) == set(), selector


@each_rule
def test_a_selector_matches_only_values_that_exist(rule: Rule) -> None:
    closed = closed_values()
    for selector in selectors(str(rule.body["expr"])):
        for label, operator, value in selector.matchers:
            values = set(value.split("|")) if "~" in operator else {value}
            assert values <= closed.get(label, values) | {".+"}, (selector.metric, label)


def test_no_name_is_used_twice_but_for_the_same_record() -> None:
    names = Counter(rule.name for rule in pack.alerts())
    assert [name for name, count in names.items() if count > 1] == []


def test_every_recorded_series_is_used() -> None:
    """A board may use one too, but each must be of use to an alert or a board."""
    boards = " ".join(path.read_text() for path in (pack.ROOT / "dashboards").glob("*.json"))
    used = set(pack.RECORDED.findall(boards)).union(*(rule.reads for rule in pack.rules()))
    assert recorded() - used == set()


@each_alert
def test_an_alert_has_its_labels_and_annotations(rule: Rule) -> None:
    assert rule.body["labels"]["severity"] in SEVERITIES
    assert rule.body["labels"]["group"] == Path(rule.file).stem == rule.group
    assert set(rule.body["annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert re.fullmatch(r"Genmedia[A-Z]\w+", rule.name)


def sources_behind(rule: Rule) -> set[FigureSource]:
    watched = pack.ancestors(frozenset(metrics(str(rule.body["expr"]))))
    return {series()[name].source for name in watched if name in series()}


@each_alert
def test_an_alert_waits_for_two_polls_of_what_it_watches(rule: Rule) -> None:
    if not metrics(str(rule.body["expr"])):
        return
    polled = FigureSource.READS in sources_behind(rule)
    least = ACCOUNT_READS_MILLISECONDS if polled else SCRAPES_MILLISECONDS
    assert milliseconds(rule.body["for"]) >= least


@each_alert
def test_the_links_of_an_alert_lead_somewhere(rule: Rule) -> None:
    annotations = rule.body["annotations"]
    assert annotations["runbook_url"] == RUNBOOK_URL.format(rule.name)
    link = DASHBOARD_URL.fullmatch(annotations["dashboard_url"])
    assert link, annotations["dashboard_url"]
    assert link["board"] in BOARDS


@each_alert
def test_an_alert_has_a_runbook_with_every_section(rule: Rule) -> None:
    text = (pack.RUNBOOKS / f"{rule.name}.md").read_text()
    assert text.startswith(f"# {rule.name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert all(part.strip() for part in re.split(r"^#.*$", text, flags=re.MULTILINE)[1:]), "an empty section"


def panels() -> dict[str, set[str]]:
    """Of each board, by the name that runbooks call it: the titles of its panels."""
    boards = [json.loads(path.read_text()) for path in (pack.ROOT / "dashboards").glob("*.json")]
    return {board["title"].split(" / ")[1]: {panel["title"] for panel in board["panels"]} for board in boards}


@each_alert
def test_a_runbook_names_boards_that_exist_and_panels_that_are_on_them(rule: Rule) -> None:
    text = (pack.RUNBOOKS / f"{rule.name}.md").read_text()
    named = re.findall(r"^- Board: \*(.+?)\*(.*)$", text, re.MULTILINE)
    assert named
    for board, rest in named:
        assert set(re.findall(r'"([^"]+)"', rest)) - panels()[board] == set()


def test_no_runbook_is_left_without_its_alert() -> None:
    assert {path.stem for path in pack.RUNBOOKS.glob("*.md")} == {rule.name for rule in pack.alerts()}


@each_document
def test_a_document_names_only_series_that_exist(path: Path) -> None:
    assert unknown_names(path.read_text()) == set()


def spelt_out(pattern: str) -> Iterator[str]:
    """The alternatives of an `a|b(c|d)`, one after another."""
    for part in re.split(r"\|(?![^(]*\))", pattern):
        before, _, rest = part.partition("(")
        inner, _, after = rest.partition(")")
        yield from (before + each + after for each in inner.split("|"))


def test_every_alert_that_alertmanager_asks_for_exists() -> None:
    text = (pack.ROOT / "alerts" / "alertmanager.yml").read_text()
    asked = [pattern for found in re.findall(r'alertname *[=!]~? *"?([^",\]]+)', text) for pattern in spelt_out(found)]
    names = [rule.name for rule in pack.alerts()]
    assert asked
    assert [pattern for pattern in asked if not any(re.fullmatch(pattern, name) for name in names)] == []


@each_document
def test_a_document_names_only_alerts_that_exist(path: Path) -> None:
    named = set(re.findall(r"\bGenmedia[A-Z]\w+", path.read_text()))
    assert named - {rule.name for rule in pack.alerts()} == set()


@each_document
def test_a_documents_links_resolve(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


@each_alert
def test_the_list_of_alerts_has_it(rule: Rule) -> None:
    """The row's last column is the first line of the runbook."""
    line = (pack.RUNBOOKS / f"{rule.name}.md").read_text().splitlines()[2]
    severity = rule.body["labels"]["severity"]
    row = f"| [{rule.name}](../runbooks/{rule.name}.md) | {rule.group} | {severity} | {line} |"
    assert row in (pack.ROOT / "docs" / "reference" / "alerts.md").read_text().splitlines()


def cases() -> Iterator[tuple[str, set[str], list[list[Any]]]]:
    """Of each named case: its alert, what it promises, and the alerts expected at each time, in order."""
    for path in pack.test_files():
        for case in pack.read(path)["tests"]:
            if named := CASE.fullmatch(case.get("name", "")):
                asked = sorted(case.get("alert_rule_test", ()), key=lambda each: milliseconds(each["eval_time"]))
                expected = [each.get("exp_alerts", []) for each in asked if each["alertname"] == named[1]]
                yield named[1], set(named[2].split(", ")), expected


def shape(expected: list[list[Any]]) -> str:
    """The case as letters: `.` silent, `F` firing."""
    return "".join("F" if alerts else "." for alerts in expected)


# What the times of a case must look like for it to prove what its name promises.
SHAPES = {"fires": r".*F.*", "silent just below": r"\.+", "resolves": r".*F\.", "does not flap": r".*FF.*"}


def test_every_case_proves_what_its_name_promises() -> None:
    for alert, promises, expected in cases():
        assert promises <= PROMISES, alert
        for promise in promises:
            assert re.fullmatch(SHAPES[promise], shape(expected)), (alert, promise, shape(expected))


@each_alert
def test_an_alert_has_a_case_for_every_promise(rule: Rule) -> None:
    promised: defaultdict[str, set[str]] = defaultdict(set)
    for alert, promises, _ in cases():
        promised[alert] |= promises
    assert promised[rule.name] == ({"fires"} if rule.name == ALWAYS_FIRING else PROMISES)
