from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from helpers_collect import until
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.errors import StoreError
from monitor.metrics import SelfMetrics
from monitor.polling import schedule as schedule_module
from monitor.polling.schedule import Schedule
from monitor.runtime.clock import FastClock, ManualClock


@pytest.fixture
async def schedule(own: SelfMetrics) -> AsyncIterator[Schedule]:
    schedule = Schedule(own, ManualClock())
    schedule.start()
    yield schedule
    await schedule.drain(5.0)


class Job:
    """Counts its runs; each lasts until `go` is set."""

    def __init__(self, *, waits: bool = False, error: Exception | None = None) -> None:
        self.begun = self.ended = 0
        self.go = asyncio.Event()
        self._waits = waits
        self._error = error

    async def __call__(self) -> None:
        self.begun += 1
        if self._waits:
            await self.go.wait()
        if self._error:
            raise self._error
        self.ended += 1


def sample(registry: CollectorRegistry, figure: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"genmedia_monitor_{figure}", labels)


async def test_a_job_runs_at_once_and_then_at_its_interval(schedule: Schedule) -> None:
    often, rarely = Job(), Job()
    schedule.every("often", 0.05, often)
    schedule.every("rarely", 3600.0, rarely)

    await until(lambda: often.ended >= 3)
    assert rarely.ended == 1


async def test_intervals_are_the_clocks(own: SelfMetrics) -> None:
    schedule = Schedule(own, FastClock(speed=3600.0))
    schedule.start()
    hourly = Job()
    schedule.every("hourly", 360.0, hourly)

    await until(lambda: hourly.ended >= 3)
    await schedule.drain(5.0)


async def test_a_run_is_timed_under_the_jobs_name(schedule: Schedule, registry: CollectorRegistry) -> None:
    schedule.every("account_read:production:usage", 3600.0, Job())

    await until(lambda: sample(registry, "job_seconds_count", name="account_read") == 1)


async def test_a_run_that_raises_is_counted_and_told_and_the_next_one_comes(
    schedule: Schedule, registry: CollectorRegistry
) -> None:
    job = Job(error=RuntimeError("unforeseen"))
    with capture_logs() as logs:
        schedule.every("evaluate", 0.05, job)
        await until(lambda: job.begun >= 3)

    assert (sample(registry, "job_errors_total", name="evaluate") or 0) >= 2
    assert logs[0].pop("at")[-1].startswith("test_schedule.py:")
    assert logs[0] == {"event": "job.failed", "job": "evaluate", "log_level": "error", "error": "RuntimeError"}


async def test_a_failing_store_is_told_in_one_line(schedule: Schedule, registry: CollectorRegistry) -> None:
    job = Job(error=StoreError("the disk is full"))
    with capture_logs() as logs:
        schedule.every("prune", 3600.0, job)
        await until(lambda: sample(registry, "job_errors_total", name="prune") == 1)

    assert logs == [{"event": "job.failed", "job": "prune", "log_level": "warning", "error": "the disk is full"}]


async def test_a_store_that_goes_on_failing_is_told_once(schedule: Schedule, registry: CollectorRegistry) -> None:
    job = Job(error=StoreError("the disk is full"))
    with capture_logs() as logs:
        schedule.every("prune", 0.05, job)
        await until(lambda: (sample(registry, "job_errors_total", name="prune") or 0) >= 3)

    assert [line["event"] for line in logs] == ["job.failed"]


async def test_runs_of_a_job_do_not_overlap_and_those_that_cannot_begin_are_counted(
    schedule: Schedule, registry: CollectorRegistry
) -> None:
    job = Job(waits=True)
    schedule.every("follow_up:production", 0.05, job)

    await until(lambda: (sample(registry, "jobs_missed_total", name="follow_up") or 0) >= 2)
    assert job.begun == 1
    job.go.set()
    await until(lambda: job.ended >= 2)


async def test_a_run_can_put_off_the_next_one(schedule: Schedule) -> None:
    job, ticks = Job(), Job()

    async def once() -> float:
        await job()
        return 3600.0

    schedule.every("read", 0.05, once)
    schedule.every("ticks", 0.05, ticks)

    await until(lambda: ticks.ended >= 5)
    assert job.ended == 1


async def test_a_run_whose_job_is_gone_puts_off_nothing(schedule: Schedule) -> None:
    old, new = Job(waits=True), Job()

    async def last() -> float:
        await old()
        return 3600.0

    schedule.every("read", 3600.0, last)
    await until(lambda: old.begun == 1)
    schedule.every("read", 0.05, new)
    old.go.set()

    await until(lambda: old.ended == 1 and new.ended >= 3)


async def test_a_removed_job_runs_no_more(schedule: Schedule) -> None:
    job, ticks = Job(), Job()
    schedule.every("read", 0.05, job)
    await until(lambda: job.ended >= 1)
    schedule.remove("read")
    ended = job.ended
    schedule.every("ticks", 0.05, ticks)

    await until(lambda: ticks.ended >= 3)
    assert job.ended == ended


