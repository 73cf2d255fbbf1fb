"""The database: tables, migrations, and plain functions that take a connection."""

from monitor.store.database import Database

__all__ = ["Database"]
