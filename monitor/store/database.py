"""Opens the database and hands out transactions; every failure of it becomes a `StoreError` of one line."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from monitor.errors import StoreError
from monitor.store.migrate import migrate

BUSY_SECONDS = 2.0
POSTGRESQL_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "application_name": "genmedia-monitor",
    "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
}
HINTS = {
    "readonly": "make the file and its folder writable",
    "locked": "another program holds it locked",
    "not a database": "restore the file from a backup, or move it away to start anew",
    "malformed": "restore the file from a backup, or move it away to start anew",
    "unable to open": "check that the file and its folder may be read and written",
    "is full": "free some space on the disk",
    "password authentication failed": "check the password in the store URL",
}


SQLITE_MODES = ({"begin": "BEGIN"}, {"begin": "BEGIN IMMEDIATE"}, {"begin": ""})
POSTGRESQL_MODES = (
    {"isolation_level": "REPEATABLE READ"},
    {"isolation_level": "READ COMMITTED"},
    {"isolation_level": "AUTOCOMMIT"},
)
"""How to read, how to write, and how to write with one statement."""


class Database:
    """An open database at the newest revision.

    `begin()` and `at_once()` may be called from any thread.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self._engine = _sqlite_engine(url) if self._path else _postgresql_engine(url)
        # Derived once: it costs as much as a transaction.
        modes = SQLITE_MODES if self._path else POSTGRESQL_MODES
        self._to_read, self._to_write, self._at_once = (self._engine.execution_options(**mode) for mode in modes)
        self._inode = 0

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database at a SQLAlchemy URL and bring its tables to the newest revision.

        Raises:
            StoreError: it cannot be reached, read or written, or a newer version of the program wrote it.
        """
        database = cls(_parse(url))
        try:
            database.reopen()
        except BaseException:
            database.close()
            raise
        return database

    def reopen(self) -> None:
        """Connect anew, whatever became of the file or the server meanwhile; a file that is gone is created again."""
        self._engine.dispose()
        if self._path and not self._is_uri and not self._path.parent.is_dir():
            raise StoreError(f"store {self.place}: the folder does not exist: create it")
        self._inode = 0
        with self.begin(write=True) as connection:
            migrate(connection, self.place)
        self._inode = self._current_inode()

    def begin(self, *, write: bool = False) -> AbstractContextManager[Connection]:
        """One transaction: a consistent picture to read from, or, with `write`, the turn to write.

        Raises:
            StoreError: the database failed. Errors of the caller's own values pass through as they are.
        """
        return self._connected(self._to_write if write else self._to_read, write=write)

    def at_once(self) -> AbstractContextManager[Connection]:
        """A connection for one statement that writes: it is a transaction by itself, and costs less.

        Raises:
            StoreError: as `begin`.
        """
        return self._connected(self._at_once, write=True)

    @contextmanager
    def _connected(self, engine: Engine, *, write: bool) -> Iterator[Connection]:
        if write and self._inode and self._inode != self._current_inode():
            raise StoreError(f"store {self.place}: the file was removed or replaced while in use")
        try:
            with engine.begin() as connection:
                yield connection
        except (DataError, IntegrityError):
            raise
        except (DBAPIError, PoolTimeoutError) as error:
            raise StoreError(self._explain(error)) from error

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    @property
    def place(self) -> str:
        """Where the database is, for messages; without a password."""
        url = self._url.set(drivername=self._url.get_backend_name(), query={})
        return str(self._path or url.render_as_string(hide_password=True))

    @property
    def _is_uri(self) -> bool:
        return str(self._path).startswith("file:")

    def _current_inode(self) -> int:
        """The file's identity; 0 for a server, and for a file that is gone."""
        if not self._path or self._is_uri:
            return 0
        try:
            return self._path.stat().st_ino
        except OSError:
            return 0

    def _explain(self, error: DBAPIError | PoolTimeoutError) -> str:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        if self._url.password:
            cause = cause.replace(str(self._url.password), "***")
        hint = next((f": {hint}" for sign, hint in HINTS.items() if sign in cause), "")
        return f"store {self.place}: {cause}{hint}"


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError("store: not a database URL: write sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    if url.drivername == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise StoreError("store: the database must be a file: write sqlite:///FILE")
        return url
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        if "@" in f"{url.host}{url.database}":
            raise StoreError("store: a password in the URL must be percent-encoded: write %40 for @ and %2F for /")
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(f"store: unknown database {url.drivername!r}: use sqlite or postgresql")


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args=_defaults(url, {"timeout": BUSY_SECONDS}))
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_engine(url: URL) -> Engine:
    arguments = _defaults(url, POSTGRESQL_DEFAULTS)
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, paramstyle="format", connect_args=arguments)


def _defaults(url: URL, values: dict[str, Any]) -> dict[str, Any]:
    """The values that the URL's query does not set itself."""
    return {name: value for name, value in values.items() if name not in url.query}


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver's guess
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    (patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    _use_wal(connection, time.monotonic() + patience_ms / 1000)


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to the write-ahead log; SQLite does not wait by itself when another process does so at this moment."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    if begin := connection.get_execution_options().get("begin", "BEGIN"):
        connection.exec_driver_sql(begin)
