"""Forwards webhooks to the application until it has taken them."""

from __future__ import annotations

import asyncio
from collections import deque

import structlog

from monitor.config import Webhook
from monitor.engine.engine import Engine
from monitor.errors import StoreError
from monitor.http.network import Way
from monitor.ingest import delivery_rows
from monitor.ingest.application import Sender
from monitor.ingest.delivery_rows import KEEP_SECONDS, LONGEST_DELAY_SECONDS, Delivery, Later
from monitor.metrics import SelfMetrics
from monitor.polling.clock_steps import Steps
from monitor.polling.pacing import Backoff, Random
from monitor.polling.schedule import Schedule
from monitor.runtime.clock import Clock
from monitor.runtime.logs import Outage
from monitor.store import Database

LOOK_SECONDS = 1.0
MOST_AT_ONCE = 8
LOOK_AHEAD = 256
MOST_HELD_BYTES = 32 * 2**20
FIRST_DELAY_SECONDS = 1.0

log = structlog.get_logger()


class Deliveries:
    """Forwards the webhooks of one account, each at least once, in no particular order.

    The next webhook goes out as soon as one has ended. Meanwhile all that have ended are settled in the store together,
    and more are read. Webhooks that are new or due again wait for `run`. The result of a webhook is kept until the
    store has taken it, and nothing is read from a store that does not take it. Otherwise a store that is full would
    send the application the same webhooks every second.
    """

    def __init__(
        self,
        account: str,
        webhook: Webhook,
        way: Way,
        database: Database,
        engine: Engine,
        schedule: Schedule,
        sender: Sender,
        own: SelfMetrics,
        clock: Clock,
        steps: Steps,
        random: Random,
    ) -> None:
        self.job = f"deliver:{account}"
        self._account = account
        self._url = webhook.forward_to.get_secret_value()
        self._way = way
        self._sender = sender
        self._database = database
        self._engine = engine
        self._schedule = schedule
        self._own = own
        self._clock = clock
        self._steps = steps
        self._random = random
        self._outage = Outage(quiet_seconds=60.0)
        self._ready: deque[Delivery] = deque()
        self._under_way: dict[int, int] = {}
        self._ends: dict[int, Later | None] = {}
        self._looks = self._looks_again = self._is_stopped = False

    async def run(self) -> None:
        """Settle what has ended, and begin to forward what is due.

        Raises:
            StoreError: the store does not work.
        """
        self._looks_again = True
        if self._looks:
            return
        self._looks = True
        try:
            while self._looks_again and not self._is_stopped:
                self._looks_again = False
                await self._settle()
                await self._look()
                self._begin()
        except StoreError:
            self._ready.clear()
            raise
        finally:
            self._looks = False

    def stop(self) -> None:
        """Begin nothing more. What is under way ends by itself."""
        self._is_stopped = True
        self._ready.clear()

    async def _look(self) -> None:
        room = LOOK_AHEAD - len(self._ready)
        held = sum(self._under_way.values()) + sum(len(delivery.body) for delivery in self._ready)
        if room >= LOOK_AHEAD / 2 and held < MOST_HELD_BYTES:
            known = {*self._under_way, *self._ends, *(delivery.id for delivery in self._ready)}
            self._ready += await asyncio.to_thread(self._due, self._clock.now(), room, known)

    def _due(self, now: float, room: int, known: set[int]) -> list[Delivery]:
        with self._database.begin() as connection:
            self._own.webhooks_waiting.labels(self._account).set(delivery_rows.waiting(connection, self._account))
            return delivery_rows.due(connection, self._account, now, room, known)

    def _begin(self) -> None:
        while self._ready and len(self._under_way) < MOST_AT_ONCE and not self._is_stopped:
            delivery = self._ready.popleft()
            self._under_way[delivery.id] = len(delivery.body)
            self._schedule.spawn("forward", self._forward(delivery))

    async def _forward(self, delivery: Delivery) -> None:
        try:
            problem = await self._sender.send(delivery, self._url, self._way)
            self._ends[delivery.id] = self._end(delivery, problem)
        finally:
            del self._under_way[delivery.id]
        self._begin()
        await (self._settle() if self._is_stopped else self.run())

    def _end(self, delivery: Delivery, problem: str) -> Later | None:
        """When to try again. None if that is not needed, or no use."""
        if not problem:
            self._own.webhooks.labels(self._account, "forwarded").inc()
            if (outage := self._outage.ended()) is not None:
                log.info("webhook.forwarded", account=self._account, **outage)
            return None
        self._own.webhooks.labels(self._account, "failed").inc()
        now, attempts = self._clock.now(), delivery.attempts + 1
        told = log.bind(account=self._account, problem=problem, attempts=attempts)
        if now - delivery.received_at > KEEP_SECONDS and not self._steps.are_recent():
            self._own.webhooks.labels(self._account, "dropped").inc()
            if (more := self._outage.failed("dropped")) is not None:
                told.error("webhook.dropped", **more)
            return None
        delay = Backoff(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, self._random, delivery.attempts).failed()
        if (more := self._outage.failed(problem)) is not None:
            told.warning("webhook.failed", next_in_seconds=round(delay), **more)
        return Later(now + delay, attempts)

    async def _settle(self) -> None:
        ends = dict(self._ends)
        if ends:
            await self._engine.write("deliver", lambda connection: delivery_rows.settle(connection, ends))
            for settled in ends:
                self._ends.pop(settled, None)
