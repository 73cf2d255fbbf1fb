"""The error tree, by who can act.

MonitorError
├── ConfigError      the user's configuration; carries every fault with its place
├── StoreError       the database cannot be opened, read or written
├── ListenError      an address cannot be bound
└── DaemonError      a running daemon cannot be asked
"""

from __future__ import annotations

from collections.abc import Sequence


class MonitorError(Exception):
    """Base of what is shown to the user as one line and no traceback."""


class ConfigError(MonitorError):
    """The configuration cannot be used. `faults` are whole lines: place, what is wrong, what to do."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class StoreError(MonitorError):
    """The database cannot be opened, read or written."""


class ListenError(MonitorError):
    """A listener's address cannot be bound."""


class DaemonError(MonitorError):
    """A running daemon cannot be asked: it is not there, not ready, or not one."""
