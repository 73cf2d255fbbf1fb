"""What is told of the recommended concurrency is steady; what was found out so far moves behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.capacity.overload import HOUR, RULES, SCRAPE, run
from benchmarks.capacity.vendor import Model, Phase
from monitor.judgement.capacity.concurrency import ConcurrencyLimit
from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.capacity.published import HOLD_SHARE, Published, publish

EVALUATE = 5
MINUTE = 60
HOLD = HOLD_SHARE * RULES.window
HEALTHY, APPROACHING, SATURATED = QueueState
RESTLESS = (8, 5, 2, 2, 1, 1, 5, 3, 8)
"""What was found out, minute by minute, of a client that does not follow."""


def told(limits: Sequence[ConcurrencyLimit], state: QueueState | None = HEALTHY, seconds: int = MINUTE) -> list[int]:
    """What is published at each evaluation while each of these limits stands for so long."""
    published, figures = Published(limits[0].whole), []
    steps = (limit for limit in limits for _ in range(seconds // EVALUATE))
    for number, limit in enumerate(steps):
        published = publish(published, limit, state, RULES, float(number * EVALUATE))
        figures.append(published.value)
    return figures


def path(figures: Iterable[int]) -> list[int]:
    return [figure for figure, _ in groupby(figures)]


def found(*values: float) -> list[ConcurrencyLimit]:
    return [ConcurrencyLimit(float(value)) for value in values]


def followed(value: float, in_use: int) -> ConcurrencyLimit:
    """A limit whose client had so many open."""
    return ConcurrencyLimit(value, tasks=((0.0, 60.0),) * in_use)


def in_the_second_hour(limits: Sequence[int]) -> int:
    return len(path(limits[round(HOUR / SCRAPE) :])) - 1


@pytest.mark.parametrize(
    ("state", "expected"), [(HEALTHY, [8, 5]), (APPROACHING, [8, 5]), (None, [8, 5]), (SATURATED, [8, 2])]
)
def test_a_restless_limit_changes_the_recommendation_seldom(state: QueueState | None, expected: list[int]) -> None:
    assert path(told(found(*RESTLESS), state)) == expected


@pytest.mark.parametrize(
    ("value", "away"), [(8, 7), (8, 9), (8, 10), (4, 3), (4, 5), (3, 2), (2, 3), (40, 31), (40, 53), (1, 1)]
)
def test_a_limit_that_is_not_clearly_away_changes_nothing(value: int, away: int) -> None:
    assert path(told(found(value, away), SATURATED, 3600)) == [value]


@pytest.mark.parametrize(("value", "away"), [(8, 6), (8, 11), (4, 2), (2, 1), (1, 2), (3, 1), (16, 4), (4, 16)])
def test_a_limit_that_stays_clearly_away_is_published_after_minutes(value: int, away: int) -> None:
    figures = told(found(value, away), HEALTHY, 600)
    assert path(figures) == [value, away]
    assert (figures.index(away) - 600 // EVALUATE) * EVALUATE == HOLD


def test_a_limit_that_comes_back_in_time_changes_nothing() -> None:
    assert path(told(found(*[8, 4] * 60), HEALTHY, int(HOLD) - EVALUATE)) == [8]


def test_the_nearest_that_the_limit_was_is_published() -> None:
    assert path(told(found(8, 2, 5, 3)))[-1] == 5
    assert path(told(found(2, 9, 5, 8)))[-1] == 5


def test_a_fall_by_half_is_published_at_once_where_tasks_find_no_room() -> None:
    fallen = publish(Published(8), ConcurrencyLimit(4.0), SATURATED, RULES, 0.0)
    assert fallen == Published(4)
    assert publish(Published(8), ConcurrencyLimit(5.6), SATURATED, RULES, 0.0).value == 8
    assert publish(Published(8), ConcurrencyLimit(4.0), APPROACHING, RULES, 0.0).value == 8


@pytest.mark.parametrize(
    ("value", "limit", "in_use", "expected"),
    [
        (4, 5, 4, 5),
        (4, 5, 5, 5),
        (1, 2, 1, 2),
        (40, 44, 42, 44),
        (4, 5, 3, 4),  # not all of it is used: more is nothing to try
        (4, 5, 12, 4),  # nobody follows
        (4, 8, 4, 4),  # more than a step
        (40, 44, 39, 40),
    ],
)
def test_who_uses_all_of_it_is_told_of_the_next_step_at_once(
    value: int, limit: int, in_use: int, expected: int
) -> None:
    assert publish(Published(value), followed(limit, in_use), HEALTHY, RULES, 0.0).value == expected


@given(st.lists(st.integers(1, 200), min_size=2, max_size=200), st.sampled_from([HEALTHY, APPROACHING, None]))
def test_whatever_the_limit_does_nothing_but_a_step_up_changes_twice_within_the_hold(
    values: list[int], state: QueueState | None
) -> None:
    figures = told(found(*values), state, EVALUATE)
    assert len(path(figures)) - 1 <= len(figures) * EVALUATE / HOLD


@given(st.lists(st.integers(1, 200), min_size=2, max_size=200), st.sampled_from(QueueState))
def test_nothing_is_published_that_was_not_found(values: list[int], state: QueueState) -> None:
    assert set(told(found(*values), state, EVALUATE)) <= set(values)


@settings(max_examples=5, deadline=None)
@given(st.floats(2, 30), st.floats(0, 0.5), st.integers(0, 2**32))
def test_steady_conditions_let_the_recommendation_rest(seconds: float, spread: float, seed: int) -> None:
    """In an hour, of five models; were the limit itself told, it would be some hundred times."""
    models = [Model([Phase(0, room)], seconds, spread, patience=100 * seconds) for room in (1, 2, 4, 8, 16)]
    assert sum(in_the_second_hour(run(model, None, seed, 2 * HOUR).limits) for model in models) <= 100


@pytest.mark.parametrize("autocommit", [None, 16])
def test_a_real_drop_is_followed_within_minutes(autocommit: int | None) -> None:
    limits = run(Model((Phase(0, 16), Phase(1200, 4)), patience=100.0), autocommit).limits
    before, after = limits[round(1200 / SCRAPE) - 1], limits[round(1500 / SCRAPE)]
    assert before >= 16
    assert after <= 8