async def test_a_job_takes_the_place_of_its_namesake_even_while_that_runs(
    schedule: Schedule, registry: CollectorRegistry
) -> None:
    old, new = Job(waits=True), Job()
    schedule.every("account_read:production:usage", 0.05, old)
    await until(lambda: old.begun == 1)
    schedule.every("account_read:production:usage", 3600.0, new)

    await until(lambda: new.ended == 1)
    old.go.set()
    await until(lambda: sample(registry, "job_seconds_count", name="account_read") == 2)
    assert old.begun == 1


async def test_draining_starts_nothing_more_and_waits_for_what_runs(own: SelfMetrics) -> None:
    schedule = Schedule(own, ManualClock())
    schedule.start()
    job, once = Job(waits=True), Job(waits=True)
    schedule.every("evaluate", 0.05, job)
    schedule.spawn("follow_up_read", once())
    await until(lambda: job.begun + once.begun == 2)

    draining = asyncio.create_task(schedule.drain(10.0))
    await asyncio.sleep(0)
    job.go.set()
    once.go.set()
    await draining

    assert (job.begun, job.ended, once.ended) == (1, 1, 1)


async def test_draining_waits_for_what_a_run_still_spawns(own: SelfMetrics) -> None:
    schedule = Schedule(own, ManualClock())
    schedule.start()
    go, last = asyncio.Event(), Job()

    async def spawner() -> None:
        await go.wait()
        schedule.spawn("follow_up_read", last())

    schedule.every("follow_up:production", 3600.0, spawner)
    await until(lambda: bool(schedule._running))
    draining = asyncio.create_task(schedule.drain(10.0))
    await asyncio.sleep(0)
    go.set()
    await draining

    assert last.ended == 1


async def test_draining_cancels_what_runs_too_long_without_calling_it_an_error(
    own: SelfMetrics, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = Schedule(own, ManualClock())
    schedule.start()
    job, once = Job(waits=True), Job(waits=True)
    schedule.every("evaluate", 3600.0, job)
    schedule.spawn("follow_up_read", once())
    await until(lambda: job.begun + once.begun == 2)

    with capture_logs() as logs:
        await schedule.drain(0.01)
        await asyncio.sleep(0)

    assert (job.ended, once.ended, logs) == (0, 0, [])
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert sample(registry, "job_errors_total", name="evaluate") == 0


async def test_draining_what_never_started_does_nothing(own: SelfMetrics) -> None:
    await Schedule(own, ManualClock()).drain(1.0)


async def test_jobs_come_back_when_the_clock_steps_back_under_them(
    own: SelfMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_module, "PACE_SECONDS", 0.05)
    schedule = Schedule(own, ManualClock())
    schedule.start()
    job, often = Job(), Job()

    async def run() -> float | None:
        await job()
        return 600.0 if job.ended == 2 else None

    schedule.every("evaluate", 5.0, run)
    schedule.every("often", 0.05, often)
    await until(lambda: job.ended == 1)
    # What a clock that stepped back by an hour leaves behind: the next run planned an hour too far ahead.
    schedule._scheduler.modify_job(schedule._jobs["evaluate"].id, next_run_time=datetime.now(UTC) + timedelta(hours=1))
    await until(lambda: job.ended == 2)

    often.ended = 0
    await until(lambda: often.ended >= 5)
    assert job.ended == 2
    await schedule.drain(5.0)


async def test_a_loop_that_is_held_up_shows_as_lag(
    own: SelfMetrics, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_module, "PACE_SECONDS", 0.05)
    schedule = Schedule(own, ManualClock())
    schedule.start()
    hold_up: Callable[[], Awaitable[None]] = hold_the_loop
    schedule.every("evaluate", 3600.0, hold_up)

    await until(lambda: (sample(registry, "loop_lag_seconds") or 0.0) > 0.1)
    await schedule.drain(5.0)


async def hold_the_loop() -> None:
    await asyncio.sleep(0.06)
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.3
    while loop.time() < end:
        pass


@pytest.mark.parametrize("days", [40, 366])
async def test_a_clock_that_steps_forward_makes_one_run_of_all_that_were_missed(schedule: Schedule, days: int) -> None:
    job = Job()
    schedule.every("evaluate", 60.0, job)
    await until(lambda: job.ended == 1)
    planned = schedule._scheduler.get_job(schedule._jobs["evaluate"].id)
    now = planned.next_run_time + timedelta(days=days, seconds=1)
    assert planned._get_run_times(now) == [planned.next_run_time]
    following = planned.trigger.get_next_fire_time(planned.next_run_time, now)
    assert timedelta() < following - now <= timedelta(seconds=60)

    schedule._scheduler.modify_job(planned.id, next_run_time=datetime.now(UTC) - timedelta(days=days))
    await until(lambda: job.ended == 2)
    ahead = schedule._scheduler.get_job(planned.id).next_run_time - datetime.now(UTC)
    assert timedelta() < ahead <= timedelta(seconds=60)
