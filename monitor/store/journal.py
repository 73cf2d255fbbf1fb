"""Observations that are on the disk but not applied yet.

To apply a few costs almost as much as to apply hundreds. So a group is first only written down, as one row for each
account, and whoever applies takes all that is there: the transaction that applies rows deletes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from monitor.model import AnyObservation
from monitor.store.schema import journal

Sourced = tuple[AnyObservation, str]
"""An observation and its source."""

ENCODER = msgspec.msgpack.Encoder()
DECODER = msgspec.msgpack.Decoder(list[Sourced])
APPEND = insert(journal)
ACCOUNTS = select(journal.c.account).distinct()
TAKE = (
    delete(journal)
    .where(journal.c.account.in_(bindparam("accounts", expanding=True)))
    .returning(journal.c.id, journal.c.document)
)


def append(connection: Connection, batch: Sequence[Sourced], now: float) -> None:
    """Write observations down.

    Raises:
        UnicodeEncodeError, OverflowError: one of them holds what cannot be written.
    """
    parts: defaultdict[str, list[Sourced]] = defaultdict(list)
    for sourced in batch:
        parts[sourced[0].account].append(sourced)
    rows = [{"account": name, "at": now, "document": ENCODER.encode(part)} for name, part in parts.items()]
    if rows:
        connection.execute(APPEND, rows)


def accounts(connection: Connection) -> set[str]:
    """The accounts of which anything is written down."""
    return set(connection.scalars(ACCOUNTS))


def take(connection: Connection, of: Collection[str]) -> list[bytes]:
    """Remove and give all that is written down of these accounts, in order; for `read`."""
    if not of:
        return []
    return [document for _, document in sorted(map(tuple, connection.execute(TAKE, {"accounts": list(of)})))]


def read(document: bytes) -> list[Sourced]:
    """What was written down.

    Raises:
        msgspec.DecodeError: another version of the program wrote it, in a form that this one does not know.
    """
    return DECODER.decode(document)


def prune(connection: Connection, before: float) -> None:
    """Forget what was written down before this time: its account is not configured any more."""
    connection.execute(delete(journal).where(journal.c.at < before))
