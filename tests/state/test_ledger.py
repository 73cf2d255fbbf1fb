from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.judgement.daily_limit.ledger import DAY, HOUR, REACH, Ledger, Span, attend, coverage, seconds_watched

NOW = 1_793_577_600.0
times = st.one_of(
    st.floats(NOW - 2 * DAY, NOW + DAY, allow_nan=False),
    st.sampled_from([NOW, NOW - DAY, math.nextafter(NOW - DAY, math.inf), NOW - DAY + HOUR, NOW + 1]),
)
histories = st.lists(times, max_size=60)


def recount(history: list[float], start: float, end: float) -> int:
    return sum(start < at <= end for at in history)


@given(histories, times)
def test_the_window_is_open_at_its_start_and_closed_at_its_end(history: list[float], now: float) -> None:
    assert Ledger(history).used(now) == recount(history, now - DAY, now)


@given(histories, times, st.sampled_from([HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY]))
def test_what_frees_is_what_is_taken_now_and_no_longer_then(history: list[float], now: float, ahead: float) -> None:
    taken = [at for at in history if now - DAY < at <= now]
    assert Ledger(history).freeing(now, ahead) == recount(taken, now - DAY, now - DAY + ahead)


@given(histories, times)
def test_the_next_slot_frees_a_day_after_the_oldest_taken_one(history: list[float], now: float) -> None:
    taken = [at for at in history if now - DAY < at <= now]
    assert Ledger(history).next_free(now) == (min(taken) + DAY if taken else None)


@given(histories, times, st.integers(1, 9))
def test_every_taken_slot_expires_in_one_of_a_few_groups(history: list[float], now: float, most: int) -> None:
    taken = [at + DAY for at in sorted(history) if now - DAY < at <= now]
    groups = Ledger(history).expiries(now, most)
    assert len(groups) <= most
    for group in groups:
        its, taken = taken[: group.slots], taken[group.slots :]
        assert (len(its), its[0], its[-1]) == group
    assert taken == []


@given(histories, times, times)
def test_the_sum_is_of_the_seconds_since_the_start(history: list[float], start: float, end: float) -> None:
    expected = math.fsum(at - start for at in history if start < at <= end)
    assert Ledger(history).seconds(start, end) == pytest.approx(expected, abs=1e-3)


@given(histories, times, st.floats(1, 4000), st.integers(1, 80))
def test_cumulative_counts_are_those_of_each_stretch(history: list[float], start: float, step: float, n: int) -> None:
    ledger = Ledger(history)
    assert ledger.cumulative(start, step, n) == [ledger.between(start, start + k * step) for k in range(n + 1)]


@given(histories, times, histories)
def test_replacing_is_idempotent_and_leaves_the_older_alone(old: list[float], since: float, new: list[float]) -> None:
    ledger = Ledger(old)
    ledger.replace(since, new)
    once = Ledger(old)
    once.replace(since, new)
    once.replace(since, new)
    expected = [at for at in old if at <= since] + [at for at in new if at > since]
    assert ledger.between(-math.inf, math.inf) == once.between(-math.inf, math.inf) == len(expected)
    assert ledger.used(NOW) == once.used(NOW) == recount(expected, NOW - DAY, NOW)


@given(histories, times, times)
def test_forgetting_drops_what_is_old_and_nothing_else(history: list[float], until: float, now: float) -> None:
    ledger = Ledger(history)
    ledger.forget(until)
    assert ledger.used(now) == recount([at for at in history if at > until], now - DAY, now)


class Traffic(RuleBasedStateMachine):
    """Tasks accepted, seen again, late or under a clock that steps; a restart reads them back from what is stored.

    The store holds each task once, by its id; the ledger must count as the store would.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.stored: dict[int, float] = {}
        self.ledger = Ledger()

    @rule(late=st.sampled_from([0.0, 1.0, 60.0, 3599.5, 5 * HOUR, DAY, 25 * HOUR]))
    def accept(self, late: float) -> None:
        self.stored[len(self.stored)] = self.now - late
        self.ledger.add(self.now - late)

    @rule(since=st.sampled_from([600.0, HOUR, DAY]))
    def read_the_newest_again(self, since: float) -> None:
        self.ledger.replace(self.now - since, self.stored.values())

    @rule(seconds=st.sampled_from([0.25, 60.0, HOUR, 7 * HOUR, DAY, -60.0, -HOUR, -DAY]))
    def pass_time_or_step_the_clock(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        self.ledger = Ledger(at for at in self.stored.values() if at > self.now - REACH)
        self.ledger.replace(-math.inf, self.stored.values())

    @invariant()
    def counts_as_the_store_does(self) -> None:
        stored = list(self.stored.values())
        assert self.ledger.used(self.now) == recount(stored, self.now - DAY, self.now)
        taken = [at for at in stored if self.now - DAY < at <= self.now]
        assert self.ledger.next_free(self.now) == (min(taken) + DAY if taken else None)


TestTraffic = Traffic.TestCase


def test_a_young_ledger_claims_no_more_than_it_has_watched() -> None:
    watched = attend((), NOW, 30)
    assert coverage(watched, NOW) == 0
    for minute in range(1, 61):
        watched = attend(watched, NOW + 30 * minute, 30)
    assert watched == (Span(NOW, NOW + 1800),)
    assert coverage(watched, NOW + 1800) == 1800 / DAY
    assert coverage(watched, NOW + 1800 + DAY) == 0


def test_a_silence_is_not_watched() -> None:
    watched = attend(attend((Span(NOW - 2 * DAY, NOW),), NOW + 31, 30), NOW + 61, 30)
    assert watched == (Span(NOW - 2 * DAY, NOW), Span(NOW + 31, NOW + 61))
    assert seconds_watched(watched, NOW - 10, NOW + 61) == 40


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW - 10, (Span(NOW - HOUR, NOW - 10),)),  # set back into a span: its future part was not watched
        (NOW - 2 * HOUR, (Span(NOW - 2 * HOUR, NOW - 2 * HOUR),)),  # set back before it
        (NOW + DAY, (Span(NOW - HOUR, NOW), Span(NOW + DAY, NOW + DAY))),
        (NOW + REACH, (Span(NOW + REACH, NOW + REACH),)),  # no window needs the old one any more
    ],
)
def test_a_clock_that_steps_watches_nothing(now: float, expected: tuple[Span, ...]) -> None:
    assert attend((Span(NOW - HOUR, NOW),), now, 30) == expected


@given(st.lists(st.floats(-DAY, DAY), max_size=40), st.floats(1, HOUR))
def test_watched_spans_never_overlap_and_never_lie_ahead(steps: list[float], gap: float) -> None:
    watched: tuple[Span, ...] = ()
    now = NOW
    for step in steps:
        now += step
        watched = attend(watched, now, gap)
        assert all(span.start <= span.end <= now for span in watched)
        assert all(a.end < b.start for a, b in pairwise(watched))
        assert 0 <= coverage(watched, now) <= 1


@pytest.mark.parametrize("question", [Ledger.used, Ledger.next_free])
def test_an_empty_ledger_answers(question: Callable[[Ledger, float], object]) -> None:
    assert not question(Ledger(), NOW)
