"""An engine on a bench: running, with all that it counts about itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry
from stores import T0, catalogue_of

from monitor.engine.engine import Engine
from monitor.metrics import SelfMetrics
from monitor.runtime.clock import ManualClock
from monitor.store import Database


class Bench:
    """An engine under test, and what it counts about itself."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.database = database
        self.engine = Engine(database, catalogue_of, SelfMetrics(self.registry), ManualClock(T0))

    def own(self, name: str, **labels: str) -> float:
        """One of the daemon's own metrics; 0 where it has no such series yet."""
        return self.registry.get_sample_value(f"genmedia_monitor_{name}", labels) or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        """The engine, running; stopped and drained afterwards."""
        run = asyncio.create_task(self.engine.run())
        try:
            yield self.engine
        finally:
            await self.engine.stop()
            await run


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens in its own time."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
