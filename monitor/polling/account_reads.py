"""Scheduled reads of an account."""

from __future__ import annotations

import structlog

from monitor.config import Account
from monitor.engine.engine import Sink
from monitor.observations import Outcome, ReadFinished, Source
from monitor.polling.pacing import Backoff, Random
from monitor.polling.provider_client import Vendor
from monitor.providers.base import AccountReader
from monitor.runtime.clock import Clock
from monitor.runtime.logs import Outage

LONGEST_BACKOFF_SECONDS = 600.0
SOURCE: Source = "account_read"

log = structlog.get_logger()


class AccountRead:
    """One read of one account: at its interval while it works, less often while it fails."""

    def __init__(
        self,
        account: Account,
        reader: AccountReader,
        vendor: Vendor,
        sink: Sink,
        clock: Clock,
        random: Random,
    ) -> None:
        self.job = f"account_read:{account.name}:{reader.name}"
        self.interval = max(account.poll_interval, reader.minimum_interval_seconds)
        self._account = account
        self._reader = reader
        self._vendor = vendor
        self._sink = sink
        self._clock = clock
        self._backoff = Backoff(self.interval, LONGEST_BACKOFF_SECONDS, random)
        self._outage = Outage()
        self._has_worked = False

    async def run(self) -> float | None:
        """Read once and store what the provider reported. After a failure, returns the seconds until the next read.

        Raises:
            StoreError: it could not be stored.
        """
        exchange = await self._vendor.exchange(self._account, self._reader.call(self._clock.now()))
        observations = self._reader.decode(exchange)
        finished = next(each for each in observations if isinstance(each, ReadFinished))
        wait = self._plan(finished, exchange.problem)
        await self._sink.submit(observations, SOURCE)
        return wait

    def _plan(self, finished: ReadFinished, problem: str) -> float | None:
        """Log what has changed. Returns the seconds to wait if the read failed."""
        facts = {"account": finished.account, "read": finished.read, "outcome": finished.outcome.value}
        if finished.outcome is Outcome.SUCCESS:
            self._backoff.succeeded()
            outage = self._outage.ended()
            if outage is not None or not self._has_worked:
                log.info("read.finished", **facts, seconds=round(finished.duration_seconds, 3), **(outage or {}))
            self._has_worked = True
            return None
        wait = self._backoff.failed()
        if problem:
            facts["problem"] = problem
        if (more := self._outage.failed(f"{finished.outcome} {problem}")) is not None:
            log.warning("read.failed", **facts, next_in_seconds=round(wait), **more)
        return wait
