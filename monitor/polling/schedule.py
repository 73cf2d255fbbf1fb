"""Jobs on APScheduler: timed, counted, drained.

APScheduler plans by the wall clock and waits by the machine's steady one. When the clock steps back, every job would be
late by the step. `_keep_pace` prevents that, and measures how late the event loop wakes up. When the clock steps
forward, the library would list every missed run, millions of them. `_SkippingTrigger` steps over them.
`AsyncIOScheduler.shutdown` cancels what runs, so draining is done here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from monitor.errors import MonitorError, places
from monitor.metrics import SelfMetrics
from monitor.runtime.clock import Clock
from monitor.runtime.logs import Outage

SHORTEST_REAL_SECONDS = 0.05
PACE_SECONDS = 1.0

log = structlog.get_logger()
T = TypeVar("T")
Run = Callable[[], Awaitable[float | None]]
"""A run may return the seconds until the next one, in place of its interval."""


class _SkippingTrigger(IntervalTrigger):  # type: ignore[misc]
    """An interval that never plans a run in the past."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        if previous_fire_time is not None and previous_fire_time < now:
            previous_fire_time += (now - previous_fire_time) // self.interval * self.interval
        due: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        return due


@dataclass
class _Job:
    """A job, and how far ahead its next run may lie, in real seconds. Jobs of the same name have different ids."""

    name: str
    id: str
    interval: float
    longest_wait: float


class Schedule:
    """Runs jobs at intervals of the clock's seconds.

    A job's name is its label, or begins with the label and a colon. A run that raises is logged and counted, and the
    next one comes as planned.
    """

    def __init__(self, own: SelfMetrics, clock: Clock) -> None:
        self._own = own
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._ids = count()
        self._outages: defaultdict[str, Outage] = defaultdict(Outage)
        self._running: set[asyncio.Task[Any]] = set()
        self._pace: asyncio.Task[None] | None = None
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._scheduler.add_listener(self._count_missed, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Begin to run jobs, on the running event loop."""
        self._scheduler.start()
        self._pace = asyncio.create_task(self._keep_pace())

    def every(self, name: str, seconds: float, run: Run) -> None:
        """Run now and then every so many seconds. A job of the same name is replaced."""
        if name in self._jobs:
            self.remove(name)
        real = max(SHORTEST_REAL_SECONDS, self._clock.real_seconds(seconds))
        # An id of its own lets it begin while a run of its predecessor still ends.
        job = _Job(name, f"{name}#{next(self._ids)}", real, real)
        self._jobs[name] = job
        self._own.begin_job(_label(name))
        trigger = _SkippingTrigger(seconds=real, timezone=UTC)
        self._scheduler.add_job(self._run, trigger, (job, run), id=job.id, name=name, next_run_time=datetime.now(UTC))

    def remove(self, name: str) -> None:
        """Stop running it. A run under way ends by itself."""
        self._scheduler.remove_job(self._jobs.pop(name).id)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something once, logged and counted like a job."""
        self._own.begin_job(_label(name))
        self._track(self._cared_for(name, work))

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109  # what still runs by then is cancelled
        """Start nothing more and wait for what runs. After `timeout` real seconds, cancel it."""
        if self._pace is None:
            return
        self._pace.cancel()
        self._scheduler.pause()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._running:
                    await asyncio.wait(self._running)
        late = list(self._running)
        for task in late:
            task.cancel()
        await asyncio.gather(self._pace, *late, return_exceptions=True)
        self._pace = None
        self._scheduler.shutdown(wait=False)
        # The scheduler shuts down in the event loop's next round.
        await asyncio.sleep(0)

    async def _run(self, job: _Job, run: Run) -> None:
        """A run, in a task of APScheduler's: that is not cancelled itself, which it would log as an error."""
        job.longest_wait = job.interval
        task = self._track(self._cared_for(job.name, run()))
        await asyncio.wait([task])
        wait = None if task.cancelled() else task.result()
        if wait is not None:
            self._postpone(job, self._clock.real_seconds(wait))

    def _track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _postpone(self, job: _Job, real_seconds: float) -> None:
        """Put the next run off by so many seconds, if the job still exists."""
        if self._jobs.get(job.name) is job:
            job.longest_wait = real_seconds
            self._scheduler.modify_job(job.id, next_run_time=datetime.now(UTC) + timedelta(seconds=real_seconds))

    async def _cared_for(self, name: str, work: Awaitable[T]) -> T | None:
        label = _label(name)
        try:
            with self._own.job_seconds.labels(label).time():
                done = await work
        except MonitorError as error:
            self._own.job_errors.labels(label).inc()
            if (more := self._outages[name].failed(str(error))) is not None:
                log.warning("job.failed", job=name, error=str(error), **more)
        except Exception as error:  # noqa: BLE001 - whatever it is, the job runs again
            self._own.job_errors.labels(label).inc()
            fault = {"error": type(error).__name__, "at": places(error)}
            if (more := self._outages[name].failed(str(fault))) is not None:
                log.error("job.failed", job=name, **fault, **more)  # noqa: TRY400 - its text quotes data
        else:
            if (outage := self._outages.pop(name, Outage()).ended()) is not None:
                log.info("job.recovered", job=name, **outage)
            return done
        return None

    async def _keep_pace(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PACE_SECONDS
            await asyncio.sleep(PACE_SECONDS)
            self._own.loop_lag.set(max(0.0, loop.time() - due))
            self._realign()

    def _realign(self) -> None:
        """Bring forward jobs that lie further ahead than planned, because the clock has stepped back."""
        now = datetime.now(UTC)
        for job in self._jobs.values():
            ahead = self._scheduler.get_job(job.id).next_run_time - now
            if ahead.total_seconds() > job.longest_wait + PACE_SECONDS:
                self._scheduler.modify_job(job.id, next_run_time=now)

    def _count_missed(self, event: JobEvent) -> None:
        self._own.jobs_missed.labels(_label(event.job_id)).inc()


def _label(name: str) -> str:
    return name.partition("#")[0].partition(":")[0]
