"""The table of capacities, and the ended tasks that a judgement needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, select

from monitor.judgement.capacity.pace import Ended
from monitor.judgement.capacity.record import CapacityRecord
from monitor.observations import Reason, TaskStatus
from monitor.store.dialect import upsert
from monitor.store.schema import capacities, tasks
from monitor.store.unreadable import keyed, number, readable

RECORD = msgspec.json.Decoder(CapacityRecord)
NO_ROOM = frozenset({Reason.RATE_LIMIT, Reason.CAPACITY, Reason.TIMEOUT})
"""Reasons of tasks that were accepted and then found no room."""


def load(connection: Connection, account: str) -> dict[str, CapacityRecord]:
    """The records of an account by model."""
    rows = connection.execute(select(capacities.c.model, capacities.c.document).where(capacities.c.account == account))
    return dict(readable(connection, capacities.name, rows, keyed(RECORD.decode)))


def save(connection: Connection, account: str, records: Mapping[str, CapacityRecord]) -> None:
    """Insert or overwrite, by model."""
    rows = [
        {"account": account, "model": model, "document": msgspec.json.encode(record).decode()}
        for model, record in sorted(records.items())
    ]
    upsert(connection, capacities, rows)


def ended(connection: Connection, account: str, after: float, until: float) -> dict[str, list[Ended]]:
    """Tasks of known start that ended in (after, until], successfully or for want of room, by model."""
    is_well = tasks.c.status == TaskStatus.SUCCEEDED.value
    is_load = (tasks.c.status == TaskStatus.FAILED.value) & tasks.c.reason.in_([reason.value for reason in NO_ROOM])
    when = (tasks.c.account == account) & (tasks.c.finished_at > after) & (tasks.c.finished_at <= until)
    statement = select(tasks.c.model, tasks.c.created_at, tasks.c.finished_at, is_well)
    found: defaultdict[str, list[Ended]] = defaultdict(list)
    rows = connection.execute(statement.where(when, tasks.c.accepted, is_well | is_load).order_by(tasks.c.finished_at))
    for model, run in readable(connection, tasks.name, rows, keyed(_ended)):
        found[model].append(run)
    return found


def _ended(started: float, end: float, well: object) -> Ended:
    return Ended(number(started), number(end), bool(well))
