"""The vendor's own example of its concurrency limit: 200 tasks of 15 s at concurrency 2 are done after 25 minutes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from end_to_end.stage import Figures, Stage, staged

SPEED = 25.0
LEARNING_SPEED = 8.0
EARLIER_TASKS = 8
EXAMPLE_SECONDS = 1500.0
POLL_SECONDS = 12.0
SETTINGS = {
    "tier": 3,
    "limits": {"gen4.5": {"concurrency": 2, "daily": 1000}},
    "durations": {"pending": 0, "running": 15},
}
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}


class SwitchedClock:
    """Runs at the real pace while the tasks are submitted, which takes real time, and fast from then on."""

    def __init__(self) -> None:
        self._mark = self._base = time.time()
        self._speed = 1.0

    def now(self) -> float:
        return self._base + (time.time() - self._mark) * self._speed

    def real_seconds(self, seconds: float) -> float:
        return seconds / SPEED

    def switch(self, speed: float) -> None:
        self._base, self._mark = self.now(), time.time()
        self._speed = speed


class Application:
    """Creates tasks and polls each every so often until it ends, as the SDK's waiters do."""

    def __init__(self, stage: Stage, clock: SwitchedClock, session: aiohttp.ClientSession) -> None:
        self._base, self._clock, self._session = stage.base_url(), clock, session
        self._headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}

    async def create(self) -> str:
        url = f"{self._base}/v1/text_to_video"
        async with self._session.post(url, json=VIDEO, headers=self._headers) as reply:
            return str((await reply.json())["id"])

    async def poll(self, task: str) -> str:
        async with self._session.get(f"{self._base}/v1/tasks/{task}", headers=self._headers) as reply:
            return str((await reply.json())["status"])

    async def follow(self, task: str, first_poll: float, every: float) -> str:
        await asyncio.sleep(self._clock.real_seconds(first_poll))
        while (status := await self.poll(task)) in {"PENDING", "THROTTLED", "RUNNING"}:
            await asyncio.sleep(self._clock.real_seconds(every))
        return status


async def test_two_hundred_tasks_at_concurrency_two_drain_as_forecast(tmp_path: Path) -> None:
    clock = SwitchedClock()
    async with (
        staged(tmp_path, settings=SETTINGS, clock=clock, evaluate_interval=5, poll_interval=60) as stage,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session,
    ):
        application = Application(stage, clock, session)
        await learn_a_run(application, clock)

        clock.switch(1)
        tasks = await asyncio.gather(*(application.create() for _ in range(200)))
        started = clock.now()
        await asyncio.gather(*map(application.poll, tasks))
        figures = await stage.until(lambda scraped: throttled(scraped) == 198)
        assert drained_at(figures, clock.now() - started) == pytest.approx(EXAMPLE_SECONDS, rel=0.1)

        clock.switch(SPEED)
        spread = [POLL_SECONDS * number / len(tasks) for number in range(len(tasks))]
        following = asyncio.gather(*map(application.follow, tasks, spread, [POLL_SECONDS] * len(tasks)))
        while throttled(figures := await stage.scrape()):
            assert drained_at(figures, clock.now() - started) == pytest.approx(EXAMPLE_SECONDS, rel=0.1)
            await asyncio.sleep(0.5)
        assert set(await following) == {"SUCCEEDED"}
        assert clock.now() - started == pytest.approx(EXAMPLE_SECONDS, rel=0.1)
        figures = await stage.until(lambda scraped: not scraped.total("genmedia_tasks"))
        assert figures.by("genmedia_tasks_finished_total", "outcome") == {("succeeded",): 200 + EARLIER_TASKS}


async def learn_a_run(application: Application, clock: SwitchedClock) -> None:
    """Some tasks as any day would have brought, so that the monitor knows how long a run takes."""
    clock.switch(LEARNING_SPEED)
    earlier = [await application.create() for _ in range(EARLIER_TASKS)]
    await asyncio.gather(*(application.follow(task, 0, every=1) for task in earlier))


def throttled(figures: Figures) -> float | None:
    return figures.value("genmedia_tasks", status="throttled")


def drained_at(figures: Figures, elapsed: float) -> float:
    """Seconds from the start to the moment at which nothing is throttled, as now forecast."""
    estimate = figures.value("genmedia_throttled_drain_seconds")
    assert estimate is not None
    return elapsed + estimate
