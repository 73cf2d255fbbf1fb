"""A daily limit that will be hit is announced in time, one that will not is not, and slots free when the ledger says.

Time moves in steps of a minute, each when the daemon has seen all of the last.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from end_to_end.stage import Figures, Stage, staged

from monitor.config import FollowUp
from monitor.runtime.clock import ManualClock

MINUTE, HOUR, DAY = 60, 3600.0, 86400.0
LIMIT = 120
RESTARTED_AFTER = 90
SETTINGS = {
    "tier": 3,
    "limits": {"gen4.5": {"concurrency": 5, "daily": LIMIT}, "gen4_turbo": {"concurrency": 5, "daily": 100}},
    "durations": {"pending": 0, "running": 15},
}
BODIES = {
    "gen4.5": ("/v1/text_to_video", {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}),
    "gen4_turbo": (
        "/v1/image_to_video",
        {"model": "gen4_turbo", "promptImage": "https://example.com/a.png", "ratio": "1280:720", "duration": 5},
    ),
}
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"
EXHAUSTION = "genmedia_limit_exhaustion_seconds"


class SteppedClock(ManualClock):
    """Moves when told; the daemon's jobs run often meanwhile."""

    def real_seconds(self, seconds: float) -> float:
        return seconds / 100


class Application:
    """Asks for generations, and lets the daemon see what became of them."""

    def __init__(self, stage: Stage, clock: SteppedClock, session: aiohttp.ClientSession) -> None:
        self._stage, self._clock, self._session = stage, clock, session
        self._headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}
        self._accepted = 0

    async def create(self, model: str) -> int:
        """The status of the reply."""
        path, body = BODIES[model]
        url = self._stage.base_url() + path
        async with self._session.post(url, json=body, headers=self._headers) as reply:
            self._accepted += reply.status == 200
            return reply.status

    async def seen(self) -> None:
        """Wait until the daemon knows of all that was accepted."""
        async with asyncio.timeout(20):
            while (await self._stage.scrape()).total("genmedia_tasks_created_total") < self._accepted:
                await asyncio.sleep(0.03)

    async def pass_by(self, seconds: float) -> Figures:
        """Let time pass; the daemon's figures of the new time."""
        self._clock.advance(seconds)
        async with asyncio.timeout(20):
            while (figures := await self._stage.scrape()).total(EVALUATED) < self._clock.now():
                await asyncio.sleep(0.03)
        return figures

    async def daily(self, model: str) -> dict[str, Any]:
        """What the API says of the model's daily limit."""
        reply = await self._stage.http.get(f"{self._stage.daemon.operator_url}/api/v1/accounts/runway")
        return next(one for one in reply.json()["daily"] if one["model"] == model)


def announced(figures: Figures, model: str) -> float | None:
    return figures.value(EXHAUSTION, model=model, limit="daily_generations")


async def test_a_daily_limit_is_announced_an_hour_ahead_and_frees_when_the_ledger_says(tmp_path: Path) -> None:
    clock = SteppedClock()
    quiet = FollowUp(silence=3600, interval=3600)
    async with (
        staged(tmp_path, settings=SETTINGS, clock=clock, follow_up=quiet, evaluate_interval=5, poll_interval=300) as at,
        aiohttp.ClientSession() as session,
    ):
        application = Application(at, clock, session)
        promises: dict[float, float | None] = {}
        others: set[float | None] = set()
        started = clock.now()
        for number in range(LIMIT):
            hit = clock.now()
            assert await application.create("gen4.5") == 200
            # The other model has a batch that takes most of its limit, and then one an hour.
            for _ in range(70 if number == 0 else number % 30 == 0):
                assert await application.create("gen4_turbo") == 200
            await application.seen()
            clock.advance(MINUTE)
            figures = await application.pass_by(0)
            promises[clock.now()] = announced(figures, "gen4.5")
            others.add(announced(figures, "gen4_turbo"))
            if number == RESTARTED_AFTER:
                await at.restart()
                kept = announced(await application.pass_by(0), "gen4.5")
                assert kept == pytest.approx(promises[clock.now()], rel=0.01)
            clock.advance(MINUTE)
        assert await application.create("gen4.5") == 429

        first = min(at for at, promise in promises.items() if promise is not None)
        assert hit - first >= HOUR
        for minutes in (60, 40, 20):
            before = minutes * MINUTE - MINUTE
            assert promises[hit - before] == pytest.approx(before, rel=0.2)
        assert others == {None}

        figures = await application.pass_by(MINUTE)
        assert announced(figures, "gen4.5") is None
        assert figures.value("genmedia_forecast_precision_ratio") == 1
        assert figures.value("genmedia_forecast_recall_ratio") == 1
        frees = clock.now() + (await application.daily("gen4.5"))["next_free_seconds"]
        assert frees == pytest.approx(started + DAY)
        await application.pass_by(frees - 1 - clock.now())
        assert await application.create("gen4.5") == 429
        await application.pass_by(1)
        assert await application.create("gen4.5") == 200
