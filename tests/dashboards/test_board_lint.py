"""What every board and panel must have and may name: the rules of Grafana's dashboard linter, and our own."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from alerts.promql import labels, metrics, selectors, tokens
from alerts.vocabulary import PROMETHEUS_OWN, closed_values, label_names, labels_of, recorded, series
from dashboards.shelf import Panel, Query, boards, panels, queries

from alerts import pack
from dashboards.src.words import SELECTORS
from monitor.metrics.family import ACCOUNT_LABELS, Type

VARIABLES = ["datasource", "provider", "account", "model"]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# What Prometheus and the client library tell of any target.
OF_TARGETS = {"scrape_duration_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes"}
SELECTED_BY = {"provider": "$provider", "account": "$account"}
GRID_COLUMNS = 24
PIXELS_OF_COLUMN = 1400 / GRID_COLUMNS
ROW_PIXELS = 38
LEAST_PIXELS = {"stat": (250, 76), "table": (650, 150), "timeseries": (430, 220), "heatmap": (600, 220)}

each_board = pytest.mark.parametrize("board", boards().values(), ids=boards())
each_panel = pytest.mark.parametrize("panel", panels(), ids=str)
each_query = pytest.mark.parametrize("query", queries(), ids=str)


def annotations() -> list[tuple[str, str]]:
    return [
        (each["name"], each["expr"].replace("$__rate_interval", "1m").replace("$__interval", "15s"))
        for board in boards().values()
        for each in board["annotations"]["list"]
    ]


def variable_queries() -> list[tuple[str, str]]:
    """What the variables ask: the selector in the function of Grafana's that they call."""
    asked = [each for board in boards().values() for each in board["templating"]["list"] if each["type"] == "query"]
    return [(each["name"], re.sub(r"^\w+\((.*?)(, \w+)?\)$", r"\1", each["query"]["query"])) for each in asked]


# --- Names: a renamed metric or label fails here with the board and the panel that used it.


@each_query
def test_a_query_reads_only_series_that_exist(query: Query) -> None:
    assert metrics(query.promql) - set(series()) - recorded() - PROMETHEUS_OWN - OF_TARGETS == set()


@each_query
def test_a_query_names_only_labels_that_exist(query: Query) -> None:
    told = set(re.findall(r"\{\{(\w+)\}\}", query.body.get("legendFormat", "")))
    assert (labels(query.promql) | told) - label_names() - {"alertname", "alertstate"} == set()


@each_query
def test_a_selector_matches_only_labels_of_its_series(query: Query) -> None:
    for selector in selectors(query.promql):
        if family := series().get(selector.metric):
            assert {label for label, _, _ in selector.matchers} - labels_of(family) == set(), selector


@each_query
def test_a_selector_matches_only_values_that_exist(query: Query) -> None:
    closed = closed_values()
    for selector in selectors(query.promql):
        for label, operator, value in selector.matchers:
            values = set(value.split("|")) if "~" in operator else {value}
            assert values <= closed.get(label, values), (selector.metric, label)


@pytest.mark.parametrize(("name", "expr"), annotations() + variable_queries())
def test_annotations_and_variables_read_only_series_that_exist(name: str, expr: str) -> None:
    assert metrics(expr) - set(series()) - PROMETHEUS_OWN == set()
    assert labels(expr) - label_names() - {"alertstate"} == set()


@each_panel
def test_a_table_shows_only_columns_that_its_queries_have(panel: Panel) -> None:
    if panel.type != "table":
        return
    (arrange,) = (each["options"] for each in panel.body["transformations"] if each["id"] == "organize")
    names = [query.body["refId"] for query in panel.queries]
    answered = {f"Value #{name}" for name in names} if len(names) > 1 else {"Value"}
    grouped = set.intersection(*(labels(query.promql) for query in panel.queries))
    assert set(arrange["renameByName"]) - answered <= grouped
    assert answered <= set(arrange["renameByName"])


# --- Selection: what the variables choose is what a panel shows.


@each_query
def test_every_series_of_an_account_is_selected_by_the_variables(query: Query) -> None:
    for selector in selectors(query.promql):
        family = series().get(selector.metric)
        if family and set(ACCOUNT_LABELS) <= set(family.labels) and not is_joined(selector.metric):
            chosen = {label: value for label, operator, value in selector.matchers if operator == "=~"}
            assert chosen.items() >= SELECTED_BY.items(), selector
            assert "model" not in family.labels or "model" in chosen or set(family.labels) & {"endpoint"}, selector


def is_joined(metric: str) -> bool:
    """Whether its series are matched to ones that are selected, and so need no selection of their own."""
    return metric.endswith(("_threshold_ratio", "_threshold_seconds"))


@each_query
def test_rates_over_time_go_over_the_rate_interval(query: Query) -> None:
    if not query.is_instant:
        assert set(re.findall(r"\[([^\]:]*):?\]", query.expr)) <= {"$__rate_interval", "1h"}


def functions_around(metric: str, promql: str) -> set[str]:
    """The functions and aggregations whose brackets the first use of a series stands in."""
    around: list[str] = []
    for name, bracket in re.findall(rf"(\w*)\s*(\(|\)|{metric}\b)", promql):
        if bracket == "(":
            around.append(name)
        elif bracket == ")":
            around.pop()
        else:
            return set(around)
    raise AssertionError(f"{metric} is not in {promql}")


@each_query
def test_counters_are_rated(query: Query) -> None:
    """A bare counter says nothing, but for the sums of money and credits since counting began."""
    for metric in metrics(query.promql):
        family = series().get(metric)
        if family and family.type is not Type.GAUGE and not re.search(r"credit|dollars", metric):
            assert functions_around(metric, query.promql) & {"rate", "increase"}, metric


