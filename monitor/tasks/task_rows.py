"""Tasks: rows by id, and what evaluation and follow-up ask of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, and_, bindparam, case, delete, func, not_, or_, select, tuple_

from monitor.observations import TaskStatus
from monitor.store.dialect import upsert
from monitor.store.schema import IS_OPEN, IS_UNCOLLECTED, tallies, tasks
from monitor.store.unreadable import keyed, number, readable
from monitor.tasks.lifecycle import Task

RECENT_SECONDS = 3600.0
RECENT_TASKS = 50
RUNS = (TaskStatus.SUCCEEDED.value, TaskStatus.FAILED.value)

BY_KEYS = select(tasks).where(
    tasks.c.account.in_(bindparam("accounts", expanding=True)), tasks.c.id.in_(bindparam("ids", expanding=True))
)
COLUMNS = [str(column.name) for column in tasks.columns]

Key = tuple[str, str]


class OpenTasks(NamedTuple):
    """The open tasks of one model in one status; `oldest_throttled_at` is None unless the status is throttled.

    `unconfirmed` are those of which no poll says any more, or has said yet, that they are pending or running.
    """

    model: str
    status: TaskStatus
    total: int
    orphaned: int
    unconfirmed: int
    oldest_throttled_at: float | None


class AcceptanceSum(NamedTuple):
    """How many generations were accepted since some moment, and the sum of the seconds from then to each."""

    total: int
    seconds: float


class Runs(NamedTuple):
    """Runs that ended since some moment, and the seconds from then to the newest end.

    `unread` are the tasks that were submitted since then and that no poll has shown yet.
    """

    total: int
    seconds: float
    unread: int


def load(connection: Connection, keys: Collection[Key]) -> dict[Key, Task]:
    """The tasks that exist among `keys`, pairs of account and id."""
    if not keys:
        return {}
    accounts, ids = {account for account, _ in keys}, {task for _, task in keys}
    rows = connection.execute(BY_KEYS, {"accounts": list(accounts), "ids": list(ids)})
    return {(task.account, task.id): task for task in readable(connection, tasks.name, rows, _task)}


def save(connection: Connection, changed: Iterable[Task]) -> None:
    """Insert or overwrite."""
    upsert(connection, tasks, [msgspec.to_builtins(task) for task in changed])


def open_tasks(connection: Connection, account: str, silent_since: float, confirmed_since: float) -> list[OpenTasks]:
    """Open tasks by model and status; what was only asked for is none yet.

    Orphaned are those whose client was last seen before `silent_since`, unless they have a webhook. Confirmed are those
    that the newest poll has shown, at `confirmed_since` or later.
    """
    is_orphaned = and_(tasks.c.client_seen_at < silent_since, not_(tasks.c.has_webhook))
    orphaned = func.sum(case((is_orphaned, 1), else_=0))
    is_confirmed = and_(tasks.c.confirmed, tasks.c.missing_since.is_(None), tasks.c.seen_at >= confirmed_since)
    is_waiting = tasks.c.status == TaskStatus.THROTTLED.value
    unconfirmed = func.sum(case((or_(is_confirmed, is_waiting), 0), else_=1))
    throttled_at = func.min(case((is_waiting, tasks.c.throttled_at)))
    statement = (
        select(tasks.c.model, tasks.c.status, func.count(), orphaned, unconfirmed, throttled_at)
        .where(tasks.c.account == account, IS_OPEN, tasks.c.status != TaskStatus.ASKED.value)
        .group_by(tasks.c.model, tasks.c.status)
        .order_by(tasks.c.model, tasks.c.status)
    )
    rows = readable(connection, tasks.name, connection.execute(statement), keyed(_open_tasks))
    return [OpenTasks(model, *columns) for model, columns in rows]


def _open_tasks(
    status: str, total: int, orphaned: int, unconfirmed: int, throttled_at: float | None
) -> tuple[TaskStatus, int, int, int, float | None]:
    return TaskStatus(status), total, orphaned, unconfirmed, None if throttled_at is None else number(throttled_at)


def accepted_between(connection: Connection, account: str, start: float, end: float) -> dict[str, AcceptanceSum]:
    """Generations accepted in (start, end], by model."""
    when = and_(tasks.c.accepted, tasks.c.created_at > start, tasks.c.created_at <= end)
    seconds = func.sum(tasks.c.created_at - start)
    statement = select(tasks.c.model, func.count(), seconds).where(tasks.c.account == account, when)
    rows = connection.execute(statement.group_by(tasks.c.model))
    return dict(readable(connection, tasks.name, rows, keyed(AcceptanceSum)))


def acceptances(connection: Connection, account: str, since: float) -> dict[str, list[float]]:
    """When generations were accepted after `since`, by model."""
    when = and_(tasks.c.account == account, tasks.c.accepted, tasks.c.created_at > since)
    found: defaultdict[str, list[float]] = defaultdict(list)
    rows = connection.execute(select(tasks.c.model, tasks.c.created_at).where(when))
    for model, at in readable(connection, tasks.name, rows, keyed(number)):
        found[model].append(at)
    return found


def runs_while_throttled(connection: Connection, account: str) -> dict[str, Runs]:
    """Per model with throttled tasks, the runs that have ended since the oldest of those was submitted."""
    waiting, later = tasks.alias(), tasks.alias()
    oldest = (
        select(waiting.c.model, func.min(waiting.c.throttled_at).label("since"))
        .where(waiting.c.account == account, waiting.c.finished_at.is_(None))
        .where(waiting.c.status == TaskStatus.THROTTLED.value)
        .group_by(waiting.c.model)
        .subquery()
    )
    is_unread = and_(later.c.status == TaskStatus.PENDING.value, not_(later.c.confirmed))
    unread = (
        select(func.count())
        .where(later.c.account == account, later.c.model == oldest.c.model, later.c.finished_at.is_(None))
        .where(is_unread, later.c.created_at >= oldest.c.since)
        .scalar_subquery()
    )
    ended = and_(tasks.c.account == account, tasks.c.model == oldest.c.model, tasks.c.finished_at >= oldest.c.since)
    statement = (
        select(oldest.c.model, func.count(tasks.c.id), func.max(tasks.c.finished_at) - oldest.c.since, unread)
        .select_from(oldest.outerjoin(tasks, and_(ended, tasks.c.status.in_(RUNS))))
        .group_by(oldest.c.model, oldest.c.since)
    )
    rows = connection.execute(statement)
    return {model: Runs(total, seconds or 0.0, unread) for model, total, seconds, unread in rows}


def mean_run_seconds(connection: Connection, account: str, now: float) -> dict[str, float]:
    """Mean duration of the newest runs by model: those that ended in the last hour, 50 of each model at most."""
    newest = func.row_number().over(partition_by=tasks.c.model, order_by=tasks.c.finished_at.desc())
    runs = (
        select(tasks.c.model, (tasks.c.finished_at - tasks.c.running_at).label("seconds"), newest.label("rank"))
        .where(tasks.c.account == account, tasks.c.finished_at > now - RECENT_SECONDS)
        .where(tasks.c.running_at.is_not(None), tasks.c.status.in_(RUNS))
        .subquery()
    )
    statement = select(runs.c.model, func.avg(runs.c.seconds)).where(runs.c.rank <= RECENT_TASKS)
    return _by_model(connection, statement.group_by(runs.c.model))


def due(connection: Connection, account: str, silent_since: float, unseen_since: float, limit: int) -> list[Task]:
    """Open tasks whose client was last seen before `silent_since`, and anybody before `unseen_since`.

    The one seen longest ago comes first. A read that failed is no sighting: the caller spaces its own attempts.
    """
    statement = (
        select(tasks)
        .where(tasks.c.account == account, IS_OPEN)
        .where(tasks.c.client_seen_at < silent_since, tasks.c.seen_at < unseen_since)
        .order_by(tasks.c.seen_at)
        .limit(limit)
    )
    return list(_fetch(connection, statement))


def overdue_accounts(connection: Connection, created_before: float) -> list[str]:
    """Accounts with open tasks that were created before this time."""
    statement = select(tasks.c.account).where(IS_OPEN, tasks.c.created_at < created_before).distinct()
    return list(connection.scalars(statement))


def overdue(connection: Connection, accounts: Collection[str], created_before: float, limit: int) -> list[Task]:
    """Open tasks of these accounts that were created before this time."""
    statement = select(tasks).where(tasks.c.account.in_(accounts), IS_OPEN, tasks.c.created_at < created_before)
    return list(_fetch(connection, statement.limit(limit)))


def uncollected_accounts(connection: Connection, finished_before: float) -> list[str]:
    """Accounts with successes that ended before this time, whose result the application never asked for."""
    statement = select(tasks.c.account).where(IS_UNCOLLECTED, tasks.c.finished_at < finished_before).distinct()
    return list(connection.scalars(statement))


def uncollected(connection: Connection, accounts: Collection[str], finished_before: float, limit: int) -> list[Task]:
    """Such successes of these accounts, as far as they are not written off."""
    statement = select(tasks).where(IS_UNCOLLECTED, tasks.c.finished_at < finished_before)
    return list(_fetch(connection, statement.where(tasks.c.account.in_(accounts)).limit(limit)))


def prune(connection: Connection, finished_before: float, limit: int) -> int:
    """Forget tasks that ended before this time; the number of rows deleted, `limit` at most."""
    key = tuple_(tasks.c.account, tasks.c.id)
    accounts = select(tallies.c.account).distinct()  # few; and every end of a task has a count, so none is missed
    ended = and_(tasks.c.account.in_(accounts), tasks.c.finished_at < finished_before)
    old = select(tasks.c.account, tasks.c.id).where(ended).limit(limit)
    return connection.execute(delete(tasks).where(key.in_(old))).rowcount


def _fetch(connection: Connection, statement: Select[Any]) -> Iterator[Task]:
    return readable(connection, tasks.name, connection.execute(statement), _task)


def _task(*row: object) -> Task:
    return msgspec.convert(dict(zip(COLUMNS, row, strict=True)), Task)


def _by_model(connection: Connection, statement: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(statement)}
