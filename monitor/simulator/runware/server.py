"""What all transports of the simulated Runware share: the world they act on, and the time that moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from monitor.runtime.clock import Clock
from monitor.simulator.runware.api.generations import Answer, take
from monitor.simulator.runware.api.messages import Item
from monitor.simulator.runware.platform.accounts import Platform
from monitor.simulator.runware.platform.apps import Apps
from monitor.simulator.runware.platform.sessions import Sessions
from monitor.simulator.runware.platform.tasks import Part, Task
from monitor.simulator.runware.request_log import Record, RequestLog
from monitor.simulator.runware.settings import DEFAULT_KEY, Settings
from monitor.simulator.runware.webhooks import Webhooks
from monitor.simulator.shared.faults import Fault, Faults
from monitor.simulator.shared.requests import OWN_USER_AGENT

_LONGEST_PAUSE = 0.05
_SHORTEST_PAUSE = 0.0005


@dataclass(frozen=True)
class InitialAccount:
    """How an account starts."""

    name: str = "simulated"
    key: str = DEFAULT_KEY
    settings: Settings = field(default_factory=Settings)
    balance: float = 1_000.0


@dataclass(frozen=True, slots=True)
class World:
    """What a reset replaces as a whole; a request belongs to the one in which it began."""

    platform: Platform
    request_log: RequestLog
    faults: Faults
    sessions: Sessions
    apps: dict[str, Apps] = field(default_factory=dict)


class Server:
    """The world, and what lets time pass in it. Everything happens in `clock`'s time."""

    def __init__(self, clock: Clock, accounts: Sequence[InitialAccount], seed: int) -> None:
        self.clock = clock
        self.in_flight = 0
        self._initial = accounts
        self._seed = seed
        self._planned = asyncio.Event()
        self.webhooks = Webhooks(clock.real_seconds)
        self.world = self._new_world()

    def _new_world(self) -> World:
        world = World(Platform(self._seed), RequestLog(), Faults(self._seed), Sessions())
        for one in self._initial:
            world.platform.add(one.name, one.key, one.settings, one.balance, self.clock.now())
        return world

    def reset(self) -> None:
        """Begin anew: accounts, witness and faults. Sockets that are open stay in the world in which they began."""
        self.world.faults.clear()
        self.world = self._new_world()

    async def run(self) -> None:
        """Let things happen when they are due, for ever."""
        while True:
            now = self.clock.now()
            self.world.platform.advance(now)
            due = self.world.platform.due
            pause = _LONGEST_PAUSE if due is None else self.clock.real_seconds(due - now)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)):
                    await self._planned.wait()
            self._planned.clear()

    def take(self, world: World, key: str, items: list[Item]) -> list[Answer]:
        """Take tasks with a key.

        Raises:
            Refusal: the key opens nothing.
        """
        account = world.platform.authenticate(key)
        answers = take(account, items, key, self.clock.now())
        for answer in answers:
            if answer.verdict == "acknowledged":
                self.webhooks.promise(account, account.tasks[answer.uuid])
        self._planned.set()
        return answers

    async def apply_delay(self, world: World, seconds: float, fault: Fault | None) -> None:
        """Wait as latency and a hanging fault want it."""
        if seconds:
            await asyncio.sleep(self.clock.real_seconds(seconds))
        if fault is not None:
            await world.faults.until_cleared(fault)

    def log_request(self, world: World, record: Record) -> None:
        """Before anything is sent, so that no client knows of what the witness does not."""
        world.request_log.add(record, self.clock.now())


def is_own(request: web.Request) -> bool:
    """Whether the monitor itself asks."""
    return request.headers.get("user-agent", "").startswith(OWN_USER_AGENT)


async def wait_until_over(tasks: Sequence[Task]) -> None:
    """Wait until all of them are over."""
    for task in tasks:
        if not task.is_over:
            over = asyncio.Event()
            task.watchers.append(_setter(over))
            await over.wait()


def _setter(over: asyncio.Event) -> Callable[[Task, Part], None]:
    def watch(task: Task, _: Part) -> None:
        if task.is_over:
            over.set()

    return watch
