"""The table of balance histories."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, select

from monitor.judgement.credits.history import BalanceHistory
from monitor.store.dialect import upsert
from monitor.store.schema import purses
from monitor.store.unreadable import readable

PURSE = msgspec.json.Decoder(BalanceHistory)


def load(connection: Connection, account: str) -> BalanceHistory | None:
    """What is known of an account's credits. None before its balance was ever read."""
    rows = connection.execute(select(purses.c.document).where(purses.c.account == account))
    return next(readable(connection, purses.name, rows, PURSE.decode), None)


def save(connection: Connection, changed: Mapping[str, BalanceHistory]) -> None:
    """Insert or overwrite, by account."""
    rows = [{"account": name, "document": msgspec.json.encode(history).decode()} for name, history in changed.items()]
    upsert(connection, purses, rows)
