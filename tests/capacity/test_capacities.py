"""Capacity as a daemon judges it: from its store, over restarts."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from pydantic import SecretStr
from stores import CATALOGUE, T0

from monitor.config import Account, Capacity
from monitor.engine.apply import apply_batch
from monitor.judgement.capacity import rows
from monitor.judgement.capacity.concurrency import ConcurrencyLimit
from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.capacity.published import Away, Published
from monitor.judgement.capacity.state import LAG, SAVE_SECONDS
from monitor.judgement.evaluate import Memory, capacity_of
from monitor.observations import AnyObservation, Kind, Outcome, Reason, RequestSeen, TaskSeen, TaskStatus
from monitor.store import Database
from monitor.tasks import counter_rows

MODEL = "gen4.5"
STEP = 5.0


def account(provider: str = "runware") -> Account:
    return Account(
        name="a",
        provider=provider,
        api_key=SecretStr(""),
        base_url="http://127.0.0.1",
        capacity=Capacity(window=60.0, min_samples=10),
    )


def request(at: float, outcome: Outcome = Outcome.SUCCESS) -> RequestSeen:
    return RequestSeen(
        account="a", at=at, endpoint="/v1", kind=Kind.CREATE, outcome=outcome, duration_seconds=1.0, model=MODEL
    )


def task(number: str, at: float, seconds: float, reason: Reason = Reason.NONE) -> Iterator[AnyObservation]:
    """A task that is told of when it ends."""
    end = TaskStatus.FAILED if reason else TaskStatus.SUCCEEDED
    yield request(at)
    common = {"account": "a", "task": number, "endpoint": "/v1", "model": MODEL}
    yield TaskSeen(**common, at=at - seconds, status=TaskStatus.PENDING, accepted=True)
    yield TaskSeen(**common, at=at, status=end, reason=reason, exact=True)


def store(database: Database, batch: list[AnyObservation], now: float) -> None:
    with database.begin(write=True) as connection:
        apply_batch(connection, [(seen, "gateway") for seen in batch], lambda _: CATALOGUE, now)


def look(database: Database, memory: Memory, now: float, provider: str = "runware") -> list[ModelCapacity]:
    """Look and store, as the daemon does."""
    with database.begin() as connection:
        told = capacity_of(connection, account(provider), memory, counter_rows.load(connection, "a"), now)
    if memory.capacity.is_changed:
        with database.begin(write=True) as connection:
            memory.capacity.save(connection)
        memory.capacity.saved()
    return list(told)


def live(
    database: Database, memory: Memory, start: float, end: float, seconds: float, reason: Reason = Reason.NONE
) -> list[ModelCapacity]:
    """Four tasks end every 5 s; what is told last."""
    now, told = start, []
    while now < end:
        now += STEP
        for number in range(4):
            store(database, list(task(f"{now}-{number}", now - number, seconds, reason)), now)
        told = look(database, memory, now)
    return told


def test_a_model_that_slows_down_is_approaching(database: Database) -> None:
    (before,) = live(database, memory := Memory(), T0, T0 + 200, 2.0)
    (after,) = live(database, memory, T0 + 200, T0 + 300, 8.0)

    assert (before.model, before.state, before.failure_ratio) == (MODEL, QueueState.HEALTHY, 0)
    assert before.baseline_seconds == pytest.approx(2.0)
    assert (after.state, after.latency_seconds) == (QueueState.APPROACHING, pytest.approx(8.0, rel=0.1))


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.CAPACITY, Reason.RATE_LIMIT])
def test_tasks_that_find_no_room_saturate_a_model(database: Database, reason: Reason) -> None:
    live(database, memory := Memory(), T0, T0 + 100, 2.0)

    (told,) = live(database, memory, T0 + 100, T0 + 160, 2.0, reason)

    assert told.state is QueueState.SATURATED
    assert told.recommended_concurrency < 4


def test_tasks_that_fail_by_their_content_are_no_sign_of_load(database: Database) -> None:
    live(database, memory := Memory(), T0, T0 + 100, 2.0)

    (told,) = live(database, memory, T0 + 100, T0 + 140, 0.1, Reason.MODERATION)

    assert (told.state, told.failure_ratio) == (QueueState.HEALTHY, 0)
    assert told.latency_seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.RATE_LIMITED, QueueState.SATURATED),
        (Outcome.OVERLOADED, QueueState.SATURATED),
        (Outcome.TIMEOUT, QueueState.SATURATED),
        (Outcome.CLIENT_GONE, QueueState.SATURATED),
        (Outcome.INVALID_REQUEST, QueueState.HEALTHY),
    ],
)
def test_requests_that_are_turned_away_saturate_a_model(
    database: Database, outcome: Outcome, state: QueueState
) -> None:
    live(database, memory := Memory(), T0, T0 + 100, 2.0)
    now = T0 + 100
    while now < T0 + 160:
        now += STEP
        store(database, [request(now, outcome)] * 4, now)
        (told,) = look(database, memory, now)

    assert told.state is state


def test_a_restart_changes_nothing_and_counts_nothing_twice(database: Database) -> None:
    live(database, kept := Memory(), T0, T0 + 4 * SAVE_SECONDS, 2.0)
    now = T0 + 4 * SAVE_SECONDS + STEP
    store(database, list(task("last", now, 9.0)), now)

    restarted = look(database, Memory(), now + LAG)

    assert restarted == look(database, kept, now + LAG)


def test_what_was_published_last_is_published_after_a_restart(database: Database) -> None:
    """So is for how long the limit has been away from it."""
    live(database, Memory(), T0, T0 + 100, 2.0)
    with database.begin(write=True) as connection:
        record = rows.load(connection, "a")[MODEL]
        away = Away(T0 + 100, is_above=False, nearest=4)
        rows.save(connection, "a", {MODEL: replace(record, limit=ConcurrencyLimit(4.0), published=Published(8, away))})

    restarted = Memory()
    told = [look(database, restarted, T0 + 100 + passed)[0].recommended_concurrency for passed in (20, 39, 41)]

    assert told == [8, 8, 4]


def test_what_a_restart_cuts_off_is_no_sign_of_load(database: Database) -> None:
    (before,) = live(database, Memory(), T0, T0 + 200, 2.0)
    store(database, [request(T0 + 200, Outcome.CLIENT_GONE)] * 20, T0 + 200)

    (after,) = look(database, Memory(), T0 + 205)

    assert (after.state, after.failure_ratio) == (QueueState.HEALTHY, 0)
    assert after.recommended_concurrency == before.recommended_concurrency


def test_a_task_counts_once_however_often_is_looked(database: Database) -> None:
    (before,) = live(database, memory := Memory(), T0, T0 + 30, 2.0)
    for _ in range(3):
        (after,) = look(database, memory, T0 + 30)

    assert after == before


def test_a_clock_that_steps_back_holds_up_nothing(database: Database) -> None:
    live(database, memory := Memory(), T0, T0 + 100, 2.0)

    (told,) = live(database, memory, T0 - 3600, T0 - 3400, 8.0)

    assert told.state is QueueState.APPROACHING


def test_a_provider_with_limits_is_not_judged(database: Database) -> None:
    store(database, list(task("t", T0, 2.0)), T0)

    assert look(database, Memory(), T0 + LAG, provider="runway") == []


def test_what_does_not_change_is_not_written(database: Database) -> None:
    live(database, memory := Memory(), T0, T0 + 70, 2.0)
    writes = 0
    for number in range(1, 13):
        with database.begin() as connection:
            capacity_of(connection, account(), memory, counter_rows.load(connection, "a"), T0 + 70 + number * STEP)
        if memory.capacity.is_changed:
            writes += 1
            memory.capacity.saved()
    assert writes <= 2
