"""A fresh database of each kind for a test, observations to fill it, and its figures."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from monitor.engine.apply import Catalogue
from monitor.observations import Kind, Outcome, RequestSeen, TaskSeen, TaskStatus
from monitor.store import Database
from monitor.tasks import counter_rows

T0 = 1_750_000_000.0
CATALOGUE = Catalogue(frozenset({"gen4.5", "gen4_turbo"}), maximum=100)

Figures = dict[tuple[str, ...], float]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'monitor.db'}"
        return
    server = request.getfixturevalue("postgres_url")
    with postgresql_database(server) as url:
        yield url


class postgresql_database:  # noqa: N801 - used as a function is
    """A database on the server at this URL, gone afterwards."""

    def __init__(self, server: str) -> None:
        self._server = server.replace("postgresql://", "postgresql+psycopg://")
        self._name = f"test_{uuid4().hex}"

    def __enter__(self) -> str:
        administer(self._server, f"CREATE DATABASE {self._name}")
        return self._server.replace("/postgres?", f"/{self._name}?").replace("+psycopg", "")

    def __exit__(self, *_: object) -> None:
        administer(self._server, f"DROP DATABASE {self._name} WITH (FORCE)")


def administer(server: str, *statements: str) -> None:
    """Run statements outside of any transaction."""
    url = server.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open, empty database."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


def catalogue_of(account: str) -> Catalogue | None:
    """What is configured in these tests: the accounts `a` and `b`."""
    return CATALOGUE if account in {"a", "b"} else None


def create(**more: object) -> RequestSeen:
    """A create that the vendor has accepted."""
    values = {"account": "a", "at": T0, "endpoint": "/v1/text_to_video", "kind": Kind.CREATE, "model": "gen4.5"}
    return RequestSeen(**{**values, "outcome": Outcome.SUCCESS, "code": "200", "duration_seconds": 0.2, **more})  # type: ignore[arg-type]


def accepted(task: str = "t", **more: object) -> TaskSeen:
    """The acceptance of a task."""
    values = {"account": "a", "at": T0, "status": TaskStatus.PENDING, "endpoint": "/v1/text_to_video"}
    return TaskSeen(**{**values, "task": task, "accepted": True, "model": "gen4.5", **more})  # type: ignore[arg-type]


def sighting(status: TaskStatus, after: float, task: str = "t", **more: object) -> TaskSeen:
    """A poll that finds the task in a status, `after` seconds."""
    return TaskSeen(**{"account": "a", "at": T0 + after, "task": task, "status": status, **more})  # type: ignore[arg-type]


def figures(database: Database, account: str = "a") -> Figures:
    """Every count of an account: its name and its labels, and the value."""
    with database.begin() as connection:
        return {(s.counter.value, *s.labels): s.value for s in counter_rows.load(connection, account)}
