"""The tables of forecasts and of watched spans."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, select

from monitor.judgement.daily_limit.ledger import Span
from monitor.judgement.daily_limit.record import ForecastRecord
from monitor.store.dialect import upsert
from monitor.store.schema import forecasts, watches
from monitor.store.unreadable import keyed, readable

Key = tuple[str, str, str]
"""Account, model and limit."""
RECORD = msgspec.json.Decoder(ForecastRecord)
SPANS = msgspec.json.Decoder(tuple[Span, ...])


def load(connection: Connection, account: str, limit: str) -> dict[str, ForecastRecord]:
    """The records of one limit of an account, by model."""
    of_limit = (forecasts.c.account == account) & (forecasts.c.limit == limit)
    rows = connection.execute(select(forecasts.c.model, forecasts.c.document).where(of_limit))
    return dict(readable(connection, forecasts.name, rows, keyed(RECORD.decode)))


def save(connection: Connection, records: Mapping[Key, ForecastRecord]) -> None:
    """Insert or overwrite."""
    rows = [
        {"account": account, "model": model, "limit": limit, "document": _text(record)}
        for (account, model, limit), record in sorted(records.items())
    ]
    upsert(connection, forecasts, rows)


def load_watched(connection: Connection, account: str) -> tuple[Span, ...]:
    """When the account was watched, oldest first."""
    rows = connection.execute(select(watches.c.document).where(watches.c.account == account))
    return next(readable(connection, watches.name, rows, SPANS.decode), ())


def save_watched(connection: Connection, watched: Mapping[str, tuple[Span, ...]]) -> None:
    """Insert or overwrite, by account."""
    upsert(connection, watches, [{"account": name, "document": _text(spans)} for name, spans in watched.items()])


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
