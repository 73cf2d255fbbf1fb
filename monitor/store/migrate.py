"""Brings the tables to the newest revision."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from monitor.errors import StoreError

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
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "monitor.store:migrations")
    revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - revisions
    if newer:
        version = ", ".join(sorted(newer))
        raise StoreError(f"store {place}: a newer version wrote it (revision {version}): upgrade genmedia-monitor")
    command.upgrade(config, "head")
    connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
