"""Evaluates the accounts, publishes the figures, and stores what outlives an evaluation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from monitor.config import Account
from monitor.engine.engine import Engine
from monitor.errors import StoreError
from monitor.judgement.evaluate import Memory, evaluate
from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition, SelfMetrics
from monitor.runtime.clock import Clock
from monitor.store import Database

OLD_INTERVALS = 6
OLD_SECONDS = 30.0
"""Figures are old after so many evaluations that brought nothing, and no sooner than this."""


class Publisher:
    """Publishes a snapshot at each `run`. `accounts` gives the configured accounts by name."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        accounts: Callable[[], Mapping[str, Account]],
        exposition: Exposition,
        own: SelfMetrics,
        clock: Clock,
    ) -> None:
        self._database = database
        self._engine = engine
        self._accounts = accounts
        self._exposition = exposition
        self._own = own
        self._clock = clock
        self._memory = Memory()
        self._published_at = 0.0
        self.snapshot: Snapshot | None = None

    async def run(self) -> None:
        """Evaluate and publish, then store what has changed.

        Raises:
            StoreError: the database failed.
        """
        if await asyncio.to_thread(lambda: self._database.has_moved):
            self._engine.look_after_store()
        await asyncio.to_thread(self._publish)
        for name, part in self._memory.parts().items():
            if part.is_changed:
                await self._engine.write(name, part.save)
                part.saved()

    def is_old(self, interval: float) -> bool:
        """Whether the figures have stood still for too many evaluations of so many seconds each."""
        longest = max(OLD_INTERVALS * self._clock.real_seconds(interval), OLD_SECONDS)
        return self.snapshot is not None and time.monotonic() - self._published_at > longest

    def _publish(self) -> None:
        accounts = self._accounts().values()
        try:
            snapshot = evaluate(self._database, accounts, self._memory, self._clock.now())
        except StoreError:
            self._own.store_errors.labels("evaluate").inc()
            raise
        providers = {account.name: account.provider for account in accounts}
        self._own.note_evaluation(providers, snapshot.failed, self._database.unreadable.counts())
        self._exposition.publish(snapshot)
        self.snapshot, self._published_at = snapshot, time.monotonic()
