"""Applies a batch of observations within one transaction: load what they touch, apply in order, save what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from monitor.model import AnyObservation, Loss, ReadFinished
from monitor.state.apply import TASK_OBSERVATIONS, apply, transition
from monitor.state.credits.purse import Purse, advance
from monitor.state.models import Catalogue, Models, admit
from monitor.state.read import Read, conclude
from monitor.state.tally import Increment
from monitor.state.task import LOST_AFTER_SECONDS, Task, expire
from monitor.store import models, purses, reads, seen, tallies, tasks
from monitor.store.dialect import lock_accounts

CatalogueOf = Callable[[str], Catalogue | None]
Key = tuple[str, str]


@dataclass(frozen=True)
class Applied:
    """What became of a batch: counts by source, by reason of a loss, and by account whose models found no room."""

    sources: Counter[str] = field(default_factory=Counter)
    dropped: Counter[Loss] = field(default_factory=Counter)
    capped: Counter[str] = field(default_factory=Counter)


def apply_batch(
    connection: Connection, batch: Sequence[tuple[AnyObservation, str]], catalogue_of: CatalogueOf, now: float
) -> Applied:
    """Apply observations, each with its source, in order, and those that carry an id once.

    `catalogue_of` gives None for an account that is not configured: its observations are dropped.
    """
    catalogues = {account: catalogue_of(account) for account in {observation.account for observation, _ in batch}}
    known = {account: catalogue for account, catalogue in catalogues.items() if catalogue}
    applied = Applied()
    news = [(observation, source) for observation, source in batch if observation.account in known]
    if len(news) < len(batch):
        applied.dropped["unknown_account"] += len(batch) - len(news)
    lock_accounts(connection, known)
    work = _Work(connection, [observation for observation, _ in news], known)
    for observation, source in news:
        if work.apply(observation):
            applied.sources[source] += 1
    work.save(now)
    applied.capped.update({account: names.capped for account, names in work.models.items() if names.capped})
    return applied


def expire_overdue(connection: Connection, now: float, limit: int) -> int:
    """Give up tasks that have been open for over a day; how many were, `limit` at most."""
    before = now - LOST_AFTER_SECONDS
    accounts = tasks.overdue_accounts(connection, before)
    lock_accounts(connection, accounts)
    overdue = tasks.overdue(connection, accounts, before, limit)
    lost = [expire(task, now) for task in overdue]
    tasks.save(connection, lost)
    steps = zip(overdue, lost, strict=True)
    tallies.add(connection, [increment for old, new in steps for increment in transition(old, new)])
    return len(overdue)


class _Work:
    """The rows that one batch touches, as they are while it is applied."""

    def __init__(
        self, connection: Connection, observations: Sequence[AnyObservation], catalogues: dict[str, Catalogue]
    ) -> None:
        self._connection = connection
        self._catalogues = catalogues
        ids = {(observation.account, observation.id) for observation in observations if observation.id}
        reading = {observation.account for observation in observations if isinstance(observation, ReadFinished)}
        self.models = {a: Models(models.load(connection, a), catalogue) for a, catalogue in catalogues.items()}
        self._seen = seen.known(connection, ids)
        self._tasks = tasks.load(connection, {key for o in observations if (key := _task_key(o))})
        self._reads = {(a, name): read for a in reading for name, read in reads.load(connection, a).items()}
        self._purses = {a: purses.load(connection, a) for a in reading}
        self._new_ids: set[Key] = set()
        self._changed_tasks: dict[Key, Task] = {}
        self._changed_reads: dict[Key, Read] = {}
        self._changed_purses: dict[str, Purse] = {}
        self._increments: list[Increment] = []

    def apply(self, observation: AnyObservation) -> bool:
        """Apply one observation; False if it was applied before."""
        if observation.id and not self._is_new((observation.account, observation.id)):
            return False
        observation = admit(observation, self.models[observation.account])
        key = _task_key(observation)
        task = self._tasks.get(key) if key else None
        after, increments = apply(task, observation)
        self._increments += increments
        if key and after and after is not task:
            self._tasks[key] = self._changed_tasks[key] = after
        if isinstance(observation, ReadFinished):
            name = (observation.account, observation.read)
            self._reads[name] = self._changed_reads[name] = conclude(self._reads.get(name), observation)
            self._count_credits(observation)
        return True

    def _count_credits(self, read: ReadFinished) -> None:
        before = self._purses[read.account]
        after, increments = advance(before, read, self._catalogues[read.account].rules)
        self._increments += increments
        if after is not None and after is not before:
            self._purses[read.account] = self._changed_purses[read.account] = after

    def save(self, now: float) -> None:
        """Write what changed. Keys are sorted so that rows lie in the order of their index."""
        tasks.save(self._connection, [task for _, task in sorted(self._changed_tasks.items())])
        tallies.add(self._connection, self._increments)
        reads.save(self._connection, self._changed_reads.values())
        purses.save(self._connection, self._changed_purses)
        seen.remember(self._connection, sorted(self._new_ids), now)
        for account, names in self.models.items():
            models.save(self._connection, account, names.changed)

    def _is_new(self, key: Key) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        self._new_ids.add(key)
        return True


def _task_key(observation: AnyObservation) -> Key | None:
    if isinstance(observation, TASK_OBSERVATIONS):
        return observation.account, observation.task
    return None
