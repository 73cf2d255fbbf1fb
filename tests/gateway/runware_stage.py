"""The real gateway in front of a Runware on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from fake_runware import FakeRunware, fake_runware
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from wire import Gateway, ListSink

from monitor.config import Account, GatewayConfig
from monitor.gateway import build_gateway
from monitor.http.network import Network
from monitor.metrics import SelfMetrics
from monitor.providers import PROVIDERS
from monitor.providers.base import Provider
from monitor.runtime.clock import ManualClock


class Front(Gateway):
    """A running gateway with one account, `runware`."""

    runner: Any

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/runware/v1"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/runware/v1"

    def in_flight(self) -> float:
        return self.count("genmedia_requests_in_flight", provider="runware", account="runware")


@asynccontextmanager
async def front(
    origin: str, ws_origin: str, providers: Mapping[str, Provider] = PROVIDERS, sink: ListSink | None = None
) -> AsyncIterator[Front]:
    """A gateway that passes HTTP on to `origin` and WebSockets to `ws_origin`."""
    registry, clock = CollectorRegistry(), ManualClock()
    account = Account(
        name="runware", provider="runware", api_key=SecretStr("unused"), base_url=origin, ws_url=ws_origin
    )
    sink = sink or ListSink()
    runner = build_gateway(
        lambda: {"runware": account},
        providers,
        sink,
        SelfMetrics(registry),
        clock,
        GatewayConfig(),
        Network({}),
        shutdown_timeout=0.2,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        gateway = Front(runner.addresses[0][1], {"runware": account}, sink, registry, clock)
        gateway.runner = runner
        yield gateway
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stage(sink: ListSink | None = None) -> AsyncIterator[tuple[FakeRunware, Front]]:
    """A Runware with a gateway in front of it."""
    async with fake_runware() as fake, front(fake.origin, fake.ws_origin, sink=sink) as gateway:
        yield fake, gateway