@each_query
def test_no_selector_name_of_ours_is_left_in_a_query(query: Query) -> None:
    assert not [name for name in SELECTORS if name in query.expr]
    assert tokens(query.promql)


# --- Boards.


@each_board
def test_a_board_has_the_variables(board: dict[str, Any]) -> None:
    listed = board["templating"]["list"]
    assert [each["name"] for each in listed] == VARIABLES
    assert listed[0]["type"] == "datasource"
    for each in listed[1:]:
        assert each["datasource"] == SOURCE
        assert (each["multi"], each["includeAll"], each["allValue"]) == (True, True, ".*")
        assert each["refresh"] == 2, "read again when the time range changes"


@each_board
def test_a_board_marks_firing_alerts_and_recharges(board: dict[str, Any]) -> None:
    marks = {each["name"]: each for each in board["annotations"]["list"]}
    assert list(marks) == ["Alerts begin to fire", "Recharges"]
    assert all(each["datasource"] == SOURCE and each["enable"] for each in marks.values())


@each_board
def test_a_board_leads_to_all_others_with_what_is_chosen(board: dict[str, Any]) -> None:
    links = [link for link in board["links"] if link["url"].startswith("/d/")]
    others = {each["uid"] for each in boards().values()} - {board["uid"]}
    assert {link["url"] for link in links} == {f"/d/{uid}" for uid in others}
    assert all(link["includeVars"] and link["keepTime"] for link in links)


@each_board
def test_a_board_cannot_be_edited_in_place_and_names_no_data_source(board: dict[str, Any]) -> None:
    assert board["editable"] is False
    assert board["description"]
    assert "id" not in board
    assert set(re.findall(r'"uid": "([^"]+)"', repr(board).replace("'", '"'))) == {SOURCE["uid"], board["uid"]}


def test_boards_and_panels_have_ids_of_their_own() -> None:
    assert len({board["uid"] for board in boards().values()}) == len(boards()) == 5
    assert {name.removesuffix(".json"): board["uid"] for name, board in boards().items()} == {
        board["uid"]: board["uid"] for board in boards().values()
    }
    for board in boards().values():
        counts = Counter(panel["id"] for panel in board["panels"])
        assert max(counts.values()) == 1, board["uid"]


@each_board
def test_panels_have_titles_of_their_own(board: dict[str, Any]) -> None:
    counts = Counter((panel["type"], panel["title"]) for panel in board["panels"])
    assert [title for title, count in counts.items() if count > 1] == []


# --- Panels.


@each_panel
def test_a_panel_says_what_it_shows(panel: Panel) -> None:
    assert panel.body["title"]
    assert len(panel.body["description"]) > 20
    assert panel.body["description"].endswith(".")


@each_panel
def test_a_panel_has_a_unit(panel: Panel) -> None:
    assert panel.body["fieldConfig"]["defaults"]["unit"]
    if panel.type == "table":
        overridden = panel.body["fieldConfig"]["overrides"]
        united = {each["matcher"]["options"] for each in overridden if "unit" in {p["id"] for p in each["properties"]}}
        (arrange,) = (each["options"] for each in panel.body["transformations"] if each["id"] == "organize")
        assert {title for name, title in arrange["renameByName"].items() if name.startswith("Value")} == united


@each_panel
def test_a_panel_asks_the_chosen_data_source(panel: Panel) -> None:
    assert panel.body["datasource"] == SOURCE
    assert panel.queries
    assert all(query.body["datasource"] == SOURCE for query in panel.queries)
    names = [query.body["refId"] for query in panel.queries]
    assert len(set(names)) == len(names)


@each_panel
def test_series_of_a_panel_can_be_told_apart(panel: Panel) -> None:
    """A query whose series have labels names them; several queries of one figure each have names."""
    for query in panel.queries:
        if panel.type != "table" and len(panel.queries) > 1:
            assert query.body["legendFormat"], query


@each_panel
def test_a_panel_is_large_enough(panel: Panel) -> None:
    """At 1400 pixels. On a phone Grafana gives each panel the whole width and keeps its height."""
    place = panel.body["gridPos"]
    least_width, least_height = LEAST_PIXELS.get(panel.type, (430, 150))
    assert place["w"] * PIXELS_OF_COLUMN >= least_width
    assert place["h"] * ROW_PIXELS >= least_height


@each_board
def test_panels_do_not_overlap_and_fill_their_rows(board: dict[str, Any]) -> None:
    cells = Counter(
        cell
        for panel in board["panels"]
        for place in [panel["gridPos"]]
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        )
    )
    assert max(cells.values()) == 1
    assert len(cells) == GRID_COLUMNS * (1 + max(y for _, y in cells))


def links_of(panel: Panel) -> list[str]:
    """Where its own links and those of its cells lead."""
    overridden = panel.body["fieldConfig"].get("overrides", [])
    cells = [link for each in overridden for p in each["properties"] if p["id"] == "links" for link in p["value"]]
    return [link["url"] for link in [*panel.body.get("links", []), *cells]]


@each_panel
def test_a_panels_links_lead_somewhere(panel: Panel) -> None:
    runbooks = {f"{path.stem}.md" for path in pack.RUNBOOKS.glob("*.md")} | {"${__value.text}.md"}
    for url in links_of(panel):
        parts = urlsplit(url)
        if parts.path.startswith("/d/"):
            assert f"{parts.path.removeprefix('/d/')}.json" in boards(), url
            chosen = {name.removeprefix("var-") for name, _ in parse_qsl(parts.query) if name.startswith("var-")}
            assert chosen <= set(VARIABLES), url
        else:
            assert parts.path.split("/docs/runbooks/")[1] in runbooks, url
