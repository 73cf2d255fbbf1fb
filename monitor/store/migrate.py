"""Brings the tables to the newest revision."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

REVISION = "0001"
"""The newest revision: a database that has it needs no migration, and Alembic is not even loaded."""

MIGRATION_LOCK = 0x67656E6D65646961  # "genmedia" in ASCII


def migrate(connection: Connection, place: str) -> None:
    """Upgrade within the connection's transaction, and prove that the database can be written.

    Daemons that start together take turns: SQLite by its write transaction, PostgreSQL by an advisory lock.

    Raises:
        StoreError: a newer version of the program wrote the database.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    if not _is_newest(connection):
        from monitor.store.upgrade import upgrade

        upgrade(connection, place)
    connection.execute(text("UPDATE alembic_version SET version_num = version_num"))


def _is_newest(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    return list(connection.scalars(text("SELECT version_num FROM alembic_version"))) == [REVISION]
