from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from listeners import Daemon
from prometheus_client import CollectorRegistry

from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition, SelfMetrics
from monitor.runtime.clock import ManualClock

SNAPSHOT = Path(__file__).parents[1] / "metrics" / "snapshot.json"


@pytest.fixture
def snapshot() -> Snapshot:
    """An account with everything in it, hostile names too, and one whose reads never worked."""
    return msgspec.json.decode(SNAPSHOT.read_bytes(), type=Snapshot)


@pytest.fixture
def daemon(snapshot: Snapshot) -> Daemon:
    """A daemon before its first evaluation, at the time of the snapshot."""
    registry = CollectorRegistry()
    SelfMetrics(registry)
    return Daemon(Exposition(registry), ManualClock(snapshot.at))


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[Daemon], Awaitable[TestClient]]]:
    """Start a daemon's listener on the loopback and give a client of it, which takes bodies as they come."""
    clients: list[TestClient] = []

    async def start(daemon: Daemon) -> TestClient:
        server = TestServer(daemon.listener())
        await server.start_server(auto_decompress=False)
        client = TestClient(server, auto_decompress=False)
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def client(daemon: Daemon, connect: Callable[[Daemon], Awaitable[TestClient]]) -> TestClient:
    """A client of the daemon's listener."""
    return await connect(daemon)
