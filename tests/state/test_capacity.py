from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from math import log
from random import Random

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.capacity.overload import EVALUATE, OVERLOAD, RULES, overloaded, run
from benchmarks.capacity.vendor import Model, Phase
from monitor.judgement.capacity.baseline import Baseline
from monitor.judgement.capacity.concurrency import ConcurrencyLimit, begin, follow, peak
from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.capacity.pace import CapacityRules, Ended, Slice, pace
from monitor.judgement.capacity.record import CapacityRecord, News, RequestCounts, advance, fresh, outlook
from monitor.judgement.capacity.verdict import QueueVerdict, judge

HEALTHY, APPROACHING, SATURATED = QueueState
HOUR = 3600.0
Step = tuple[float, list[Ended], RequestCounts]
RECORD = msgspec.json.Decoder(CapacityRecord)


def steady(
    start: float, end: float, seconds: float, autocommit: int = 4, spread: float = 0.0, seed: int = 1
) -> list[Ended]:
    """What a client that keeps so many tasks open sees of a model that takes so long."""
    random, ended = Random(seed), []
    for worker in range(autocommit):
        now = start + seconds * worker / autocommit
        while now < end:
            took = seconds * random.lognormvariate(0, spread)
            ended.append(Ended(now, now + took))
            now += took
    return sorted(ended, key=lambda task: task.ended)


def states(
    tasks: Iterable[Ended], until: float, record: CapacityRecord | None = None
) -> list[tuple[float, QueueState | None]]:
    """The states that evaluations every 5 s tell, each with the first time of it."""
    return [
        step
        for before, step in pairwise([(0.0, None), *seen(tasks, until, record or fresh(RequestCounts(), RULES, 0.0))])
        if before[1] is not step[1]
    ]


def seen(tasks: Iterable[Ended], until: float, record: CapacityRecord) -> Iterable[tuple[float, QueueState | None]]:
    left, ended = deque(sorted(tasks, key=lambda task: task.ended)), 0
    for number in range(1, int(until / EVALUATE) + 1):
        now, news = number * EVALUATE, []
        while left and left[0].ended <= now:
            news.append(left.popleft())
        ended += len(news)
        record = advance(record, News(news, RequestCounts(attempts=ended)), RULES, now)
        yield now, record.verdict.state


def test_a_fast_model_that_slows_down_is_approaching_far_below_the_documented_seconds() -> None:
    tasks = steady(0, HOUR / 2, 2.0, spread=0.3) + steady(HOUR / 2, HOUR, 8.0, spread=0.3)

    (_, first), (at, second) = states(tasks, HOUR)

    assert (first, second) == (HEALTHY, APPROACHING)
    assert at - HOUR / 2 < RULES.window


def test_a_slow_model_at_its_usual_pace_is_healthy() -> None:
    assert [state for _, state in states(steady(0, HOUR, 60.0, spread=0.3), HOUR)] == [HEALTHY]


def test_a_model_of_which_nothing_is_learnt_is_held_against_the_documented_seconds() -> None:
    path = states(steady(0, HOUR, 60.0, autocommit=40), HOUR)

    assert [state for _, state in path] == [HEALTHY, APPROACHING, HEALTHY]
    assert path[1][0] < RULES.window < path[2][0]


def test_a_model_that_is_used_no_more_has_no_state_but_keeps_what_was_learnt() -> None:
    record = fresh(RequestCounts(), RULES, 0.0)
    record = advance(record, News(steady(0, 600, 2.0, 12), RequestCounts()), RULES, 610.0)
    record = msgspec.structs.replace(record, limit=ConcurrencyLimit(12.0, worked=12.0))

    idle = advance(record, News(), RULES, 610.0 + HOUR)

    assert outlook("m", idle, RULES).state is None
    assert idle.baseline == record.baseline
    assert outlook("m", idle, RULES).recommended_concurrency == RULES.concurrency[1]


