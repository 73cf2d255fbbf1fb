"""The whole path in one process: a simulated Runway, the daemon in front of it, and what both say happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from monitor.config import Account, Address, Config, FollowUp, GatewayConfig, Limits, Webhook, WebhooksConfig
from monitor.daemon.daemon import Daemon
from monitor.runtime.clock import Clock, SystemClock
from monitor.simulator.runware.app import build_app as build_runware
from monitor.simulator.runway.app import build_app as build_runway
from monitor.simulator.shared.server import serve
from monitor.store import Database

KEY = "key_" + "c0ffee42" * 16
PATIENCE_SECONDS = 20.0

VENDORS = {"runway": (build_runway, "credits", KEY[:-4]), "runware": (build_runware, "balance", KEY[4:32])}
"""How each vendor is simulated, what it calls the balance at start, and how its keys begin."""

Labels = frozenset[tuple[str, str]]


class Figures(dict[tuple[str, Labels], float]):
    """One scrape: the value of every sample by its name and labels."""

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample that has these labels among its own, None where there is none."""
        found = self.select(name, **labels)
        assert len(found) <= 1, f"{name} {labels} is not one sample: {sorted(map(sorted, found))}"
        return next(iter(found.values()), None)

    def select(self, name: str, **labels: str) -> dict[Labels, float]:
        """Every sample that has these labels among its own."""
        return {own: value for (its, own), value in self.items() if its == name and labels.items() <= set(own)}

    def total(self, name: str, **labels: str) -> float:
        """The sum of all such samples."""
        return sum(self.select(name, **labels).values())

    def by(self, name: str, *wanted: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Sums by the values of these labels, without zeros."""
        sums: dict[tuple[str, ...], float] = {}
        for own, value in self.select(name, **labels).items():
            if value:
                key = tuple(dict(own).get(label, "") for label in wanted)
                sums[key] = sums.get(key, 0) + value
        return sums


def parse(text: str) -> Figures:
    """An exposition's samples."""
    families = text_string_to_metric_families(text)
    return Figures({(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples})


@dataclass
class Stage:
    """Where everything is. `accounts` are names of the daemon's accounts and of the simulated organizations alike."""

    vendor: str
    daemon: Daemon
    keys: dict[str, str]
    http: httpx.AsyncClient = field(repr=False)

    def base_url(self, account: str = "runway") -> str:
        """What an application's SDK is pointed at."""
        return f"{self.daemon.gateway_url}/{account}"

    async def control(self, method: str, path: str, /, **json: Any) -> Any:
        """Ask the simulator's control API."""
        reply = await self.http.request(method, f"{self.vendor}/_control{path}", json=json or None)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    async def scrape(self) -> Figures:
        """What a scrape gives now."""
        reply = await self.http.get(f"{self.daemon.operator_url}/metrics")
        return parse(reply.text)

    async def until(self, holds: Callable[[Figures], bool]) -> Figures:
        """The first scrape of which this holds; the test fails when none comes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds(figures := await self.scrape()):
                await asyncio.sleep(0.1)
        return figures

    async def requests(self, **having: Any) -> list[dict[str, Any]]:
        """The simulator's record of every request that was not the monitor's own."""
        records = await self.control("GET", "/requests")
        return [r for r in records if not r["own"] and having.items() <= r.items()]

    async def settled(self) -> Figures:
        """A scrape that has seen as many requests as the simulator has."""
        expected = len(await self.requests())
        return await self.until(lambda figures: figures.total("genmedia_requests_total") == expected)


@dataclass
class LocalStage(Stage):
    """A stage whose daemon runs in this process."""

    run: Callable[[], AbstractAsyncContextManager[Daemon]] = field(repr=False)
    running: AsyncExitStack = field(repr=False)

    async def restart(self) -> None:
        """Stop the daemon, and start another on the same store."""
        await self.running.aclose()
        self.daemon = await self.running.enter_async_context(self.run())


@asynccontextmanager
async def simulated(
    provider: str, keys: dict[str, str], opening: dict[str, Any], http: httpx.AsyncClient, clock: Clock
) -> AsyncIterator[str]:
    """The address of a simulated vendor with one organization for each key, as `opening` has it."""
    build = VENDORS[provider][0]
    async with serve(build(clock, accounts=())) as vendor:
        for name, key in keys.items():
            reply = await http.post(f"{vendor}/_control/accounts", json={"name": name, "key": key, **opening})
            reply.raise_for_status()
        yield vendor


@asynccontextmanager
async def staged(
    folder: Path,
    *,
    provider: str = "runway",
    accounts: Iterable[str] = ("runway",),
    settings: dict[str, Any] | None = None,
    clock: Clock | None = None,
    store: str | None = None,
    gateway: GatewayConfig | None = None,
    evaluate_interval: float = 0.2,
    poll_interval: float = 1.0,
    follow_up: FollowUp | None = None,
    webhook: Webhook | None = None,
    credits_: int = 100_000,
    limits: Limits | None = None,
) -> AsyncIterator[LocalStage]:
    """A stage with one organization for each account."""
    clock = clock or SystemClock()
    keys = {name: f"{VENDORS[provider][2]}{number:04x}" for number, name in enumerate(accounts)}
    opening = {VENDORS[provider][1]: credits_, **(settings or {})}
    async with (
        httpx.AsyncClient(timeout=30) as http,
        simulated(provider, keys, opening, http, clock) as vendor,
    ):
        config = Config(
            accounts=tuple(
                Account(
                    name=name,
                    provider=provider,
                    api_key=SecretStr(key),
                    base_url=vendor,
                    ws_url=vendor.replace("http", "ws") if provider == "runware" else "",
                    poll_interval=poll_interval,
                    follow_up=follow_up or FollowUp(),
                    limits=limits or Limits(),
                    webhook=webhook,
                )
                for name, key in keys.items()
            ),
            listen=Address("127.0.0.1", 0),
            gateway=gateway or GatewayConfig(listen=Address("127.0.0.1", 0)),
            webhooks=WebhooksConfig(listen=Address("127.0.0.1", 0)) if webhook else None,
            store=store or f"sqlite:///{folder / 'monitor.db'}",
            evaluate_interval=evaluate_interval,
        )

        @asynccontextmanager
        async def run() -> AsyncIterator[Daemon]:
            database = Database.open(config.store)
            try:
                async with Daemon(config, lambda: config, clock, database).running() as daemon:
                    yield daemon
            finally:
                database.close()

        async with AsyncExitStack() as running:
            daemon = await running.enter_async_context(run())
            yield LocalStage(vendor, daemon, keys, http, run, running)
