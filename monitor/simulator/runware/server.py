"""The server that all transports of the simulated Runware share: its state, and the passing of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from monitor.runtime.clock import Clock
from monitor.simulator.runware.api.generations import Answer, answer_tasks
from monitor.simulator.runware.api.messages import Item
from monitor.simulator.runware.platform.accounts import Platform
from monitor.simulator.runware.platform.apps import Apps
from monitor.simulator.runware.platform.sessions import Sessions
from monitor.simulator.runware.platform.tasks import Part, Task
from monitor.simulator.runware.request_log import Record, RequestLog
from monitor.simulator.runware.settings import DEFAULT_KEY, Settings
from monitor.simulator.runware.webhooks import Webhooks
from monitor.simulator.shared import server as state
from monitor.simulator.shared.faults import Fault, Faults
from monitor.simulator.shared.requests import Kind, is_own

_LONGEST_PAUSE = 0.05
_SHORTEST_PAUSE = 0.0005


@dataclass(frozen=True)
class InitialAccount:
    """An account that exists at start. `balance` is in US dollars."""

    name: str = "simulated"
    key: str = DEFAULT_KEY
    settings: Settings = field(default_factory=Settings)
    balance: float = 1_000.0


@dataclass(frozen=True)
class World(state.World[Platform, RequestLog]):
    """The state that a reset replaces, with the WebSocket sessions and the applications of each account."""

    sessions: Sessions = field(default_factory=Sessions)
    apps: dict[str, Apps] = field(default_factory=dict)


class Server(state.BaseServer[World]):
    """Takes tasks, lets time pass, and sends webhooks. A socket stays in the world in which it was opened."""

    def __init__(self, clock: Clock, accounts: Sequence[InitialAccount], seed: int) -> None:
        self._initial = accounts
        self._seed = seed
        self._planned = asyncio.Event()
        self.webhooks = Webhooks(clock.real_seconds)
        super().__init__(clock)

    def new_world(self) -> World:
        world = World(Platform(self._seed), RequestLog(), Faults(self._seed))
        for one in self._initial:
            world.platform.add(one.name, one.key, one.settings, one.balance, self.clock.now())
        return world

    def record(self, request: web.Request, template: str, kind: Kind = Kind.OTHER) -> Record:
        """Return the record of a request that begins at the present time."""
        return Record(template=template, kind=kind.value, own=is_own(request.headers), started_at=self.clock.now())

    async def run(self) -> None:
        """Run events when they are due, forever."""
        while True:
            now = self.clock.now()
            self.world.platform.advance(now)
            due = self.world.platform.due
            pause = _LONGEST_PAUSE if due is None else self.clock.real_seconds(due - now)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)):
                    await self._planned.wait()
            self._planned.clear()

    def submit(self, world: World, key: str, items: list[Item]) -> list[Answer]:
        """Answer tasks that came with a key.

        Raises:
            Refusal: the key is missing or not valid.
        """
        account = world.platform.authenticate(key)
        answers = answer_tasks(account, items, key, self.clock.now())
        for answer in answers:
            if answer.verdict == "acknowledged":
                self.webhooks.subscribe(account, account.tasks[answer.uuid])
        self._planned.set()
        return answers

    async def apply_delay(self, world: World, seconds: float, fault: Fault | None) -> None:
        """Wait for seconds of the simulator's time, then until the fault is cleared."""
        if seconds:
            await asyncio.sleep(self.clock.real_seconds(seconds))
        if fault is not None:
            await world.faults.until_cleared(fault)


async def wait_until_finished(tasks: Sequence[Task]) -> None:
    """Wait until all tasks are finished."""
    for task in tasks:
        if not task.is_finished:
            over = asyncio.Event()
            task.watchers.append(_setter(over))
            await over.wait()


def _setter(over: asyncio.Event) -> Callable[[Task, Part], None]:
    def watch(task: Task, _: Part) -> None:
        if task.is_finished:
            over.set()

    return watch
