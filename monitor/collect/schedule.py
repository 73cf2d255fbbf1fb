"""Jobs on APScheduler: timed, counted, drained.

APScheduler plans by the wall clock and waits by the machine's steady one, so a clock that steps back would put every
job off by the step: `_keep_pace` looks after that, and measures how late the event loop wakes up meanwhile.
`AsyncIOScheduler.shutdown` does not wait for what runs but cancels it, so draining is done here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.clock import Clock
from monitor.errors import MonitorError
from monitor.metrics import Own

SHORTEST_REAL_SECONDS = 0.05
PACE_SECONDS = 1.0

log = structlog.get_logger()


class Schedule:
    """Runs jobs at intervals of the clock's seconds.

    A job's id is its name, alone or followed by a colon and what tells it from its likes; only the name is a label.
    A run that raises is logged and counted, and the next one comes as planned.
    """

    def __init__(self, own: Own, clock: Clock) -> None:
        self._own = own
        self._clock = clock
        self._longest_waits: dict[str, float] = {}
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

    def every(self, job: str, seconds: float, run: Callable[[], Awaitable[None]]) -> None:
        """Run at once and then every so many seconds; takes the place of a job of the same id."""
        real = max(SHORTEST_REAL_SECONDS, self._clock.real_seconds(seconds))
        self._longest_waits[job] = real

        async def tracked() -> None:
            self._longest_waits[job] = real
            await self._tracked(job, run())

        self._scheduler.add_job(
            tracked, "interval", seconds=real, id=job, replace_existing=True, next_run_time=datetime.now(UTC)
        )

    def postpone(self, job: str, seconds: float) -> None:
        """Let the next run be so many seconds from now, if the job is still there."""
        real = self._clock.real_seconds(seconds)
        try:
            self._scheduler.modify_job(job, next_run_time=datetime.now(UTC) + timedelta(seconds=real))
        except JobLookupError:
            return
        self._longest_waits[job] = real

    def remove(self, job: str) -> None:
        """Run it no more; a run under way ends by itself."""
        self._scheduler.remove_job(job)

    def spawn(self, job: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something once, beside the jobs and under the same care."""
        task = asyncio.create_task(self._cared_for(job, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109  # what still runs by then is cancelled
        """Start nothing more, and wait for what runs; after `timeout` real seconds, cancel it."""
        if self._pace is None:
            return
        self._pace.cancel()
        self._scheduler.pause()
        late: set[asyncio.Task[Any]] = set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=timeout)
        for task in late:
            task.cancel()
        await asyncio.gather(self._pace, *late, return_exceptions=True)
        self._pace = None
        self._scheduler.shutdown(wait=False)
        # The scheduler shuts down in the event loop's next round.
        await asyncio.sleep(0)

    async def _tracked(self, job: str, work: Awaitable[None]) -> None:
        """A run in a task of APScheduler's, which would log its cancellation as an error."""
        task = asyncio.ensure_future(self._cared_for(job, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait([task])

    async def _cared_for(self, job: str, work: Awaitable[None]) -> None:
        name = _name(job)
        try:
            with self._own.job_seconds.labels(name).time():
                await work
        except MonitorError as error:
            self._own.job_errors.labels(name).inc()
            log.warning("job.failed", job=job, error=str(error))
        except Exception:
            self._own.job_errors.labels(name).inc()
            log.exception("job.failed", job=job)

    async def _keep_pace(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PACE_SECONDS
            await asyncio.sleep(PACE_SECONDS)
            self._own.loop_lag.set(max(0.0, loop.time() - due))
            self._realign()

    def _realign(self) -> None:
        """Bring back jobs that lie further ahead than they were put: the clock has stepped back under them."""
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            if (job.next_run_time - now).total_seconds() > self._longest_waits[job.id] + PACE_SECONDS:
                self._scheduler.modify_job(job.id, next_run_time=now)

    def _count_missed(self, event: JobEvent) -> None:
        self._own.jobs_missed.labels(_name(event.job_id)).inc()


def _name(job: str) -> str:
    return job.partition(":")[0]
