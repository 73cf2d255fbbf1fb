"""The database: tables, migrations, and plain functions that take a connection."""

from monitor.store.database import Database, Operation
from monitor.store.files import default_file, state_folder

__all__ = ["Database", "Operation", "default_file", "state_folder"]
