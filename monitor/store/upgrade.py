"""Runs the migrations with Alembic."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from monitor.errors import StoreError


def upgrade(connection: Connection, place: str) -> None:
    """Upgrade to the newest revision within the connection's transaction.

    Raises:
        StoreError: a newer version of the program wrote the database.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "monitor.store:migrations")
    revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - revisions
    if newer:
        version = ", ".join(sorted(newer))
        raise StoreError(f"store {place}: a newer version wrote it (revision {version}): upgrade genmedia-monitor")
    command.upgrade(config, "head")
