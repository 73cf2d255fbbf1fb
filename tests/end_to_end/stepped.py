"""An application of Runware's whose time moves in steps, each when the daemon has all of the last in its store.

So the pace of the machine does not matter, and every figure is of a moment that is known.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import aiohttp
from end_to_end.stage import PATIENCE_SECONDS, Figures, LocalStage, parse

from monitor.runtime.clock import ManualClock

TICK_SECONDS = 2.0
STEP_TICKS = 5
"""A step is ten seconds: so long after its end a task is looked at, and by then it must be in the store."""
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"


class SteppedClock(ManualClock):
    """Moves when told; the daemon's jobs run often meanwhile."""

    def real_seconds(self, seconds: float) -> float:
        return seconds / 100


@dataclass
class Client:
    """Keeps `wanted` tasks of a model open; after each it makes a pause, after a refusal a longer one.

    `worked` is the most that it had open at once before anything failed.
    """

    model: str
    wanted: int = 0
    pause: float = 0.0
    refused_pause: float = 30.0
    open: int = 0
    well: int = 0
    failed: int = 0
    worked: int = 0
    _pauses: list[float] = field(default_factory=list)

    def lacking(self, now: float) -> int:
        """How many to begin."""
        self._pauses = [until for until in self._pauses if now < until]
        return max(0, self.wanted - self.open - len(self._pauses))

    def end(self, now: float, *, is_well: bool) -> None:
        """One has ended."""
        self.open -= 1
        self.well, self.failed = self.well + is_well, self.failed + (not is_well)
        pause = self.pause if is_well else self.refused_pause
        self._pauses += [now + pause] if pause else []

    def note(self) -> None:
        """Time stands still; so many are open."""
        self.worked = self.worked if self.failed else max(self.worked, self.open)


class Application:
    """Requests of several clients, each held until the vendor has its result."""

    def __init__(
        self,
        stage: LocalStage,
        clock: SteppedClock,
        session: aiohttp.ClientSession,
        store: Path,
        clients: Sequence[Client],
    ) -> None:
        self._stage, self._clock, self._session, self._store = stage, clock, session, store
        self._clients = clients
        (self._account,) = stage.keys
        self._headers = {"Authorization": f"Bearer {stage.keys[self._account]}"}
        self._under_way: set[asyncio.Task[None]] = set()

    async def step(self) -> None:
        """Let ten seconds pass, and have all that ended in them stored."""
        for _ in range(STEP_TICKS):
            self._clock.advance(TICK_SECONDS)
            self._begin()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await self._open_at_vendor() != sum(client.open for client in self._clients):
                    pass  # something is on its way
            for client in self._clients:
                client.note()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._stored() < sum(client.well + client.failed for client in self._clients):
                await asyncio.sleep(0.002)

    async def scrape(self, *names: str) -> Figures:
        """Series of these names, as of now."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                text = await self._get(f"{self._stage.daemon.operator_url}/metrics")
                lines = text.splitlines(keepends=True)
                figures = parse("".join(line for line in lines if line.startswith((*names, EVALUATED))))
                if figures.total(EVALUATED) >= self._clock.now():
                    return figures
                await asyncio.sleep(0.01)

    async def drain(self) -> None:
        """Begin nothing, and let time pass until nothing is open."""
        for client in self._clients:
            client.wanted = 0
        while any(client.open for client in self._clients):
            await self.step()

    def _begin(self) -> None:
        for client in self._clients:
            for _ in range(client.lacking(self._clock.now())):
                client.open += 1
                task = asyncio.create_task(self._generate(client))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def _generate(self, client: Client) -> None:
        task = {"taskType": "imageInference", "taskUUID": str(uuid4()), "model": client.model, "positivePrompt": "a"}
        url = f"{self._stage.base_url(self._account)}/v1"
        async with self._session.post(url, json=[task], headers=self._headers) as reply:
            is_well = reply.status == HTTPStatus.OK and "data" in await reply.json()
        client.end(self._clock.now(), is_well=is_well)
        self._begin()

    async def _open_at_vendor(self) -> int:
        async with self._session.get(f"{self._stage.vendor}/_control/accounts/{self._account}") as reply:
            models = (await reply.json())["models"].values()
        return sum(model["running"] + model["waiting"] for model in models)

    def _stored(self) -> int:
        with closing(sqlite3.connect(self._store)) as store:
            (total,) = store.execute("SELECT total(value) FROM tallies WHERE tally = 'requests'").fetchone()
        return int(total)

    async def _get(self, url: str) -> str:
        async with self._session.get(url) as reply:
            return await reply.text()
