"""Brings the tables to the newest revision."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from monitor.store.schema import metadata

REVISION = "0001"
"""The newest revision. A database that has it or is empty needs no migration, and Alembic (7 MiB) is not loaded."""

VERSION_TABLE = """\
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""
"""As Alembic 1 creates it."""

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
    names = inspect(connection).get_table_names()
    if not names:
        create(connection)
    elif "alembic_version" not in names or _revisions(connection) != [REVISION]:
        from monitor.store.upgrade import upgrade

        upgrade(connection, place)
    connection.execute(text("UPDATE alembic_version SET version_num = version_num"))


def create(connection: Connection) -> None:
    """Create the tables of the newest revision in an empty database."""
    metadata.create_all(connection)
    connection.execute(text(VERSION_TABLE))
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": REVISION})


def _revisions(connection: Connection) -> list[str]:
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))
