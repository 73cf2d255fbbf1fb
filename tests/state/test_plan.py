from __future__ import annotations

import heapq
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.observations import ModelLimits
from monitor.planning.schedule import DAY, NEVER, Batch, BatchSchedule, Room, acceptances, delays

COUNTS = st.integers(1, 60)
SECONDS = st.sampled_from([1, 7, 15, 3600, 50_000, 86_400, 200_000]).map(float)
LIMITS = st.builds(
    ModelLimits,
    concurrency=st.none() | st.integers(1, 9),
    daily_generations=st.none() | st.integers(1, 70),
)
FREEING = st.lists(st.builds(Batch, at=st.integers(0, 86_400).map(float), count=st.integers(0, 20)), max_size=4).map(
    lambda batches: tuple(sorted(batches, key=lambda batch: batch.at))
)
ROOMS = st.builds(Room, limits=LIMITS, freeing=FREEING, ahead=st.integers(0, 12))


def simulated(count: int, seconds: float, room: Room) -> tuple[list[float], list[float]]:
    """When each task is accepted and finished, by playing the queue from event to event."""
    daily, concurrency = room.limits.daily_generations, room.limits.concurrency
    leaving = [batch.at for batch in room.freeing for _ in range(batch.count)]
    heapq.heapify(leaving)
    waiting, running = [None] * room.ahead, []
    accepted: list[float] = []
    finished: list[float] = []
    now = 0.0
    while len(finished) < count:
        while leaving and leaving[0] <= now:
            heapq.heappop(leaving)
        while running and running[0][0] <= now:
            ended, ours = heapq.heappop(running)
            if ours:
                finished.append(ended)
        while len(accepted) < count and (daily is None or len(leaving) < daily):
            accepted.append(now)
            waiting.append(True)
            heapq.heappush(leaving, now + DAY)
        while waiting and (concurrency is None or len(running) < concurrency):
            heapq.heappush(running, (now + seconds, waiting.pop(0) is not None))
        events = [running[0][0]] if running else []
        if len(accepted) < count:
            events.append(leaving[0])
        now = min(events, default=now)
    return accepted, finished


@given(COUNTS, SECONDS, ROOMS)
def test_a_schedule_is_what_playing_the_queue_gives(count: int, seconds: float, room: Room) -> None:
    schedule = BatchSchedule(count, seconds, room)
    accepted, finished = simulated(count, seconds, room)
    assert [schedule.accepted_at(place) for place in range(1, count + 1)] == accepted
    assert [schedule.finished_at(place) for place in range(1, count + 1)] == finished
    assert schedule.seconds == finished[-1]
    for at in (0.0, seconds, DAY, finished[0], finished[-1], finished[-1] - 0.5):
        assert schedule.accepted_by(at) == sum(one <= at for one in accepted)
        assert schedule.finished_by(at) == sum(one <= at for one in finished)


@given(COUNTS, SECONDS, ROOMS)
def test_more_or_longer_tasks_are_never_done_sooner(count: int, seconds: float, room: Room) -> None:
    takes = BatchSchedule(count, seconds, room).seconds
    assert BatchSchedule(count + 1, seconds, room).seconds >= takes
    assert BatchSchedule(count, seconds + 1, room).seconds > takes
    assert BatchSchedule(count, seconds, replace(room, ahead=room.ahead + 1)).seconds >= takes


@given(COUNTS, SECONDS, ROOMS)
def test_more_room_is_never_done_later(count: int, seconds: float, room: Room) -> None:
    takes = BatchSchedule(count, seconds, room).seconds
    concurrency, daily = room.limits.concurrency, room.limits.daily_generations
    wider = ModelLimits(concurrency=concurrency and concurrency + 1, daily_generations=daily)
    assert BatchSchedule(count, seconds, replace(room, limits=wider)).seconds <= takes
    longer = ModelLimits(concurrency=concurrency, daily_generations=daily and daily + 1)
    assert BatchSchedule(count, seconds, replace(room, limits=longer)).seconds <= takes
    sooner = tuple(replace(batch, at=batch.at / 2) for batch in room.freeing)
    assert BatchSchedule(count, seconds, replace(room, freeing=sooner)).seconds <= takes


@given(COUNTS, SECONDS, ROOMS)
def test_a_limit_delays_exactly_when_it_is_in_the_way(count: int, seconds: float, room: Room) -> None:
    found = delays(count, seconds, room)
    takes = BatchSchedule(count, seconds, room).seconds
    assert 0 <= found.concurrency < takes
    assert 0 <= found.daily_generations < takes
    if room.limits.concurrency is None or count + room.ahead <= room.limits.concurrency:
        assert found.concurrency == 0
    if room.limits.daily_generations is None:
        assert found.daily_generations == 0


def test_two_hundred_tasks_of_15_s_at_concurrency_2_take_25_minutes() -> None:
    schedule = BatchSchedule(200, 15.0, Room(ModelLimits(concurrency=2)))
    assert schedule.seconds == 25 * 60
    assert (schedule.finished_by(14.9), schedule.finished_by(15.0), schedule.finished_by(600.0)) == (0, 2, 80)


@pytest.mark.parametrize(
    ("daily", "freeing", "expected"),
    [
        (None, (), [Batch(0, 200)]),
        (500, (Batch(DAY, 300),), [Batch(0, 200)]),
        (50, (), [Batch(0, 50), Batch(DAY, 50), Batch(2 * DAY, 50), Batch(3 * DAY, 50)]),
        (150, (Batch(DAY, 30),), [Batch(0, 120), Batch(DAY, 30), Batch(DAY, 50)]),
        (100, (Batch(60, 100),), [Batch(60, 100), Batch(60 + DAY, 100)]),
        (100, (Batch(60, 40), Batch(90, 80)), [Batch(60, 20), Batch(90, 80), Batch(60 + DAY, 20), Batch(90 + DAY, 80)]),
        (0, (), [Batch(NEVER, 200)]),
    ],
)
def test_tasks_are_accepted_as_the_rolling_window_lets_them(
    daily: int | None, freeing: tuple[Batch, ...], expected: list[Batch]
) -> None:
    assert acceptances(200, daily, freeing) == expected


@pytest.mark.parametrize(("concurrency", "daily"), [(0, 50), (2, 0), (0, 0), (0, None)])
def test_a_limit_of_zero_is_never(concurrency: int, daily: int | None) -> None:
    room = Room(ModelLimits(concurrency=concurrency, daily_generations=daily))
    schedule = BatchSchedule(3, 15.0, room)
    assert schedule.seconds == math.inf
    assert schedule.finished_by(1e9) == 0
    found = delays(3, 15.0, room)
    assert (found.concurrency == math.inf) is (concurrency == 0)
    assert (found.daily_generations == math.inf) is (daily == 0)
