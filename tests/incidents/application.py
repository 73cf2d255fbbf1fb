"""An application on the fast clock: asks for generations through the gateway and polls them to their end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from end_to_end.stage import KEY
from incidents.machinery import Machinery

HEADERS = {"Authorization": f"Bearer {KEY}", "X-Runway-Version": "2024-11-06"}
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
POLL_SECONDS = 15.0
"""Slower than the SDK's 6 s, so that sixty times the pace stays cheap."""


class Application:
    """One account's application. `replies` counts what its creates were answered; None is no answer."""

    def __init__(self, machinery: Machinery, base_url: Callable[[], str]) -> None:
        self._machinery = machinery
        self._base_url = base_url
        self.replies: Counter[int | None] = Counter()
        self._running: set[asyncio.Task[None]] = set()

    async def generate(self) -> None:
        """Create, and poll to the end; a refusal or a broken connection at the create is the end."""
        status, task = await self._ask("POST", "/v1/text_to_video", json=VIDEO)
        self.replies[status] += 1
        while "id" in task and task.get("status") not in ENDED:
            await self._machinery.pass_by(POLL_SECONDS)
            seen, answer = await self._ask("GET", f"/v1/tasks/{task['id']}")
            task = {**task, **answer} if seen == 200 else task

    async def _ask(self, method: str, path: str, **more: Any) -> tuple[int | None, dict[str, Any]]:
        with suppress(aiohttp.ClientError, ValueError, TimeoutError):
            async with self._machinery.session.request(
                method, self._base_url() + path, headers=HEADERS, **more
            ) as reply:
                raw = await reply.json()
                return reply.status, raw if isinstance(raw, dict) else {}
        return None, {}

    def submit(self, times: int = 1) -> None:
        """Begin so many generations at once."""
        for _ in range(times):
            task = asyncio.create_task(self.generate())
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    @asynccontextmanager
    async def working(self, every: float) -> AsyncIterator[None]:
        """A generation begun every so many seconds while the block lasts."""
        worker = asyncio.create_task(self._work(every))
        try:
            yield
        finally:
            for task in (worker, *self._running):
                task.cancel()
            await asyncio.gather(worker, *self._running, return_exceptions=True)

    async def _work(self, every: float) -> None:
        while True:
            self.submit()
            await self._machinery.pass_by(every)
