"""The journal: observations that are on the disk but not applied yet.

A group of observations is one row for each account. The transaction that applies rows deletes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, select

from monitor.observations import AnyObservation
from monitor.store.dialect import insert_together
from monitor.store.schema import journal

Sourced = tuple[AnyObservation, str]
"""An observation and its source."""

ENCODER = msgspec.msgpack.Encoder()
DECODER = msgspec.msgpack.Decoder(list[Sourced])
ACCOUNTS = select(journal.c.account).distinct()
TAKE = (
    delete(journal)
    .where(journal.c.account.in_(bindparam("accounts", expanding=True)))
    .returning(journal.c.id, journal.c.batch, journal.c.document)
)


class Entry(NamedTuple):
    """The observations of one account in one batch. `read` decodes the document."""

    id: int
    batch: str
    document: bytes


def append(connection: Connection, name: str, batch: Sequence[Sourced], now: float) -> None:
    """Append a batch by one statement, unless it is there already.

    Raises:
        UnicodeEncodeError, OverflowError: an observation holds what cannot be written.
    """
    parts: defaultdict[str, list[Sourced]] = defaultdict(list)
    for sourced in batch:
        parts[sourced[0].account].append(sourced)
    rows = [
        {"batch": name, "account": account, "at": now, "document": ENCODER.encode(part)}
        for account, part in parts.items()
    ]
    insert_together(connection, journal, rows)


def accounts(connection: Connection) -> set[str]:
    """The accounts that have entries."""
    return set(connection.scalars(ACCOUNTS))


def take(connection: Connection, of: Collection[str]) -> list[Entry]:
    """Remove and return all entries of these accounts, in order."""
    return sorted(Entry(*row) for row in connection.execute(TAKE, {"accounts": list(of)})) if of else []


def read(document: bytes) -> list[Sourced]:
    """The observations of an entry.

    Raises:
        msgspec.DecodeError: another version of the program wrote it, in a form that this one does not know.
    """
    return DECODER.decode(document)


def prune(connection: Connection, of: Collection[str], before: float) -> int:
    """Forget entries of these accounts from before this time. Return how many observations they held."""
    old = delete(journal).where(journal.c.account.in_(of), journal.c.at < before).returning(journal.c.document)
    return sum(map(_size, connection.scalars(old))) if of else 0


def _size(document: bytes) -> int:
    """How many observations an entry holds; 1 if it cannot be read."""
    try:
        return len(read(document))
    except msgspec.DecodeError:
        return 1
