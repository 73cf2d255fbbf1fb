"""Forwarding webhooks to the application, until it has taken them."""

from __future__ import annotations

import asyncio

import structlog

from monitor import __version__
from monitor.clock import Clock
from monitor.collect.client import Clients, is_from_proxy, problem_of
from monitor.collect.pacing import Backoff, Random
from monitor.collect.schedule import Schedule
from monitor.config import Webhook
from monitor.engine import Engine
from monitor.lean import without
from monitor.metrics import Own
from monitor.network import Way
from monitor.store import Database, deliveries
from monitor.store.deliveries import KEEP_SECONDS, LONGEST_DELAY_SECONDS, Delivery, Later

with without("rich", "pygments"):
    import httpx

LOOK_SECONDS = 1.0
MOST_AT_ONCE = 8
ANSWER_SECONDS = 10.0
FIRST_DELAY_SECONDS = 1.0

log = structlog.get_logger()


class Deliveries:
    """Forwards the webhooks of one account: each at least once, in no certain order.

    What became of one is remembered until the store has taken it, and nothing more is sent before that: else a store
    that is full would let the application have the same ones every second.
    """

    def __init__(
        self,
        account: str,
        webhook: Webhook,
        way: Way,
        database: Database,
        engine: Engine,
        schedule: Schedule,
        clients: Clients,
        own: Own,
        clock: Clock,
        random: Random,
    ) -> None:
        self.job = f"deliver:{account}"
        self._account = account
        self._webhook = webhook
        self._database = database
        self._engine = engine
        self._schedule = schedule
        self._way = way
        self._clients = clients
        self._own = own
        self._clock = clock
        self._random = random
        self._under_way: set[int] = set()
        self._ends: dict[int, Later | None] = {}

    async def run(self) -> None:
        """Begin to forward what is due.

        Raises:
            StoreError: the store does not work.
        """
        await self._settle()
        known = self._under_way | self._ends.keys()
        for delivery in await asyncio.to_thread(self._due, self._clock.now(), known):
            self._under_way.add(delivery.id)
            self._schedule.spawn("forward", self._forward(delivery))

    def _due(self, now: float, known: set[int]) -> list[Delivery]:
        with self._database.begin() as connection:
            self._own.webhooks_waiting.labels(self._account).set(deliveries.waiting(connection, self._account))
            room = max(0, MOST_AT_ONCE - len(known))
            return deliveries.due(connection, self._account, now, room, known)

    async def _forward(self, delivery: Delivery) -> None:
        try:
            problem = await self._problem(delivery)
            self._ends[delivery.id] = self._end(delivery, problem)
            await self._settle()
        finally:
            self._under_way.discard(delivery.id)

    async def _problem(self, delivery: Delivery) -> str:
        """Send it once; why the application has not taken it, empty where it has."""
        headers = {"User-Agent": f"genmedia-monitor/{__version__}"}
        if delivery.content_type:
            headers["Content-Type"] = delivery.content_type
        url = self._webhook.forward_to.get_secret_value()
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._clients.on(self._way).stream("POST", url, headers=headers, content=delivery.body) as response,
            ):
                if is_from_proxy(response, self._way):
                    return f"the proxy {self._way.proxy} wants other credentials"
                return "" if response.is_success else f"answered {response.status_code}"
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            # Where it goes shows nowhere, also not in what a library says of it.
            return problem_of(error, self._way, "the application").replace(httpx.URL(url).host, "the application")

    def _end(self, delivery: Delivery, problem: str) -> Later | None:
        """When to try again; None where there is no need to, or no use."""
        if not problem:
            self._own.webhooks.labels(self._account, "forwarded").inc()
            return None
        self._own.webhooks.labels(self._account, "failed").inc()
        now, attempts = self._clock.now(), delivery.attempts + 1
        told = log.bind(account=self._account, problem=problem, attempts=attempts)
        if now - delivery.received_at > KEEP_SECONDS:
            self._own.webhooks.labels(self._account, "dropped").inc()
            told.error("webhook.dropped")
            return None
        delay = Backoff(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, self._random, delivery.attempts).failed()
        told.warning("webhook.failed", next_in_seconds=round(delay))
        return Later(now + delay, attempts)

    async def _settle(self) -> None:
        ends = dict(self._ends)
        if ends:
            await self._engine.write("deliver", lambda connection: deliveries.settle(connection, ends))
            for settled in ends:
                self._ends.pop(settled, None)
