"""The database: tables, migrations, and plain functions that take a connection."""

from monitor.store.database import Database
from monitor.store.files import default_file, state_folder

__all__ = ["Database", "default_file", "state_folder"]
