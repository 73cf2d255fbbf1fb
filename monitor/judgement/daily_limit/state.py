"""An account's daily limits: ledgers in memory, and a forecast once a minute.

Each update reads from the store only what is new. Once a minute, count and sum of the ledgers are compared with the
store's. They differ if a fact came later than `LATE`, if an acceptance moved, or if the clock was set back. Then the
account's ledgers are read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from sqlalchemy import Connection

from monitor.judgement.daily_limit import rows
from monitor.judgement.daily_limit.forecast import ModelUse, estimate, is_evident
from monitor.judgement.daily_limit.ledger import DAY, HOUR, REACH, Ledger, Span, attend, coverage, seconds_watched
from monitor.judgement.daily_limit.outlook import DailyOutlook, Expiry
from monitor.judgement.daily_limit.quality import LEAST_LEAD, Quality
from monitor.judgement.daily_limit.reconcile import SKEW, Reconciled, is_comparable, reconcile
from monitor.judgement.daily_limit.record import ForecastRecord, after, quality_of
from monitor.judgement.daily_limit.warning import advance, seconds_left
from monitor.judgement.limits import LimitKind, LimitOutlook, limit_outlook
from monitor.observations import Organization
from monitor.tasks import task_rows

EVERY = 60.0
GAP = 2.5 * EVERY
LATE = EVERY
SETTLING = 10.0
"""After so many seconds, what has passed through the gateway is in the ledgers."""
ROUNDING = 0.1
"""By how much two sums of the same times may differ, in seconds."""
EXPIRIES = 96
FREEING = {"1h": HOUR, "4h": 4 * HOUR, "12h": 12 * HOUR}


class Told(NamedTuple):
    """The provider's counts of generations in 24 hours, by model, and when it reported them."""

    at: float
    counts: dict[str, int]


