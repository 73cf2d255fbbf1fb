"""Durable counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from functools import partial

import msgspec
from sqlalchemy import Connection, func, select

from monitor.store.dialect import upsert
from monitor.store.schema import tallies
from monitor.store.unreadable import number, readable
from monitor.tasks.counters import CounterSpec, Increment, Labels, Series
from monitor.tasks.series import MOST_REQUEST_SERIES, is_overflow, overflow

LABEL_VALUES = msgspec.json.Decoder(tuple[str, ...])


Key = tuple[str, str, Labels]


def add(connection: Connection, increments: Iterable[Increment]) -> Counter[str]:
    """Add each increment to its series; by account, how many requests found no room and went to `other`."""
    sums: Counter[Key] = Counter()
    for increment in increments:
        sums[increment.account, increment.counter, increment.labels] += increment.amount  # type: ignore[assignment]
    capped = _cap(connection, sums)
    rows = [
        {"account": account, "tally": str(counter), "labels": msgspec.json.encode(labels).decode(), "value": amount}
        for (account, counter, labels), amount in sorted(sums.items())
    ]
    upsert(connection, tallies, rows, add="value")
    return capped


def _cap(connection: Connection, sums: Counter[Key]) -> Counter[str]:
    """Move what begins a series beyond the most that an account may have."""
    begun: defaultdict[str, set[Labels]] = defaultdict(set)
    for account, counter, labels in sums:
        if counter == CounterSpec.REQUESTS and not is_overflow(labels):
            begun[account].add(labels)
    capped: Counter[str] = Counter()
    for account, asked in begun.items():
        for labels in _without_room(connection, account, asked):
            count = sums.pop((account, CounterSpec.REQUESTS, labels))
            sums[account, CounterSpec.REQUESTS, overflow(labels)] += count
            capped[account] += int(count)
    return capped


def _without_room(connection: Connection, account: str, asked: Set[Labels]) -> list[Labels]:
    requests = (tallies.c.account == account, tallies.c.tally == str(CounterSpec.REQUESTS))
    stored = connection.execute(select(func.count()).where(*requests)).scalar_one()
    if stored + len(asked) <= MOST_REQUEST_SERIES:
        return []
    rows = connection.execute(select(tallies.c.labels).where(*requests))
    there = set(readable(connection, tallies.name, rows, partial(_labels, CounterSpec.REQUESTS)))
    room = MOST_REQUEST_SERIES - sum(not is_overflow(labels) for labels in there)
    return sorted(asked - there)[max(0, room) :]


def load(connection: Connection, account: str) -> list[Series]:
    """Every series of an account."""
    columns = (tallies.c.tally, tallies.c.labels, tallies.c.value)
    rows = connection.execute(select(*columns).where(tallies.c.account == account))
    return list(readable(connection, tallies.name, rows, _series))


def _series(name: str, labels: str, value: float) -> Series:
    counter = CounterSpec(name)
    return Series(counter, _labels(counter, labels), number(value))


def _labels(counter: CounterSpec, text: str) -> Labels:
    values = LABEL_VALUES.decode(text)
    if len(values) != len(counter.labels):
        raise ValueError
    return values
