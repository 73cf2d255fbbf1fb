"""What SQLite and PostgreSQL do differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Connection, Dialect, Table, bindparam, func, select

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, add: str = "") -> None:
    """Insert rows, or overwrite those with the same primary key. The column `add` is added to instead.

    Values go to the driver as they are.
    """
    if rows:
        values = itemgetter(*table.columns.keys())
        connection.exec_driver_sql(_upsert(connection.dialect, table, add), [values(row) for row in rows])


def insert_together(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the same columns by one statement. Rows that violate a unique index are left out."""
    if rows:
        names = tuple(column.name for column in table.columns if column.name in rows[0])
        statement = _insert_together(connection.dialect, table, names, len(rows))
        connection.exec_driver_sql(statement, tuple(row[name] for row in rows for name in names))


def insert_missing(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless its primary key exists. Returns whether it was inserted."""
    statement = _insert_missing(connection.dialect.name, table)
    return connection.execute(statement, row, execution_options={"preserve_rowcount": True}).rowcount == 1


def lock_accounts(connection: Connection, accounts: Iterable[str]) -> None:
    """Lock these accounts against other writers until the transaction ends, including rows that do not exist yet.

    SQLite has a single writer anyway. The order prevents deadlocks.
    """
    if connection.dialect.name == "postgresql":
        for account in sorted(accounts):
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(account, 0))))


@cache
def _upsert(dialect: Dialect, table: Table, add: str) -> str:
    """The compiled statement. Building it costs as much as running it."""
    insert = _insert(dialect.name, table)

    def after(column: Column[Any]) -> ColumnElement[Any]:
        new: ColumnElement[Any] = insert.excluded[column.name]
        return column + new if column.name == add else new

    changes = {column.name: after(column) for column in table.columns if not column.primary_key}
    statement = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)
    return str(statement.compile(dialect=dialect))


@cache
def _insert_together(dialect: Dialect, table: Table, names: tuple[str, ...], rows: int) -> str:
    values: list[dict[str, Any]] = [{name: bindparam(f"{name}_{row}") for name in names} for row in range(rows)]
    statement = _insert(dialect.name, table).values(values).on_conflict_do_nothing().inline()
    return str(statement.compile(dialect=dialect))


@cache
def _insert_missing(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    # Each is 2 MiB of which a daemon needs one.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)
