"""One account's tier, its peaks, and the advice that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from monitor.judgement.daily_limit.ledger import DAY, REACH, Span, seconds_watched
from monitor.judgement.tiers import rows
from monitor.judgement.tiers.advice import Demand, advise
from monitor.judgement.tiers.outlook import Advice, TierState
from monitor.judgement.tiers.peaks import KEPT_DAYS, Peak, PeakDay, day_of, raised, started, window
from monitor.judgement.tiers.standing import TierTracker
from monitor.observations import Kind, Organization, Outcome, TaskStatus
from monitor.providers.tiers import TierTables
from monitor.tasks.counters import CounterSpec, Series
from monitor.tasks.open_tasks import ModelTasks

EVERY = 60.0
WINDOWS = {"7d": 7, "30d": 30}


class TierEvidence(NamedTuple):
    """What an evaluation knows of an account before its tier is judged.

    `spent_credits` are net credits of the last 30 UTC days, None where unknown.
    """

    organization: Organization | None
    spent_credits: float | None
    series: tuple[Series, ...]
    tasks: tuple[ModelTasks, ...]


class TierJudgement(NamedTuple):
    """The account's limits as its tier completes them, the tier and the advice. Some providers have no tiers."""

    organization: Organization | None
    tier: TierState | None = None
    advice: Advice | None = None


class AccountTiers:
    """One account's tier and peaks. A provider without `tables` has no tiers, and nothing is kept of its accounts."""

    def __init__(self, connection: Connection, name: str, tables: TierTables | None) -> None:
        self._name = name
        self._stored = rows.load(connection, name)
        self._days = dict(self._stored)
        self._refused: Mapping[str, float] | None = None
        self._advised_at: float | None = None
        self._basis: tuple[object, ...] = ()
        self._tables = tables
        self._tracker = None if tables is None else TierTracker(name, tables)
        self._advice: Advice | None = None
        self.is_changed = False

    def judge(self, seen: TierEvidence, configured: int | None, watched: tuple[Span, ...], now: float) -> TierJudgement:
        """The account's tier, its limits as the tier completes them, and the advice.

        `configured` is the tier that the user names. `watched` is when the account's traffic could be seen.
        """
        if self._tables is None or self._tracker is None:
            return TierJudgement(seen.organization)
        state = self._tracker.update(configured, seen.organization)
        limits = self._tracker.completed(seen.organization)
        self._raise(day_of(now), self._peaks(seen))
        return TierJudgement(
            limits, state, self._advise(self._tables, state, seen._replace(organization=limits), watched, now)
        )

    def _advise(
        self, tables: TierTables, state: TierState, seen: TierEvidence, watched: tuple[Span, ...], now: float
    ) -> Advice | None:
        """The advice. It is computed once a minute, and when the tier or what is known has changed."""
        basis = (state, seen.organization is None, seen.spent_credits is None)
        if basis == self._basis and self._advised_at is not None and abs(now - self._advised_at) < EVERY:
            return self._advice
        self._basis, self._advised_at = basis, now
        self._attend(watched, now)
        self._days = dict(sorted(self._days.items())[-KEPT_DAYS:])
        self.is_changed = self._days != self._stored
        windows = tuple(window(name, self._days, length, now) for name, length in WINDOWS.items())
        self._advice = advise(tables, state, seen.organization, Demand(windows, seen.spent_credits))
        return self._advice

    def save(self, connection: Connection) -> None:
        """Write the days that have changed."""
        days = {name: day for name, day in self._days.items() if day != self._stored.get(name)}
        rows.save(connection, self._name, days, self._stored.keys() - self._days.keys())

    def saved(self) -> None:
        """Note that what `save` wrote is committed."""
        self._stored, self.is_changed = dict(self._days), False

    def _raise(self, day: str, models: Mapping[str, Peak], watched_seconds: float = 0.0) -> None:
        self._days[day] = raised(self._days.get(day, PeakDay()), models, watched_seconds)

    def _attend(self, watched: tuple[Span, ...], now: float) -> None:
        """Note how much was watched of today, and of yesterday while its last minutes still arrive."""
        for at in (now - DAY, now):
            if now - (start := started(day_of(at))) <= REACH:
                self._raise(day_of(at), {}, seconds_watched(watched, start, start + DAY))

    def _peaks(self, seen: TierEvidence) -> dict[str, Peak]:
        """The present need: where creates were refused since the last update, one more than was admitted."""
        total = refusals(seen.series)
        before = total if self._refused is None else self._refused
        refused = {model for model, count in total.items() if count > before.get(model, 0.0)}
        self._refused = total
        used = generations(seen.organization, seen.tasks)
        wanted = {model: used.get(model, 0) + (model in refused) for model in used.keys() | refused}
        tasks = {one.model: one.admitted + one.open.get(TaskStatus.THROTTLED, 0) for one in seen.tasks}
        found = {model: Peak(wanted.get(model, 0), tasks.get(model, 0)) for model in wanted.keys() | tasks.keys()}
        return {model: peak for model, peak in found.items() if peak != Peak()}


def generations(organization: Organization | None, tasks: Iterable[ModelTasks]) -> dict[str, int]:
    """Generations of 24 hours by model: the provider's count or ours, whichever is larger."""
    theirs = organization.daily_generations if organization is not None else {}
    ours = {one.model: one.accepted_24h for one in tasks}
    return {model: max(theirs.get(model, 0), ours.get(model, 0)) for model in theirs.keys() | ours.keys()}


def refusals(series: Iterable[Series]) -> Counter[str]:
    """Creates that a limit has refused since counting began, by model. At Runway only the daily limit refuses."""
    found: Counter[str] = Counter()
    refused = (Kind.CREATE, Outcome.RATE_LIMITED)
    for one in series:
        if one.counter is CounterSpec.REQUESTS and (one["kind"], one["outcome"]) == refused:
            found[one["model"]] += int(one.value)
    return found
