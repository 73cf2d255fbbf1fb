"""Rows that this version of the program cannot read, because a newer version or a person wrote them.

They are skipped, so that one row stops nothing else. Each is logged and counted once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
import structlog
from sqlalchemy import Connection, Row

MOST_TOLD_APART = 10_000
INFO_KEY = "unreadable"
FAULTS = (msgspec.MsgspecError, ValueError, TypeError)

log = structlog.get_logger()
T = TypeVar("T")


class Unreadable:
    """The distinct rows that could not be read since the start, at most 10,000."""

    def __init__(self) -> None:
        self._rows: set[tuple[str, int]] = set()

    def note(self, table: str, row: Row[Any]) -> None:
        """Log a row the first time, without its values, which may be long or private."""
        key = table, hash(tuple(map(repr, row)))
        if key not in self._rows and len(self._rows) < MOST_TOLD_APART:
            self._rows.add(key)
            log.warning("store.row_skipped", table=table, reason="this version of genmedia-monitor cannot read the row")

    def counts(self) -> Counter[str]:
        """How many rows, by table."""
        return Counter(table for table, _ in self._rows)


def readable(connection: Connection, table: str, rows: Iterable[Any], read: Callable[..., T]) -> Iterator[T]:
    """Apply `read` to the columns of each row, and skip the rows that it cannot read.

    `read` raises ValueError, TypeError or an error of msgspec for such a row.
    """
    for row in rows:
        try:
            value = read(*row)
        except FAULTS:
            connection.info.setdefault(INFO_KEY, Unreadable()).note(table, row)
        else:
            yield value


def keyed(decode: Callable[..., T]) -> Callable[..., tuple[str, T]]:
    """A reader of rows: the first column is a text, such as a model, and `decode` reads the rest."""

    def read(key: object, *values: object) -> tuple[str, T]:
        if not isinstance(key, str):
            raise TypeError
        return key, decode(*values)

    return read


def number(value: object) -> float:
    """A stored number.

    Raises:
        TypeError: it is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return value
