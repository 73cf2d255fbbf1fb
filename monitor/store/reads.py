"""How the account reads stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, select

from monitor.model import Figures
from monitor.state.read import Read
from monitor.store.dialect import upsert
from monitor.store.schema import reads

FIGURES = msgspec.json.Decoder(Figures)


def load(connection: Connection, account: str) -> dict[str, Read]:
    """The state of each read of an account, by its name."""
    rows = connection.execute(select(reads).where(reads.c.account == account)).mappings()
    return {row["read"]: _decode(row) for row in rows}


def save(connection: Connection, changed: Iterable[Read]) -> None:
    """Insert or overwrite."""
    upsert(connection, reads, [_encode(read) for read in changed])


def _encode(read: Read) -> dict[str, Any]:
    figures = None if read.figures is None else msgspec.json.encode(read.figures).decode()
    return {**msgspec.to_builtins(read), "figures": figures}


def _decode(row: RowMapping) -> Read:
    plain = {str(name): value for name, value in row.items()}
    if plain["figures"] is not None:
        plain["figures"] = FIGURES.decode(plain["figures"])
    return msgspec.convert(plain, Read)
