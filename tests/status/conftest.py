from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from web.listeners import Daemon as Listener

from monitor.cli.client import DaemonClient
from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition
from monitor.runtime.clock import ManualClock
from monitor.views.figures import Figures, figures

SNAPSHOT = Path(__file__).parents[1] / "metrics" / "snapshot.json"


@pytest.fixture
def snapshot() -> Snapshot:
    """An account with everything in it, hostile names too, and one whose reads never worked."""
    return msgspec.json.decode(SNAPSHOT.read_bytes(), type=Snapshot)


@pytest.fixture
def listener(snapshot: Snapshot) -> Listener:
    """A daemon that has evaluated, three seconds ago."""
    return Listener(Exposition(CollectorRegistry()), ManualClock(snapshot.at + 3), snapshot)


@pytest.fixture
async def url(listener: Listener) -> AsyncIterator[str]:
    """Where it listens."""
    async with TestServer(listener.listener()) as server:
        yield str(server.make_url("/"))


@pytest.fixture
def ask(listener: Listener) -> Callable[..., Awaitable[Figures]]:
    """The figures of a snapshot, by way of the API."""

    async def ask(snapshot: Snapshot, *names: str, every_model: bool = False) -> Figures:
        listener.snapshot = snapshot
        async with TestServer(listener.listener()) as server, DaemonClient(str(server.make_url("/"))) as daemon:
            return figures(await daemon.ask(), names, every_model=every_model)

    return ask
