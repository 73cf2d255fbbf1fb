from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition


@pytest.fixture
def snapshot() -> Snapshot:
    """An account with everything in it, hostile names too, and one whose reads never worked."""
    return msgspec.json.decode((Path(__file__).parent / "snapshot.json").read_bytes(), type=Snapshot)


@pytest.fixture
def exposition() -> Exposition:
    """An exposition without the daemon's own metrics."""
    return Exposition(CollectorRegistry())
