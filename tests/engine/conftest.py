import pytest
from engine_bench import Bench
from stores import database, database_url  # noqa: F401

from monitor.store import Database


@pytest.fixture
def bench(database: Database) -> Bench:  # noqa: F811
    """An engine on an empty database of each kind."""
    return Bench(database)
