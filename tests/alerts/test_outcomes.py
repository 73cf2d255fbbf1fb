"""Rules, boards and documents judge outcomes as the one table does, and the page reckons as the queries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from alerts.promql import selectors
from dashboards.shelf import queries

from alerts import pack
from monitor.judgement.figures import RequestCount
from monitor.judgement.outcomes import BLAME, Blame, failed, outcomes
from monitor.metrics.document import document, errors_section
from monitor.observations import Kind, Outcome

OF_REQUESTS = {"genmedia_requests_total", "genmedia:outcomes:sum"}
VENDOR = frozenset(outcomes(Blame.VENDOR))
REFUSED = frozenset(outcomes(Blame.REFUSED))
SERVED = frozenset({Outcome.SUCCESS, *outcomes(Blame.TASK)})
WHOLE = {
    "every error": frozenset(filter(failed, Outcome)),
    "what is judged": frozenset(Outcome) - {Outcome.CLIENT_GONE},
    "all but success": frozenset(Outcome) - {Outcome.SUCCESS},
    "success": frozenset({Outcome.SUCCESS}),
    "the vendor's errors": VENDOR,
    "what the vendor could have served": SERVED | VENDOR,
    "refusals": REFUSED,
}
# What one alert each tells of; together they are the vendor's errors, and nothing is in two.
KINDS_OF_TROUBLE = [
    frozenset({Outcome.OVERLOADED, Outcome.SERVER_ERROR}),
    frozenset({Outcome.UNREACHABLE, Outcome.TIMEOUT}),
    frozenset({Outcome.REDIRECTED, Outcome.TRUNCATED}),
]
# What the client or the account has to mend, and whose alert it is.
PARTS_OF_REFUSED = [
    frozenset({Outcome.INVALID_REQUEST, Outcome.NOT_FOUND, Outcome.CLIENT_ERROR}),
    frozenset({Outcome.UNAUTHORIZED, Outcome.FORBIDDEN}),
    frozenset({Outcome.RATE_LIMITED}),
    frozenset({Outcome.INSUFFICIENT_CREDITS}),
]
# One outcome of them that has a series or an advice of its own.
SINGLE = [frozenset({Outcome.TIMEOUT}), frozenset({Outcome.TRUNCATED}), frozenset({Outcome.REDIRECTED})]


def selected(operator: str, value: str) -> frozenset[Outcome]:
    """The outcomes that a matcher lets through."""
    pattern = value if "~" in operator else re.escape(value)
    found = frozenset(outcome for outcome in Outcome if re.fullmatch(pattern, outcome))
    return frozenset(Outcome) - found if operator.startswith("!") else found


def expressions() -> Iterator[tuple[str, str]]:
    """Where each query stands, and the query: of rules, boards and the reference of the metrics."""
    yield from ((str(rule), str(rule.body["expr"])) for rule in pack.rules())
    yield from ((str(query), query.promql) for query in queries())
    yield from (
        ("docs/reference/metrics.md", text) for text in re.findall(r"```promql\n(.+?)```", errors_section(), re.DOTALL)
    )


JUDGING = [
    (where, label, operator, value)
    for where, expression in expressions()
    for selector in selectors(expression)
    if selector.metric in OF_REQUESTS
    for label, operator, value in selector.matchers
    if label == "outcome"
]


def test_every_outcome_has_a_verdict_and_the_reference_lists_it() -> None:
    assert set(BLAME) == set(Outcome)
    assert errors_section() in document()
    assert set(re.findall(r"`(\w+)`", "".join(errors_section().splitlines()[4 : 4 + len(Blame)]))) >= set(Outcome)


@pytest.mark.parametrize(("where", "label", "operator", "value"), JUDGING)
def test_a_query_selects_outcomes_that_the_table_puts_together(
    where: str, label: str, operator: str, value: str
) -> None:
    known = [*WHOLE.values(), *KINDS_OF_TROUBLE, *PARTS_OF_REFUSED, *SINGLE]
    assert selected(operator, value) in known, (where, label, operator, value)


def test_every_kind_of_error_has_its_alert_and_none_has_two() -> None:
    for whole, parts in ((VENDOR, KINDS_OF_TROUBLE), (REFUSED, PARTS_OF_REFUSED)):
        assert sorted(outcome for part in parts for outcome in part) == sorted(whole)
    asked = {selected(operator, value) for _, _, operator, value in JUDGING}
    assert {*KINDS_OF_TROUBLE, *PARTS_OF_REFUSED} - asked <= {frozenset({Outcome.INSUFFICIENT_CREDITS})}


def test_a_request_whose_client_hung_up_is_on_neither_side_of_an_error_rate() -> None:
    count = RequestCount(
        Kind.CREATE, {"success": 6, "redirected": 1, "benign_not_found": 2, "client_gone": 90, "new": 1}
    )
    assert (count.total, count.judged, count.failed) == (100, 10, 2)
