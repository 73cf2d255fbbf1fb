from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from web.listeners import Daemon as Listener

from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition
from monitor.runtime.clock import ManualClock

SNAPSHOT = Path(__file__).parents[1] / "metrics" / "snapshot.json"


@pytest.fixture
def snapshot() -> Snapshot:
    """An account with everything in it, and one whose reads never worked."""
    return msgspec.json.decode(SNAPSHOT.read_bytes(), type=Snapshot)


@pytest.fixture
def listener(snapshot: Snapshot) -> Listener:
    """A daemon that has evaluated, three seconds ago."""
    return Listener(Exposition(CollectorRegistry()), ManualClock(snapshot.at + 3), snapshot)