class AccountForecasts:
    """One account's ledgers, records and watched spans.

    `coverage` is the share of the last 24 hours that was watched. `quality` says how good the forecasts of the last
    four weeks were. `watched` is when its traffic was watched lately. `reconciled` compares the provider's counts with
    ours.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._name = name
        self._ledgers: dict[str, Ledger] = {}
        self._records = rows.load(connection, name, LimitKind.DAILY_GENERATIONS)
        self.watched: tuple[Span, ...] = rows.load_watched(connection, name)
        self.reconciled: tuple[Reconciled, ...] = ()
        self._told: Told | None = None
        self._newest: Told | None = None
        self._again: dict[str, float] = {}  # when a limit that was hit a while ago will be hit again
        self.coverage = 0.0
        self.quality = Quality()
        self._read_at: float | None = None
        self._looked_at: float | None = None
        self._knew_limits = False
        # The models whose record is not stored yet; the empty name stands for the watched spans.
        self._changed: set[str] = set()

    def update(self, connection: Connection, limits: Organization | None, told_at: float | None, now: float) -> None:
        """Read what is new; forecast anew if a minute has passed, or limits have become known.

        `told_at` is when the provider gave them.

        Raises:
            StoreError: the ledger cannot be read.
        """
        self._read(connection, now)
        self._newest = None if limits is None else Told(now if told_at is None else told_at, limits.daily_generations)
        if self._looked_at is not None and abs(now - self._looked_at) < EVERY and (self._knew_limits or not limits):
            return
        self._check(connection, now)
        self.watched = attend(self.watched, now, GAP)
        self._changed.add("")
        self.coverage = coverage(self.watched, now)
        self._looked_at, self._knew_limits = now, limits is not None
        if limits is not None:
            self._forecast(limits, now)
        self.reconciled = tuple(self._reconcile(self._newest, now))
        self._told = self._newest or self._told
        self.quality = quality_of(self._records.values(), now)

    def used(self, now: float) -> dict[str, int]:
        """Generations accepted in the 24 hours up to `now`, by model."""
        return {model: used for model, ledger in self._ledgers.items() if (used := ledger.used(now))}

    def ready(self, now: float) -> bool:
        """Whether enough was watched to predict a hit, or none."""
        return is_evident(self.watched, now)

    def daily(self, limits: Organization | None, now: float) -> Iterator[DailyOutlook]:
        """The models with generations in 24 hours, by our count or the provider's, in order."""
        theirs = limits.daily_generations if limits is not None else {}
        for model in sorted(self._ledgers.keys() | theirs.keys()):
            ledger = self._ledgers.get(model, Ledger())
            if ledger.used(now) or theirs.get(model):
                yield self._outlook(model, ledger, limits, now)

    def _outlook(self, model: str, ledger: Ledger, limits: Organization | None, now: float) -> DailyOutlook:
        limit = _limit(model, limits)
        finite = None if limit is None or limit == inf else int(limit)
        hit = self._seconds_left(model, now) if finite else None
        first, unseen = ledger.next_free(now), self._unseen(model, ledger)
        used = ModelUse(ledger, self.watched, limits.daily_generations.get(model) if limits else None).total(now)
        outlook = limit_outlook(limit, used, hit, watched=self.ready(now))
        room = ledger.below(finite, now) if finite and outlook is LimitOutlook.FULL and not unseen else None
        return DailyOutlook(
            model=model,
            limit=finite,
            outlook=outlook,
            exhaustion_seconds=hit if outlook is LimitOutlook.EXPECTED else None,
            free_seconds=None if room is None else room - now,
            next_free_seconds=None if first is None else first - now,
            freeing={within: ledger.freeing(now, seconds) for within, seconds in FREEING.items()},
            expiries=tuple(
                Expiry(count, first - now, last - now) for count, first, last in ledger.expiries(now, EXPIRIES)
            ),
            unseen=unseen,
        )

    def _unseen(self, model: str, ledger: Ledger) -> int:
        """How many more generations the provider counted than the ledger held then, not counting those under way."""
        if self._newest is None:
            return 0
        at, counts = self._newest
        return max(0, counts.get(model, 0) - ledger.between(at - DAY - SETTLING, at + SETTLING))

    @property
    def is_changed(self) -> bool:
        """Whether a record or the watched spans are not stored yet."""
        return bool(self._changed)

    def saved(self) -> None:
        """Note that what `save` wrote is committed."""
        self._changed.clear()

    def save(self, connection: Connection) -> None:
        """Write what has changed."""
        records = {model: self._records[model] for model in self._changed if model in self._records}
        keyed = {(self._name, model, LimitKind.DAILY_GENERATIONS.value): record for model, record in records.items()}
        rows.save(connection, keyed)
        if "" in self._changed:
            rows.save_watched(connection, {self._name: self.watched})

    def _read(self, connection: Connection, now: float) -> None:
        """Read what came in the last minutes into the ledgers, the first time everything."""
        start = now - REACH
        self._replace(connection, start if self._read_at is None else min(self._read_at, now) - LATE)
        for ledger in self._ledgers.values():
            ledger.forget(start)
        self._read_at = now

    def _check(self, connection: Connection, now: float) -> None:
        """Read the ledgers again if count or times of their acceptances differ from the store's."""
        start = now - REACH
        counted = task_rows.accepted_between(connection, self._name, start, now)
        for model in self._ledgers.keys() | counted.keys():
            stored, ledger = counted.get(model, task_rows.AcceptanceSum(0, 0.0)), self._ledgers.get(model, Ledger())
            moved = abs(stored.seconds - ledger.seconds(start, now)) > ROUNDING
            if moved or stored.total != ledger.between(start, now):
                self._replace(connection, start)
                return

    def _replace(self, connection: Connection, since: float) -> None:
        accepted = task_rows.acceptances(connection, self._name, since)
        for model in self._ledgers.keys() | accepted.keys():
            self._ledgers.setdefault(model, Ledger()).replace(since, accepted.get(model, ()))

    def _forecast(self, limits: Organization, now: float) -> None:
        watched = seconds_watched(self.watched, now - LEAST_LEAD, now)
        for model in self._records.keys() | self._ledgers.keys():
            limit = limits.limits[model].daily_generations if model in limits.limits else None
            if not limit:
                continue
            before = self._records.get(model, ForecastRecord())
            use = ModelUse(self._ledgers.get(model, Ledger()), self.watched, limits.daily_generations.get(model))
            found = estimate(use, limit, now)
            step = advance(before.outlook, found, use.total(now), limit, now)
            self._again.pop(model, None)
            if not step.outlook.armed and found is not None and found.latest is not None:
                self._again[model] = now + found.expected
            record = after(before, step, watched, now)
            if record != before:
                self._records[model] = record
                self._changed.add(model)

    def _reconcile(self, told: Told | None, now: float) -> Iterator[Reconciled]:
        """Compare the provider's counts with what had passed through us when it reported them.

        Counts that were just reported wait for the next update.
        """
        if told is not None and now - told.at < SETTLING:
            told = self._told
        if told is None or now - told.at > REACH - DAY - SKEW or not is_comparable(self.watched, told.at):
            return
        unassigned = sum(ledger.used(told.at) for model, ledger in self._ledgers.items() if model not in told.counts)
        for model, count in sorted(told.counts.items()):
            ledger = self._ledgers.get(model, Ledger())
            if count or ledger.used(told.at):
                yield reconcile(model, count, ledger, self.watched, told.at, unassigned)

    def _seconds_left(self, model: str, now: float) -> float | None:
        """Seconds until the limit is hit: as announced, or soon after a hit by the newest estimate."""
        again = self._again.get(model, now) - now
        announced = seconds_left(self._records[model].outlook, now) if model in self._records else None
        return announced or (again if again > 0 else None)


def _limit(model: str, limits: Organization | None) -> float | None:
    """The daily limit of a model, infinite if it is unlimited, None while it is unknown."""
    if limits is None or not limits.knows(model, LimitKind.DAILY_GENERATIONS):
        return None
    limit = limits.limits[model].daily_generations
    return inf if limit is None else limit
