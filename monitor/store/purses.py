"""The history of each account's balance."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, select

from monitor.state.credits.purse import Purse
from monitor.store.dialect import upsert
from monitor.store.schema import purses

PURSE = msgspec.json.Decoder(Purse)


def load(connection: Connection, account: str) -> Purse | None:
    """What is known of an account's credits; None before its balance was ever read."""
    document = connection.scalar(select(purses.c.document).where(purses.c.account == account))
    return None if document is None else PURSE.decode(document)


def save(connection: Connection, changed: Mapping[str, Purse]) -> None:
    """Insert or overwrite, by account."""
    rows = [{"account": name, "document": msgspec.json.encode(purse).decode()} for name, purse in changed.items()]
    upsert(connection, purses, rows)
