from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judgement.recent import RECENT_SECONDS, STEP_SECONDS, RecentCounts
from monitor.judgement.snapshot import RecentFigures
from monitor.tasks.counters import CounterSpec, Series, observe

NOTHING = RecentFigures()


def asked(**outcomes: int) -> list[Series]:
    """Creates so far, by outcome and on two endpoints."""
    return [
        Series(CounterSpec.REQUESTS, (endpoint, "create", "m", "200", outcome), count)
        for outcome, total in outcomes.items()
        for endpoint, count in (("/a", total // 2), ("/b", total - total // 2))
    ]


def ended(*seconds: float) -> list[Series]:
    """The tasks of a model that have ended so far."""
    added = observe("a", CounterSpec.TASK_SECONDS, ("m", "total"), seconds)
    return [Series(one.counter, one.labels, one.amount) for one in added]


def creates(**outcomes: int) -> RecentFigures:
    return RecentFigures(requests={"create": outcomes})


def test_what_was_counted_before_the_first_look_is_not_recent() -> None:
    recent = RecentCounts()
    assert recent.update(asked(success=1000, overloaded=7), 0.0) == NOTHING
    assert recent.update(asked(success=1003, overloaded=7), 5.0) == creates(success=3)


def test_an_outcome_that_is_new_counts_from_nothing() -> None:
    recent = RecentCounts()
    recent.update([], 0.0)
    assert recent.update(asked(overloaded=3), 5.0) == creates(overloaded=3)


def test_five_minutes_later_it_is_forgotten() -> None:
    recent = RecentCounts()
    recent.update([], 0.0)
    recent.update(asked(overloaded=3), STEP_SECONDS)
    for at in range(2 * int(STEP_SECONDS), int(RECENT_SECONDS), int(STEP_SECONDS)):
        assert recent.update(asked(overloaded=3), float(at)) == creates(overloaded=3)
    assert recent.update(asked(overloaded=3), RECENT_SECONDS + STEP_SECONDS) == NOTHING


@given(st.lists(st.tuples(st.floats(0.1, 100), st.integers(0, 50)), min_size=1, max_size=100))
def test_it_holds_all_of_the_last_five_minutes_and_little_more(steps: list[tuple[float, int]]) -> None:
    recent, now, total = RecentCounts(), 0.0, 0
    recent.update([], now)
    history = [(now, 0)]
    for seconds, count in steps:
        now, total = now + seconds, total + count
        figures = recent.update(asked(success=total), now)
        history.append((now, total))
    held = figures.requests.get("create", {}).get("success", 0)
    since = [count for at, count in history if at <= now - RECENT_SECONDS]
    at_least = total - (since[-1] if since else 0)
    widest = max((seconds for seconds, _ in steps), default=0.0) + STEP_SECONDS
    before = [count for at, count in history if at <= now - RECENT_SECONDS - widest]
    assert at_least <= held <= total - (before[-1] if before else 0)


def test_a_clock_that_is_set_back_begins_anew() -> None:
    recent = RecentCounts()
    recent.update([], 10_000.0)
    recent.update(asked(success=5), 10_010.0)
    assert recent.update(asked(success=6), 6_400.0) == NOTHING
    assert recent.update(asked(success=8), 6_405.0) == creates(success=2)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [((), (), {}), ((100.0,), (100.0,), {}), ((100.0,), (100.0, 10.0, 20.0), {"m": 15.0}), ((), (0.0,), {"m": 0.0})],
)
def test_the_duration_is_the_mean_of_the_tasks_that_ended_lately(
    before: tuple[float, ...], after: tuple[float, ...], told: Mapping[str, float]
) -> None:
    recent = RecentCounts()
    recent.update(ended(*before), 0.0)
    assert recent.update(ended(*after), 5.0).task_seconds == pytest.approx(told)
