"""The table of account reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from monitor.judgement.account_reads.reads import Read
from monitor.observations import Figures
from monitor.store.dialect import upsert
from monitor.store.schema import reads
from monitor.store.unreadable import readable

FIGURES = msgspec.json.Decoder(Figures)
COLUMNS = [str(column.name) for column in reads.columns]


def load(connection: Connection, account: str) -> dict[str, Read]:
    """The state of each read of an account, by its name."""
    rows = connection.execute(select(reads).where(reads.c.account == account))
    return {read.read: read for read in readable(connection, reads.name, rows, _decode)}


def save(connection: Connection, changed: Iterable[Read]) -> None:
    """Insert or overwrite."""
    upsert(connection, reads, [_encode(read) for read in changed])


def _encode(read: Read) -> dict[str, Any]:
    figures = None if read.figures is None else msgspec.json.encode(read.figures).decode()
    return {**msgspec.to_builtins(read), "figures": figures}


def _decode(*values: Any) -> Read:
    plain = dict(zip(COLUMNS, values, strict=True))
    if plain["figures"] is not None:
        plain["figures"] = FIGURES.decode(plain["figures"])
    return msgspec.convert(plain, Read)
