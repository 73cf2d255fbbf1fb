"""Opens the database and hands out transactions. Every failure of it becomes a `StoreError` of one line."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.errors import StoreError
from monitor.store.files import Files, Identity
from monitor.store.migrate import migrate
from monitor.store.unreadable import INFO_KEY, Unreadable

Operation = Literal["commit", "evaluate", "expire", "prune", "forecast", "peaks", "capacity", "webhook", "deliver"]
"""What is done with the database."""

BUSY_SECONDS = 2.0
POSTGRESQL_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "application_name": "genmedia-monitor",
    "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
}
SQLITE_OPTIONS = frozenset(
    {"timeout", "isolation_level", "detect_types", "check_same_thread", "cached_statements", "uri"}
)
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
"""Modes to read, to write, and to write by a single statement."""


class Database:
    """A database at a SQLAlchemy URL. `reopen` opens it at the newest revision.

    `begin()` and `autocommit()` may be called from any thread. An `exclusive` SQLite file is kept from other daemons.

    Raises:
        StoreError: the URL cannot be used. Neither the disk nor the network is asked.
    """

    def __init__(self, text: str, *, exclusive: bool = False) -> None:
        self._url = url = _parse(text)
        is_file = url.get_backend_name() == "sqlite"
        self._files = Files(_path_of(url)) if is_file else None
        self._engine = _sqlite_engine(url) if is_file else _postgresql_engine(url)
        # Derived once: it costs as much as a transaction.
        modes = SQLITE_MODES if is_file else POSTGRESQL_MODES
        self._to_read, self._to_write, self._at_once = (self._engine.execution_options(**mode) for mode in modes)
        self._exclusive = exclusive
        self._identity: Identity = ()
        # Keeps the write-ahead log open, so that what is in it can be saved when its file is gone.
        self._keeper: PoolProxiedConnection | None = None
        self.is_open = False
        self.unreadable = Unreadable()
        event.listen(self._engine, "connect", self._share_unreadable)

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database at a SQLAlchemy URL and bring its tables to the newest revision.

        Raises:
            StoreError: it cannot be reached, read or written, or a newer version of the program wrote it.
        """
        database = cls(url)
        try:
            database.reopen()
        except BaseException:
            database.close()
            raise
        return database

    def claim(self) -> None:
        """Keep other daemons from the file, if there is one yet.

        Raises:
            StoreInUseError: another daemon has it.
            StoreError: the file cannot be opened.
        """
        if self._files and self._exclusive:
            with self._file_errors():
                self._files.claim()

    def reopen(self) -> None:
        """Connect again, whatever happened to the file or the server. A file that is gone is created.

        Raises:
            StoreInUseError: another daemon has the file.
            StoreError: the database cannot be reached, read or written, or a newer version of the program wrote it.
        """
        self._save_log()
        self._disconnect()
        self._identity = ()
        if self._files:
            self._prepare(self._files)
        is_open, self.is_open = self.is_open, True
        try:
            with self.begin(write=True) as connection:
                migrate(connection, self.place)
            if self._files:
                self._keep(self._files)
        except BaseException:
            self.is_open = is_open
            raise

    def _prepare(self, files: Files) -> None:
        if self._url.query.get("mode") == "ro":
            return
        with self._file_errors():
            files.prepare()
        self.claim()

    def _keep(self, files: Files) -> None:
        with self._explained():
            self._keeper = self._engine.raw_connection()
            self._keeper.cursor().execute("SELECT count(*) FROM sqlite_master").fetchall()
        self._identity = files.identity()

    def _save_log(self) -> None:
        """Save a write-ahead log that was removed or replaced into the database file."""
        if not self._keeper or not self.has_moved or self._is_replaced:
            return
        with self._explained():
            busy, *_ = self._keeper.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(
                f"store {self.place}: the write-ahead log was removed, and readers keep it from being saved"
            )

    def _disconnect(self) -> None:
        if self._keeper:
            self._keeper.close()
            self._keeper = None
        self._engine.dispose()

    @property
    def has_moved(self) -> bool:
        """Whether a file of the database was removed or replaced since it was opened."""
        return bool(self._files and self._identity and self._identity != self._files.identity())

    @property
    def _is_replaced(self) -> bool:
        """Whether the database file itself was removed or replaced, so that nothing can be saved."""
        return bool(self._files and self._identity[:1] != self._files.identity()[:1])

    def begin(self, *, write: bool = False) -> AbstractContextManager[Connection]:
        """One transaction: a consistent view to read from or, with `write`, the turn to write.

        Raises:
            StoreError: the database failed. Errors in the caller's own values pass through.
        """
        return self._connected(self._to_write if write else self._to_read, write=write)

    def autocommit(self) -> AbstractContextManager[Connection]:
        """A connection for a single statement that writes. The statement is a transaction of its own and costs less.

        Raises:
            StoreError: as `begin`.
        """
        return self._connected(self._at_once, write=True)

    def _share_unreadable(self, _: object, record: ConnectionPoolEntry) -> None:
        record.info[INFO_KEY] = self.unreadable

    @contextmanager
    def _connected(self, engine: Engine, *, write: bool) -> Iterator[Connection]:
        if not self.is_open:
            raise StoreError(f"store {self.place}: not open yet")
        if write and self.has_moved:
            raise StoreError(
                f"store {self.place}: the file, or the log beside it, was removed or replaced while in use"
            )
        with self._explained(), engine.begin() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the database and the file system into a `StoreError`."""
        try:
            yield
        except (DataError, IntegrityError):
            raise
        except (DBAPIError, PoolTimeoutError, sqlite3.Error) as error:
            raise StoreError(self._explain(error)) from error

    @contextmanager
    def _file_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"store {self.place}: {error.strerror}: {HINTS['unable to open']}") from error

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._disconnect()
        self.is_open = False
        if self._files:
            self._files.release()

    @property
    def place(self) -> str:
        """Where the database is, for messages. Without a password."""
        url = self._url.set(drivername=self._url.get_backend_name(), query={})
        return str(self._files.path) if self._files else url.render_as_string(hide_password=True)

    def _explain(self, error: Exception) -> str:
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
        if not url.database or ":memory:" in url.database or url.query.get("mode") == "memory":
            raise StoreError("store: the database must be a file: write sqlite:///FILE")
        return url
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        if "@" in f"{url.host}{url.database}":
            raise StoreError("store: a password in the URL must be percent-encoded: write %40 for @ and %2F for /")
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(f"store: unknown database {url.drivername!r}: use sqlite or postgresql")


def _path_of(url: URL) -> Path:
    """The file of a SQLite URL, which may hold one of SQLite's own URLs."""
    name = url.database or ""
    return Path(unquote(urlsplit(name).path) if name.startswith("file:") else name)


def _sqlite_engine(url: URL) -> Engine:
    # SQLite's own URLs have options of SQLite's, which it looks at itself.
    if (unknown := url.query.keys() - SQLITE_OPTIONS) and not (url.database or "").startswith("file:"):
        raise StoreError(f"store: sqlite knows no option {', '.join(sorted(unknown))}: leave it out")
    try:
        engine = create_engine(url, hide_parameters=True, connect_args=_defaults(url, {"timeout": BUSY_SECONDS}))
        engine.dialect.create_connect_args(url)
    except (TypeError, ValueError):
        raise StoreError("store: an option of the database URL has a value that cannot be used") from None
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_engine(url: URL) -> Engine:
    arguments = _defaults(url, POSTGRESQL_DEFAULTS)
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, paramstyle="format", connect_args=arguments)


def _defaults(url: URL, values: dict[str, Any]) -> dict[str, Any]:
    """The values that the URL's query does not set."""
    return {name: value for name, value in values.items() if name not in url.query}


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver's guess
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    (patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    _use_wal(connection, time.monotonic() + patience_ms / 1000)


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to the write-ahead log. SQLite does not wait by itself while another process does the same."""
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
