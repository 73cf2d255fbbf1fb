"""All scheduled work, for the accounts of the present configuration."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping

from monitor.config import Account, Config
from monitor.engine.engine import Engine
from monitor.http.clients import Clients
from monitor.http.network import Network
from monitor.ingest import delivery_rows
from monitor.ingest.application import Sender
from monitor.ingest.forwarding import LOOK_SECONDS as FORWARD_SECONDS
from monitor.ingest.forwarding import Deliveries
from monitor.metrics import SelfMetrics
from monitor.polling.account_reads import AccountRead
from monitor.polling.clock_steps import Steps
from monitor.polling.follow_up import LOOK_SECONDS, FollowUp
from monitor.polling.pacing import Random
from monitor.polling.provider_client import Vendor
from monitor.polling.schedule import Schedule
from monitor.providers import PROVIDERS
from monitor.providers.base import Provider
from monitor.runtime.clock import Clock
from monitor.store import Database

EXPIRE_SECONDS = 60.0
PRUNE_SECONDS = 3600.0


class Jobs:
    """Account reads, task follow-up, forwarding of webhooks, evaluation and retention.

    `evaluate` turns the stored state into figures. `jitter` gives 0 to 1. Only the accounts of the configuration can
    change later.
    """

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        evaluate: Callable[[], Awaitable[None]],
        config: Config,
        own: SelfMetrics,
        clock: Clock,
        network: Network,
        providers: Mapping[str, Provider] = PROVIDERS,
        jitter: Random = random.random,
    ) -> None:
        self._database = database
        self._engine = engine
        self._evaluate = evaluate
        self._config = config
        self._own = own
        self._clock = clock
        self._jitter = jitter
        self._network = network
        self._clients = Clients()
        self._sender = Sender()
        self._vendor = Vendor(self._clients, network, providers, clock)
        self._schedule = Schedule(own, clock)
        self._steps = Steps(clock)
        self._accounts: dict[str, Account] = {}
        self._jobs_of: dict[str, list[str]] = {}
        self._forwarding: dict[str, Deliveries] = {}

    def start(self, accounts: Iterable[Account]) -> None:
        """Begin on the running event loop. Every job runs now and then at its interval."""
        self._schedule.start()
        self._schedule.every("evaluate", self._config.evaluate_interval, self._evaluate)
        self._schedule.every("expire", EXPIRE_SECONDS, self._expire)
        self._schedule.every("prune", PRUNE_SECONDS, self._prune)
        self.apply(accounts)

    def apply(self, accounts: Iterable[Account]) -> None:
        """Use these accounts. Jobs of accounts that stay as they are go on undisturbed."""
        wanted = {account.name: account for account in accounts}
        for name in [name for name, account in self._accounts.items() if wanted.get(name) != account]:
            self._remove(name)
        for account in wanted.values():
            if account.name not in self._accounts:
                self._add(account)

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109  # not a limit: what still runs is cancelled
        """Start nothing more and wait for what runs. What still runs after `timeout` real seconds is cancelled."""
        for forwarding in self._forwarding.values():
            forwarding.stop()
        await self._schedule.drain(timeout)
        await self._clients.aclose()
        await self._sender.aclose()

    def _add(self, account: Account) -> None:
        # First, so that what fails halfway can be removed.
        self._accounts[account.name], self._jobs_of[account.name] = account, []
        means = (self._vendor, self._engine, self._clock, self._jitter)
        follow_up = FollowUp(account, self._database, self._schedule, *means)
        self._schedule.every(follow_up.job, LOOK_SECONDS, follow_up.run)
        self._jobs_of[account.name].append(follow_up.job)
        for reader in self._vendor.provider(account).reads:
            read = AccountRead(account, reader, *means)
            self._schedule.every(read.job, read.interval, read.run)
            self._jobs_of[account.name].append(read.job)
        self._add_webhook(account)

    def _add_webhook(self, account: Account) -> None:
        if account.webhook is None:
            return
        way = self._network.way(account.webhook.forward_to.get_secret_value(), ca=account.ca)
        parts = (
            self._database,
            self._engine,
            self._schedule,
            self._sender,
            self._own,
            self._clock,
            self._steps,
            self._jitter,
        )
        forwarding = Deliveries(account.name, account.webhook, way, *parts)
        self._schedule.every(forwarding.job, FORWARD_SECONDS, forwarding.run)
        self._jobs_of[account.name].append(forwarding.job)
        self._forwarding[account.name] = forwarding

    def _remove(self, name: str) -> None:
        for job in self._jobs_of.pop(name):
            self._schedule.remove(job)
        if name in self._forwarding:
            self._forwarding.pop(name).stop()
        del self._accounts[name]

    async def _expire(self) -> None:
        if not self._steps.are_recent():
            await self._engine.expire(self._clock.now())

    async def _prune(self) -> None:
        if not self._steps.are_recent():
            now = self._clock.now()
            await self._engine.prune(now, self._config.retention.tasks)
            oldest = now - 2 * delivery_rows.KEEP_SECONDS
            await self._engine.write("prune", lambda connection: delivery_rows.prune(connection, oldest))
