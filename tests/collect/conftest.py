"""The real engine on SQLite and the simulated Runway, all on one clock that moves when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Account
from monitor.engine.apply import Catalogue
from monitor.engine.engine import Engine
from monitor.http.clients import Clients
from monitor.http.network import Network
from monitor.metrics import SelfMetrics
from monitor.polling.provider_client import Vendor
from monitor.providers import PROVIDERS
from monitor.runtime.clock import ManualClock
from monitor.simulator.runway.app import SERVER, build_app
from monitor.simulator.runway.server import DEFAULT_KEY, Server
from monitor.simulator.shared.server import serve
from monitor.store import Database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def own(registry: CollectorRegistry) -> SelfMetrics:
    return SelfMetrics(registry)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path / 'monitor.db'}")
    yield opened
    opened.close()


@pytest.fixture
async def engine(database: Database, own: SelfMetrics, clock: ManualClock) -> AsyncIterator[Engine]:
    engine = Engine(database, lambda _: Catalogue(PROVIDERS["runway"].models, 100), own, clock)
    running = asyncio.create_task(engine.run())
    yield engine
    await engine.stop()
    await running


@pytest.fixture
async def simulated(clock: ManualClock) -> AsyncIterator[tuple[Server, str]]:
    app = build_app(clock)
    async with serve(app) as base_url:
        yield app[SERVER], base_url


@pytest.fixture
def server(simulated: tuple[Server, str]) -> Server:
    return simulated[0]


@pytest.fixture
def account(simulated: tuple[Server, str]) -> Account:
    return Account(name="production", provider="runway", api_key=SecretStr(DEFAULT_KEY), base_url=simulated[1])


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    async with Clients() as clients:
        yield clients


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def vendor(clients: Clients, clock: ManualClock) -> Vendor:
    return Vendor(clients, Network({}), PROVIDERS, clock)
