"""The table of peaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, delete, select

from monitor.judgement.tiers.peaks import PeakDay
from monitor.store.dialect import upsert
from monitor.store.schema import peaks
from monitor.store.unreadable import keyed, readable

DAY = msgspec.json.Decoder(PeakDay)


def load(connection: Connection, account: str) -> dict[str, PeakDay]:
    """The kept days of an account, oldest first."""
    days = select(peaks.c.day, peaks.c.document).where(peaks.c.account == account).order_by(peaks.c.day)
    rows = connection.execute(days)
    return dict(readable(connection, peaks.name, rows, keyed(DAY.decode)))


def save(connection: Connection, account: str, days: Mapping[str, PeakDay], gone: Iterable[str]) -> None:
    """Insert or overwrite these days, and delete those that are `gone`."""
    rows = [
        {"account": account, "day": name, "document": msgspec.json.encode(day).decode()} for name, day in days.items()
    ]
    upsert(connection, peaks, rows)
    connection.execute(delete(peaks).where(peaks.c.account == account, peaks.c.day.in_(list(gone))))
