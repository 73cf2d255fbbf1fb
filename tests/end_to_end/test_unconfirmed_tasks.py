"""A burst that nobody polls: the use of a concurrency limit is what polls have shown, recounted from the simulator."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from end_to_end.recount import polled
from end_to_end.stage import PATIENCE_SECONDS, Figures, LocalStage, staged

from monitor.config import FollowUp
from monitor.runtime.clock import ManualClock
from monitor.tasks.lifecycle import CONFIRMED_SECONDS

SETTINGS = {
    "tier": 3,
    "limits": {"gen4.5": {"concurrency": 3, "daily": 100}, "gen4_turbo": {"concurrency": 5, "daily": 100}},
    "durations": {"pending": 0, "running": 3600},
}
BODIES = {
    "gen4.5": ("/v1/text_to_video", {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}),
    "gen4_turbo": (
        "/v1/image_to_video",
        {"model": "gen4_turbo", "promptImage": "https://example.com/a.png", "ratio": "1280:720", "duration": 5},
    ),
}
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"
Use = dict[str, tuple[int, int]]


class SteppedClock(ManualClock):
    """Moves when told; the daemon's jobs run often meanwhile."""

    def real_seconds(self, seconds: float) -> float:
        return seconds / 100


class Application:
    """Creates and polls when told to. `use` is how the concurrency of each model is used, and what is not confirmed."""

    def __init__(self, stage: LocalStage, clock: SteppedClock, session: aiohttp.ClientSession) -> None:
        self._stage, self._clock, self._session = stage, clock, session
        self._headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}
        self._requests = 0
        self.tasks: list[str] = []

    async def create(self, model: str, count: int) -> None:
        path, body = BODIES[model]
        replies = await asyncio.gather(*(self._ask("POST", path, body) for _ in range(count)))
        self.tasks += [reply["id"] for reply in replies]

    async def poll(self) -> None:
        await asyncio.gather(*(self._ask("GET", f"/v1/tasks/{task}") for task in self.tasks))

    async def figures(self, seconds: float = 5.0) -> Figures:
        """A scrape that knows of everything up to some seconds from now."""
        self._clock.advance(seconds)
        return await self._stage.until(
            lambda figures: (
                figures.total("genmedia_requests_total") >= self._requests
                and figures.total(EVALUATED) >= self._clock.now()
            )
        )

    async def use(self, seconds: float = 5.0) -> Use:
        return use(await self.figures(seconds))

    async def truth(self) -> Use:
        """The same by the simulator's record of every poll, our own included."""
        records = await self._stage.control("GET", "/requests")
        shown = polled(records)
        tasks = Counter(task["model"] for task in await self._stage.control("GET", "/tasks"))
        admitted = Counter(model for model, status in shown.values() if status in {"PENDING", "RUNNING"})
        known = Counter(model for model, _ in shown.values())
        return {model: (admitted[model], count - known[model]) for model, count in tasks.items()}

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self._requests += 1
        url = self._stage.base_url() + path
        async with self._session.request(method, url, json=body, headers=self._headers) as reply:
            answer: dict[str, Any] = await reply.json()
        return answer


def use(figures: Figures) -> Use:
    used = figures.by("genmedia_limit_used", "model", limit="concurrency")
    unconfirmed = figures.by("genmedia_tasks_unconfirmed", "model")
    return {
        model: (int(used.get((model,), 0)), int(unconfirmed.get((model,), 0)))
        for (model,) in used.keys() | unconfirmed.keys()
    }


async def test_only_what_polls_have_shown_uses_a_concurrency_limit_and_the_rest_stands_apart(tmp_path: Path) -> None:
    clock, silent = SteppedClock(), FollowUp(silence=3600, interval=3600)
    async with (
        staged(tmp_path, settings=SETTINGS, clock=clock, follow_up=silent, evaluate_interval=5) as at,
        aiohttp.ClientSession() as session,
    ):
        application = Application(at, clock, session)
        await application.create("gen4.5", 7)
        await application.create("gen4_turbo", 2)
        figures = await application.figures()
        assert use(figures) == await application.truth() == {"gen4.5": (0, 7), "gen4_turbo": (0, 2)}
        assert figures.value("genmedia_tasks", model="gen4.5", status="pending") == 7

        await application.poll()
        assert await application.use() == await application.truth() == {"gen4.5": (3, 0), "gen4_turbo": (2, 0)}

        await application.create("gen4.5", 4)
        full: Use = {"gen4.5": (3, 4), "gen4_turbo": (2, 0)}
        assert await application.use() == await application.truth() == full
        page = await (await session.get(at.daemon.operator_url)).text()
        assert "3 of 3" in page
        assert "4 more unconfirmed" in page
        account = await (await session.get(f"{at.daemon.operator_url}/api/v1/accounts/runway")).json()
        assert {one["model"]: one["unconfirmed"] for one in account["tasks"]} == {"gen4.5": 4, "gen4_turbo": 0}

        await at.restart()
        assert use(await at.until(lambda figures: bool(figures.total("genmedia_tasks")))) == full

        await at.control("PATCH", "/accounts/runway", limits={"gen4.5": {"concurrency": 1, "daily": 100}})
        limit = {"model": "gen4.5", "limit": "concurrency"}
        lowered = await at.until(lambda figures: figures.value("genmedia_limit", **limit) == 1)
        assert lowered.value("genmedia_saturation_ratio", **limit) == 3

        assert await application.use(CONFIRMED_SECONDS) == {"gen4.5": (0, 7), "gen4_turbo": (0, 2)}


async def test_a_task_that_is_only_told_of_is_unconfirmed_until_a_poll_of_it_is_told(tmp_path: Path) -> None:
    clock, silent = SteppedClock(), FollowUp(silence=3600, interval=3600)
    async with (
        staged(tmp_path, settings=SETTINGS, clock=clock, follow_up=silent, evaluate_interval=5) as at,
        aiohttp.ClientSession() as session,
    ):
        application = Application(at, clock, session)
        created = {"type": "task", "account": "runway", "at": clock.now(), "task": "t-1", "status": "pending"}
        accepted = {**created, "accepted": True, "endpoint": "/v1/text_to_video", "model": "gen4.5"}
        for told, expected in ((accepted, (0, 1)), ({**created, "status": "running"}, (1, 0))):
            observations = f"{at.daemon.operator_url}/api/v1/observations"
            await (await session.post(observations, data=msgspec.json.encode(told))).read()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await application.use())["gen4.5"] != expected:
                    pass


async def test_follow_up_confirms_what_nobody_polls(tmp_path: Path) -> None:
    clock, eager = SteppedClock(), FollowUp(silence=1, interval=5)
    async with (
        staged(tmp_path, settings=SETTINGS, clock=clock, follow_up=eager, evaluate_interval=5) as at,
        aiohttp.ClientSession() as session,
    ):
        application = Application(at, clock, session)
        await application.create("gen4.5", 7)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await application.use()).get("gen4.5") != (3, 0):
                pass
        assert await application.truth() == {"gen4.5": (3, 0)}
        assert (await at.scrape()).value("genmedia_tasks", model="gen4.5", status="throttled") == 4
