"""Apply a batch of observations in one transaction: load the rows they touch, apply in order, save what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from monitor.engine import journal, processed_ids
from monitor.engine.journal import Sourced
from monitor.judgement.account_reads import rows as read_rows
from monitor.judgement.account_reads.reads import Read, conclude
from monitor.judgement.credits import rows as credit_rows
from monitor.judgement.credits.history import BalanceHistory, PurchaseRules, advance
from monitor.observations import AnyObservation, Loss, ReadFinished, RequestSeen
from monitor.store.dialect import lock_accounts
from monitor.tasks import counter_rows, model_rows, task_rows
from monitor.tasks.counters import Increment
from monitor.tasks.counting import TASK_OBSERVATIONS, apply, count, count_requests, transition
from monitor.tasks.lifecycle import (
    LOST_AFTER_SECONDS,
    UNCOLLECTED_AFTER_SECONDS,
    Task,
    TaskObservation,
    expire,
    write_off,
)
from monitor.tasks.models import Models, admit

Key = tuple[str, str]

log = structlog.get_logger()


class Catalogue(NamedTuple):
    """What is known of an account beforehand.

    `models` are the provider's ids, of which `maximum` may come into use; `rules` tell purchases from refunds.
    """

    models: frozenset[str]
    maximum: int
    rules: PurchaseRules = PurchaseRules()


CatalogueOf = Callable[[str], Catalogue | None]


@dataclass(frozen=True)
class Applied:
    """What became of a batch: applied by source, dropped by reason, and beyond a bound by account.

    `noted` are the batches of other writers that are marked as applied, by writer.
    """

    sources: Counter[str] = field(default_factory=Counter)
    dropped: Counter[Loss] = field(default_factory=Counter)
    capped: Counter[str] = field(default_factory=Counter)
    noted: dict[str, str] = field(default_factory=dict)


def append_journal(
    connection: Connection, batch: Sequence[Sourced], catalogue_of: CatalogueOf, now: float, name: str
) -> Applied:
    """Append the batch `name` to the journal by one statement, unless it is there already.

    Observations of unknown accounts are dropped.

    Raises:
        UnicodeEncodeError, OverflowError: an observation holds a value that cannot be written.
    """
    known = {account for account in {observation.account for observation, _ in batch} if catalogue_of(account)}
    journal.append(connection, name, [sourced for sourced in batch if sourced[0].account in known], now)
    return _strangers_dropped(batch, known)


def apply_batch(
    connection: Connection, batch: Sequence[Sourced], catalogue_of: CatalogueOf, now: float, name: str = ""
) -> Applied:
    """Apply the journal and then the batch `name`, in order. `batch` holds observations with their sources.

    An observation with an id is applied once. Batches that other writers appended are marked as applied.

    `catalogue_of` gives None for an account that is not configured, whose observations are dropped. An observation that
    cannot be applied is dropped alone.
    """
    accounts = {observation.account for observation, _ in batch} | journal.accounts(connection)
    known = {account: catalogue for account in accounts if (catalogue := catalogue_of(account))}
    lock_accounts(connection, known)
    news = [sourced for sourced in batch if sourced[0].account in known]
    applied = _strangers_dropped(batch, known)
    entries = journal.take(connection, known)
    applied.noted.update(processed_ids.note_batches(connection, [entry.batch for entry in entries], name, now))
    _apply(connection, _read(entries, applied) + news, known, now, applied)
    return applied


def _strangers_dropped(batch: Sequence[Sourced], known: Collection[str]) -> Applied:
    applied = Applied()
    if strangers := sum(observation.account not in known for observation, _ in batch):
        applied.dropped["unknown_account"] = strangers
    return applied


def _read(entries: Iterable[journal.Entry], applied: Applied) -> list[Sourced]:
    found: list[Sourced] = []
    for entry in entries:
        try:
            found += journal.read(entry.document)
        except msgspec.DecodeError as error:
            _reject("journal row", error, applied)
    return found


def _apply(
    connection: Connection, batch: Sequence[Sourced], catalogues: dict[str, Catalogue], now: float, applied: Applied
) -> None:
    """Apply the batch as a whole, or else in halves, until an observation that cannot be applied is alone; drop it."""
    if not batch:
        return
    try:
        with connection.begin_nested():
            work = _Work(connection, [observation for observation, _ in batch], catalogues)
            sources = Counter(source for observation, source in batch if work.apply(observation))
            work.save(now)
    except Exception as error:
        if isinstance(error, DBAPIError) and not isinstance(error, (DataError, IntegrityError)):
            raise
        if len(batch) > 1:
            middle = len(batch) // 2
            _apply(connection, batch[:middle], catalogues, now, applied)
            _apply(connection, batch[middle:], catalogues, now, applied)
        else:
            _reject(type(batch[0][0]).__name__, error, applied)
    else:
        applied.sources.update(sources)
        applied.capped.update({account: names.capped for account, names in work.models.items() if names.capped})
        applied.capped.update(work.capped)


def _reject(what: str, error: Exception, applied: Applied) -> None:
    """Drop and log, without the text of the error, which may quote a value."""
    log.error("observation.rejected", observation=what, error=type(error).__name__)
    applied.dropped["invalid"] += 1


def expire_overdue(connection: Connection, now: float, limit: int) -> int:
    """Give up tasks that have been open for over a day, at most `limit`. Return how many."""
    before = now - LOST_AFTER_SECONDS
    accounts = task_rows.overdue_accounts(connection, before)
    lock_accounts(connection, accounts)
    overdue = task_rows.overdue(connection, accounts, before, limit)
    _change(connection, overdue, [expire(task, now) for task in overdue])
    return len(overdue)


def write_off_uncollected(connection: Connection, now: float, limit: int) -> int:
    """Write off successes whose result nobody fetched for a day, at most `limit`. Return how many."""
    before = now - UNCOLLECTED_AFTER_SECONDS
    accounts = task_rows.uncollected_accounts(connection, before)
    lock_accounts(connection, accounts)
    uncollected = task_rows.uncollected(connection, accounts, before, limit)
    _change(connection, uncollected, [write_off(task, now) for task in uncollected])
    return len(uncollected)


def _change(connection: Connection, before: Sequence[Task], after: Sequence[Task]) -> None:
    task_rows.save(connection, after)
    steps = zip(before, after, strict=True)
    counter_rows.add(connection, [increment for old, new in steps for increment in transition(old, new)])


class _Work:
    """The rows that one batch touches, while it is applied."""

    def __init__(
        self, connection: Connection, observations: Sequence[AnyObservation], catalogues: dict[str, Catalogue]
    ) -> None:
        self._connection = connection
        self._catalogues = catalogues
        ids = {(observation.account, observation.id) for observation in observations if observation.id}
        keys = {(one.account, one.task) for one in observations if isinstance(one, TASK_OBSERVATIONS)}
        reading = {observation.account for observation in observations if isinstance(observation, ReadFinished)}
        self.models = {
            a: Models(model_rows.load(connection, a), one.models, one.maximum) for a, one in catalogues.items()
        }
        self._seen = processed_ids.known(connection, ids)
        self._tasks = task_rows.load(connection, keys)
        self._reads = {(a, name): read for a in reading for name, read in read_rows.load(connection, a).items()}
        self._histories = {a: credit_rows.load(connection, a) for a in reading}
        self._new_ids: set[Key] = set()
        self._changed_tasks: set[Key] = set()
        self._changed_reads: dict[Key, Read] = {}
        self._changed_histories: dict[str, BalanceHistory] = {}
        self._requests: list[RequestSeen] = []
        self._increments: list[Increment] = []
        self.capped: Counter[str] = Counter()

    def apply(self, observation: AnyObservation) -> bool:
        """Apply one observation. False if it was applied before."""
        if observation.id and not self._is_new((observation.account, observation.id)):
            return False
        observation = admit(observation, self.models[observation.account])
        if isinstance(observation, RequestSeen):
            self._requests.append(observation)
        elif isinstance(observation, TASK_OBSERVATIONS):
            self._advance(observation)
        else:
            self._increments.append(count(observation))
            if isinstance(observation, ReadFinished):
                self._conclude(observation)
        return True

    def _advance(self, observation: TaskObservation) -> None:
        key = (observation.account, observation.task)
        before = self._tasks.get(key)
        after, increments = apply(before, observation)
        self._increments += increments
        if after is not None and after is not before:
            self._tasks[key] = after
            self._changed_tasks.add(key)

    def _conclude(self, read: ReadFinished) -> None:
        name = (read.account, read.read)
        self._reads[name] = self._changed_reads[name] = conclude(self._reads.get(name), read)
        self._count_credits(read)

    def _count_credits(self, read: ReadFinished) -> None:
        before = self._histories[read.account]
        after, increments = advance(before, read, self._catalogues[read.account].rules)
        self._increments += increments
        if after is not None and after is not before:
            self._histories[read.account] = self._changed_histories[read.account] = after

    def save(self, now: float) -> None:
        """Write what changed. Keys are sorted so that rows lie in the order of their index."""
        task_rows.save(self._connection, [self._tasks[key] for key in sorted(self._changed_tasks)])
        self.capped = counter_rows.add(self._connection, chain(self._increments, count_requests(self._requests)))
        read_rows.save(self._connection, self._changed_reads.values())
        credit_rows.save(self._connection, self._changed_histories)
        processed_ids.remember(self._connection, sorted(self._new_ids), now)
        for account, names in self.models.items():
            model_rows.save(self._connection, account, names.changed)

    def _is_new(self, key: Key) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        self._new_ids.add(key)
        return True
