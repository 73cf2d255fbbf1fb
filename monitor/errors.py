"""The error tree, by who can act.

MonitorError
├── ConfigError      the user's configuration; carries every fault with its place
├── StoreError       the database cannot be opened, read or written
│   └── StoreInUseError  another daemon uses the SQLite file
├── ListenError      an address cannot be bound
├── DaemonError      a running daemon cannot be asked
└── PlanError        a batch cannot be planned from what is given or known (`monitor.planning.request`)

What stays inside one part, such as `monitor.config.keys.NoKeyError`, is defined there and no part of this tree.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path


class MonitorError(Exception):
    """Base of what is shown to the user as one line and no traceback."""


class ConfigError(MonitorError):
    """The configuration cannot be used. `faults` are whole lines: place, what is wrong, what to do.

    What does not print, such as a line break in a key of the file, stands there escaped.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple("".join(map(_printable, fault)) for fault in faults)
        super().__init__("\n".join(self.faults))


class StoreError(MonitorError):
    """The database cannot be opened, read or written."""


class StoreInUseError(StoreError):
    """Another daemon uses the SQLite file."""


class ListenError(MonitorError):
    """A listener's address cannot be bound."""


class DaemonError(MonitorError):
    """A running daemon cannot be asked: it is not there, not ready, or not one."""


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def places(error: BaseException | None) -> list[str]:
    """Where an error came from, as `file.py:line`, outermost first: a traceback that quotes no data."""
    frames = traceback.extract_tb(error.__traceback__) if error else ()
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]


def unexpected(error: Exception) -> str:
    """An error that nobody foresaw, as the end of a line: its kind and place. Its own text might quote a secret."""
    found = places(error)
    place = f" at {found[-1]}" if found else ""
    return f"cannot be used: {type(error).__name__}{place}; please report this line as a bug of genmedia-monitor"
