"""The database: connections, transactions, tables and migrations. The queries of a topic stand in the topic's room."""

from monitor.store.database import Database, Operation
from monitor.store.files import default_file, state_folder

__all__ = ["Database", "Operation", "default_file", "state_folder"]
