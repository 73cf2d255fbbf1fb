"""Durable counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from monitor.state.snapshot import Series
from monitor.state.tally import Increment, Tally
from monitor.store.dialect import upsert
from monitor.store.schema import tallies

LABELS = msgspec.json.Decoder(tuple[str, ...])


def add(connection: Connection, increments: Iterable[Increment]) -> None:
    """Add each increment to its series."""
    sums: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    for increment in increments:
        sums[increment.account, increment.tally, increment.labels] += increment.amount  # type: ignore[assignment]
    rows = [
        {"account": account, "tally": str(tally), "labels": msgspec.json.encode(labels).decode(), "value": amount}
        for (account, tally, labels), amount in sorted(sums.items())
    ]
    upsert(connection, tallies, rows, add="value")


def load(connection: Connection, account: str) -> list[Series]:
    """Every series of an account."""
    statement = select(tallies.c.tally, tallies.c.labels, tallies.c.value).where(tallies.c.account == account)
    rows = connection.execute(statement)
    return [Series(Tally(tally), LABELS.decode(labels), value) for tally, labels, value in rows]
