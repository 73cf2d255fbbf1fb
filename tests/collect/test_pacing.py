from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.polling.pacing import Attempts, Backoff, Pause, TokenBucket

NEVER_LESS, MOST_LESS = (lambda: 0.0), (lambda: 1.0)


@pytest.mark.parametrize(
    ("base", "longest", "delays"),
    [
        (60.0, 600.0, [60.0, 120.0, 240.0, 480.0, 600.0, 600.0]),
        (5.0, 600.0, [5.0, 10.0, 20.0, 40.0, 80.0]),
        (900.0, 600.0, [900.0, 900.0, 900.0]),
    ],
)
def test_delays_double_up_to_the_longest_and_never_undercut_the_base(
    base: float, longest: float, delays: list[float]
) -> None:
    backoff = Backoff(base, longest, NEVER_LESS)

    assert [backoff.failed() for _ in delays] == delays


def test_a_success_begins_the_delays_anew() -> None:
    backoff = Backoff(60.0, 600.0, NEVER_LESS)
    first = backoff.failed()
    backoff.failed()
    backoff.succeeded()

    assert backoff.failed() == first


def test_jitter_takes_a_quarter_at_most() -> None:
    assert Backoff(60.0, 600.0, MOST_LESS, failures=1).failed() == 90.0


@given(st.floats(1, 1e5), st.floats(1, 1e5), st.integers(1, 2000), st.floats(0, 1))
def test_a_delay_stays_within_its_bounds_however_often_it_fails(
    base: float, longest: float, failures: int, chance: float
) -> None:
    backoff = Backoff(base, longest, lambda: chance, failures)

    assert base <= backoff.failed() <= max(base, longest)


@given(st.integers(1, 6000), st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_a_budget_is_never_overdrawn(per_minute: int, gaps: list[float]) -> None:
    bucket, now, spent, start = TokenBucket(per_minute), 1e9, 0, 1e9
    for gap in gaps:
        now += gap
        calls = bucket.available(now)
        bucket.take(calls)
        spent += calls
        assert spent <= max(1.0, per_minute / 12) + (now - start) * per_minute / 60 + 1e-6


def test_a_budget_lasts_for_as_many_calls_a_minute_as_it_says() -> None:
    bucket, spent = TokenBucket(120), 0
    for second in range(3600):
        calls = min(8, bucket.available(float(second)))
        bucket.take(calls)
        spent += calls

    assert 120 * 60 <= spent <= 120 * 60 + 10


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_budget_survives_a_clock_that_steps(step: float) -> None:
    bucket = TokenBucket(60)
    bucket.take(bucket.available(1e9))

    stepped = 1e9 + step
    assert bucket.available(stepped) <= 5
    assert bucket.available(stepped + 60) == 5


def test_a_pause_holds_until_it_is_over_or_ended() -> None:
    pause = Pause()
    assert not pause.holds(1e9)
    pause.begin(1e9, 10.0)
    assert [pause.holds(1e9 + after) for after in (0.0, 9.9, 10.0)] == [True, True, False]
    pause.end()
    assert not pause.holds(1e9)


def test_a_pause_is_over_when_the_clock_steps_back_behind_it() -> None:
    pause = Pause()
    pause.begin(1e9, 10.0)

    assert not pause.holds(1e9 - 3600)


def test_a_task_is_not_read_twice_at_once() -> None:
    attempts = Attempts(5.0, 600.0, NEVER_LESS)
    attempts.started("t")

    assert not attempts.may_read("t", 1e12)
    assert attempts.may_read("other", 0.0)


def test_a_task_that_answers_nothing_is_left_alone_for_longer_each_time() -> None:
    attempts, now, waits = Attempts(5.0, 600.0, NEVER_LESS), 1e9, []
    for _ in range(4):
        attempts.started("t")
        attempts.failed("t", now)
        wait = next(wait for wait in range(10_000) if attempts.may_read("t", now + wait))
        waits.append(wait)
        now += wait

    assert waits == [5, 10, 20, 40]


def test_a_sighting_ends_the_longer_waits() -> None:
    attempts = Attempts(5.0, 600.0, NEVER_LESS)
    for _ in range(3):
        attempts.started("t")
        attempts.failed("t", 1e9)
    attempts.started("t")
    attempts.succeeded("t", 1e9)

    assert (attempts.may_read("t", 1e9 + 4.9), attempts.may_read("t", 1e9 + 5)) == (False, True)


def test_a_missing_task_is_left_alone_for_as_long_as_asked() -> None:
    attempts = Attempts(5.0, 600.0, NEVER_LESS)
    attempts.started("t")
    attempts.failed("t", 1e9, at_least=60.0)

    assert (attempts.may_read("t", 1e9 + 59), attempts.may_read("t", 1e9 + 60)) == (False, True)


def test_tasks_that_nobody_reads_any_more_are_forgotten() -> None:
    attempts = Attempts(5.0, 600.0, NEVER_LESS)
    for task in ("done", "failed", "under way"):
        attempts.started(task)
    attempts.succeeded("done", 1e9)
    attempts.failed("failed", 1e9)

    attempts.forget(1e9 + 599)
    assert len(attempts) == 3
    attempts.forget(1e9 + 611)
    assert len(attempts) == 1
    attempts.succeeded("under way", 1e9 + 701)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 50)), max_size=50), st.integers())
def test_between_two_reads_of_a_task_lies_the_interval(steps: list[tuple[bool, float]], seed: int) -> None:
    attempts, now, last = Attempts(5.0, 600.0, random.Random(seed).random), 1e9, float("-inf")
    for works, gap in steps:
        now += gap
        if attempts.may_read("t", now):
            assert now - last >= 5.0 - 1e-6
            attempts.started("t")
            (attempts.succeeded if works else attempts.failed)("t", now)
            last = now