def test_refusals_alone_saturate_once_there_are_enough() -> None:
    record = fresh(RequestCounts(), RULES, 0.0)
    for number in range(1, 60):
        record = advance(record, News(doors=RequestCounts(2 * number, number)), RULES, 5.0 * number)
    told = outlook("m", record, RULES)

    assert (told.state, told.failure_ratio, told.latency_seconds) == (SATURATED, 0.5, None)
    assert told.recommended_concurrency == 1


def test_counts_of_requests_that_begin_anew_are_all_news() -> None:
    record = advance(fresh(RequestCounts(100, 50), RULES, 0.0), News(doors=RequestCounts(3, 1)), RULES, 5.0)

    assert (record.slices[0].attempts, record.slices[0].refused) == (3, 1)


def test_a_clock_that_is_set_back_holds_up_nothing() -> None:
    record = fresh(RequestCounts(), RULES, HOUR)
    record = advance(record, News(steady(HOUR, HOUR + 600, 2.0), RequestCounts()), RULES, HOUR + 610)

    record = advance(record, News(steady(0, 600, 2.0), RequestCounts()), RULES, 610.0)

    assert record.verdict.state is HEALTHY
    assert record.limit.worked == 4


def test_what_is_stored_tells_the_same_as_what_was_never_stored() -> None:
    tasks = steady(0, 900, 2.0, 8, 0.3) + steady(900, 1800, 9.0, 8, 0.3)
    kept = restored = fresh(RequestCounts(), RULES, 0.0)
    for number in range(1, 360):
        now = number * EVALUATE
        news = News([task for task in tasks if now - EVALUATE < task.ended <= now], RequestCounts(number, number // 9))
        kept, restored = advance(kept, news, RULES, now), advance(restored, news, RULES, now)
        restored = RECORD.decode(msgspec.json.encode(restored))
        assert restored == kept


@settings(max_examples=10, deadline=None)
@given(st.floats(1, 90), st.integers(2, 10), st.floats(0.0, 0.6), st.integers(0, 2**32))
@example(seconds=90.0, autocommit=8, spread=0.75, seed=21806)
def test_stationary_noise_lets_no_state_flap(seconds: float, autocommit: int, spread: float, seed: int) -> None:
    """What is learnt first may be unlucky once; after that the state stays."""
    until = 2 * HOUR
    changes = states(steady(0, until, seconds, autocommit, spread, seed), until)

    assert [state for at, state in changes if at > HOUR] == []


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_recommendation_stays_within_what_worked_and_one_more(data: st.DataObject) -> None:
    limit, now, rules = begin(RULES, 0.0), 0.0, RULES
    for _ in range(data.draw(st.integers(1, 40))):
        now += data.draw(st.floats(1, 100))
        ends = data.draw(st.lists(st.tuples(st.floats(0.1, 90), st.floats(0, 30), st.booleans()), max_size=40))
        ended = [Ended(now - ago - seconds, now - ago, well) for seconds, ago, well in ends]
        usual = data.draw(st.none() | st.floats(-1, 4))
        limit = follow(limit, ended, data.draw(st.integers(0, 5)), usual, rules, now)

        assert 1 <= limit.whole <= max(rules.concurrency[1], limit.worked + 1)


@pytest.mark.parametrize(
    ("tasks", "most"),
    [
        ([], 0),
        ([(0, 60)] * 16, 16),  # a batch
        ([(start, start + 4) for start in range(20)], 4),  # one after the other
        ([(0, 1), (5, 6)], 1),
    ],
)
def test_concurrency_is_told_from_both_ends_of_tasks(tasks: list[tuple[float, float]], most: int) -> None:
    assert peak(tasks) == most


@pytest.mark.parametrize(
    ("failed", "tried", "state", "expected"),
    [
        (2, 100, HEALTHY, HEALTHY),  # too few to mean anything
        (3, 100, HEALTHY, APPROACHING),
        (9, 100, HEALTHY, APPROACHING),
        (10, 100, HEALTHY, SATURATED),
        (6, 100, SATURATED, SATURATED),
        (4, 100, SATURATED, APPROACHING),
        (0, 100, SATURATED, APPROACHING),  # not past the state between
        (1, 100, APPROACHING, APPROACHING),
        (0, 100, APPROACHING, HEALTHY),
        (2, 10, APPROACHING, APPROACHING),  # few, but half of what is enough keeps a state
        (2, 9, APPROACHING, None),
    ],
)
def test_shares_without_room_enter_a_state_above_and_leave_it_below(
    failed: int, tried: int, state: QueueState, expected: QueueState | None
) -> None:
    slices = [Slice(0.0, well=tried - failed, attempts=tried, refused=failed)]
    verdict = QueueVerdict(state, state, 0.0)
    for now in range(0, 600, 5):
        before, verdict = verdict, judge(verdict, slices, Baseline(0.0, 0.0, 0.0), RULES, float(now))
        if verdict.state is not before.state:
            break

    assert verdict.state == expected


def test_a_single_slow_task_hardly_moves_the_pace() -> None:
    usual = pace([Slice(0.0, 99, 0.0, 0.0)])
    slow = advance(
        fresh(RequestCounts(), RULES, 0.0), News([Ended(0, 1)] * 99 + [Ended(0, 600.0)], RequestCounts()), RULES, 600.0
    )

    assert pace(slow.slices).mean - usual.mean < 0.07


def test_the_hour_of_overload_is_told_without_flapping() -> None:
    assert run(OVERLOAD, 64).path == [HEALTHY, APPROACHING, SATURATED, APPROACHING, HEALTHY]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_follows_gets_nearly_all_that_could_be_had_and_is_hardly_turned_away(seed: int) -> None:
    best = max(run(OVERLOAD, fixed, seed).well for fixed in (8, 16, 24, 32, 64))
    followed = run(OVERLOAD, None, seed)

    assert followed.well >= 0.9 * best
    assert followed.timeout_ratio < 0.01
    assert run(OVERLOAD, 64, seed).timeout_ratio > 0.05


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_follows_gets_most_where_durations_vary_by_a_factor_of_e(seed: int) -> None:
    varied = overloaded(16, spread=1.0)

    assert run(varied, None, seed).well >= 0.87 * run(varied, 32, seed).well


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_slow_model_with_one_place_left_does_not_flap(seed: int) -> None:
    """It is held against the documented seconds first, then against its own."""
    path = run(overloaded(4, 4 * HOUR, seconds=60.0, patience=600.0), None, seed, 4 * HOUR).path

    assert path == [HEALTHY, APPROACHING, HEALTHY, APPROACHING, HEALTHY]


def test_what_was_open_while_others_found_no_room_has_not_worked() -> None:
    batch = [Ended(0.0, 2.0)] * 24
    limit = follow(begin(RULES, 0.0), [*batch, Ended(0.0, 2.0, is_well=False)], 0, log(2.0), RULES, 5.0)
    limit = follow(limit, steady(5, 25, 2.0, 2), 0, log(2.0), RULES, 30.0)

    assert limit.worked == 2


def test_what_a_client_is_seen_to_have_open_without_harm_is_recommended_within_minutes() -> None:
    limits = run(Model([Phase(0, 64)], seconds=60.0, patience=600.0), 40, end=10 * 60.0).limits

    assert limits[0] == RULES.concurrency[1]
    assert 40 <= limits[-1] <= 41


def test_a_client_above_the_recommendation_is_told_what_the_vendor_works_on() -> None:
    limits = run(Model((Phase(0, 24), Phase(1200, 4)), patience=100.0), 24).limits

    assert max(limits) <= 25
    assert 4 <= limits[-1] <= 7


def test_rules_scale_with_the_window() -> None:
    assert CapacityRules(window=60.0, healthy_seconds=30.0, concurrency=(2, 4)).slice == 3.0
