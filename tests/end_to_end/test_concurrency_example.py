"""The vendor's own example of its concurrency limit: 200 tasks of 15 s at concurrency 2 are done after 25 minutes.

Time moves in steps, each when all that belongs to the last has been seen, so the pace of the machine does not matter.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from end_to_end.stage import Figures, Stage, staged

from monitor.config import FollowUp
from monitor.runtime.clock import ManualClock

EXAMPLE_SECONDS = 1500.0
TASKS = 200
EARLIER_TASKS = 4
STEP_SECONDS = 2.0
POLL_SECONDS = 12.0
CHECK_SECONDS = 20.0
SETTINGS = {
    "tier": 3,
    "limits": {"gen4.5": {"concurrency": 2, "daily": 1000}},
    "durations": {"pending": 0, "running": 15},
}
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"


class SteppedClock(ManualClock):
    """Moves when told; the daemon's jobs run often meanwhile."""

    def real_seconds(self, seconds: float) -> float:
        return seconds / 50


class Application:
    """Creates tasks and polls each every so often until it ends, as the SDK's waiters do."""

    def __init__(self, stage: Stage, clock: SteppedClock, session: aiohttp.ClientSession) -> None:
        self._stage, self._clock, self._session = stage, clock, session
        self._headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}
        self._next_polls: dict[str, float] = {}
        self._requests = 0
        self.poll_seconds = STEP_SECONDS
        self.ends: list[str] = []

    async def submit(self, tasks: int) -> None:
        """Create tasks, and look at each once within the first interval."""
        created = await asyncio.gather(*(self._ask("POST", "/v1/text_to_video", VIDEO) for _ in range(tasks)))
        for number, task in enumerate(created):
            self._next_polls[task["id"]] = self._clock.now() + self.poll_seconds * number / tasks

    async def poll(self, due_by: float) -> None:
        """Poll the tasks whose turn has come."""
        due = [task for task, at in self._next_polls.items() if at <= due_by]
        for task, seen in zip(
            due, await asyncio.gather(*(self._ask("GET", f"/v1/tasks/{t}") for t in due)), strict=True
        ):
            self._next_polls[task] = self._clock.now() + self.poll_seconds
            if seen["status"] in ENDED:
                self.ends.append(seen["status"])
                del self._next_polls[task]

    async def step(self) -> None:
        """Let time pass, and do what is due."""
        self._clock.advance(STEP_SECONDS)
        await self.poll(self._clock.now())

    async def watched(self) -> Figures:
        """A scrape that knows of everything up to now."""
        return await self._stage.until(
            lambda figures: (
                figures.total("genmedia_requests_total") == self._requests
                and figures.total(EVALUATED) >= self._clock.now()
            )
        )

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, str]:
        self._requests += 1
        url = self._stage.base_url() + path
        async with self._session.request(method, url, json=body, headers=self._headers) as reply:
            answer: dict[str, str] = await reply.json()
        return answer


async def test_two_hundred_tasks_at_concurrency_two_drain_as_forecast_whether_they_were_read_or_not(
    tmp_path: Path,
) -> None:
    clock = SteppedClock()
    patient = FollowUp(silence=3600)
    async with (
        staged(
            tmp_path, settings=SETTINGS, clock=clock, follow_up=patient, evaluate_interval=5, poll_interval=300
        ) as at,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session,
    ):
        application = Application(at, clock, session)
        await application.submit(EARLIER_TASKS)  # as any day would have brought, to know how long a run takes
        while len(application.ends) < EARLIER_TASKS:
            await application.step()

        started, application.poll_seconds = clock.now(), POLL_SECONDS
        await application.submit(TASKS)
        await application.poll(due_by=started + POLL_SECONDS / 2)
        figures = await application.watched()
        assert figures.value("genmedia_tasks", status="pending") == pytest.approx(TASKS / 2, rel=0.1)
        assert drained_after(figures, 0) == pytest.approx(EXAMPLE_SECONDS, rel=0.1)
        await application.poll(due_by=started + POLL_SECONDS)
        figures = await application.watched()
        assert figures.by("genmedia_tasks", "status") == {("throttled",): 198, ("running",): 2}
        assert drained_after(figures, 0) == pytest.approx(EXAMPLE_SECONDS, rel=0.1)

        while len(application.ends) < EARLIER_TASKS + TASKS:
            await application.step()
            elapsed = clock.now() - started
            if elapsed % CHECK_SECONDS == 0 and (figures := await application.watched()).total("genmedia_tasks"):
                assert drained_after(figures, elapsed) == pytest.approx(EXAMPLE_SECONDS, rel=0.1)

        assert clock.now() - started == pytest.approx(EXAMPLE_SECONDS, rel=0.02)
        figures = await application.watched()
        assert figures.by("genmedia_tasks_finished_total", "outcome") == {("succeeded",): EARLIER_TASKS + TASKS}
        assert figures.total("genmedia_tasks") == 0


def drained_after(figures: Figures, elapsed: float) -> float:
    """Seconds from the start to the moment at which nothing is throttled, as now forecast."""
    estimate = figures.value("genmedia_throttled_drain_seconds")
    assert estimate is not None
    return elapsed + estimate
