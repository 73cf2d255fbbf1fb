"""Figures that follow from a snapshot alone, so that the exposition and the pages cannot disagree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec

from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.limits import LimitKind
from monitor.judgement.outcomes import failed, judged
from monitor.judgement.snapshot import AccountSnapshot, SaturationThresholds
from monitor.observations import Kind, ModelLimits, Organization, Usage
from monitor.tasks.counters import CounterSpec
from monitor.tasks.open_tasks import ModelTasks

SPEND_DAYS = 30
SPEND_OF = ("today", "30d")


class LimitUse(msgspec.Struct, frozen=True):
    """One finite limit and how much of it is used, in the limit's own unit. `used` is None where unknown.

    `soft` and `hard` are the warning and critical thresholds, as shares of the limit.
    """

    model: str
    limit: LimitKind
    allowed: float
    used: float | None
    soft: float
    hard: float

    @property
    def saturation(self) -> float | None:
        """Used over allowed. 1 for a limit of zero, which leaves no room."""
        if self.used is None:
            return None
        return self.used / self.allowed if self.allowed else 1.0


def limit_uses(account: AccountSnapshot) -> list[LimitUse]:
    """Every known finite limit. Unlimited and unknown limits are left out."""
    organization = account.organization
    if organization is None:
        return []
    found = list(_model_uses(organization, {tasks.model: tasks for tasks in account.tasks}))
    if organization.monthly_spend_credits is not None:
        bought = account.credits.bought_credits if account.credits is not None else None
        found.append(("", LimitKind.MONTHLY_SPEND_CREDITS, organization.monthly_spend_credits, bought))
    levels = {limit: thresholds(account, limit) for limit in LimitKind}
    return [
        LimitUse(model, limit, allowed, used, levels[limit].soft, levels[limit].hard)
        for model, limit, allowed, used in found
    ]


class UnlimitedUse(msgspec.Struct, frozen=True):
    """Use of a limit that is not finite or not known, in the limit's own unit."""

    model: str
    limit: LimitKind
    used: float


def unlimited_uses(account: AccountSnapshot) -> Iterator[UnlimitedUse]:
    """The known use of each model's limits that are not finite."""
    organization = account.organization
    if organization is None:
        return
    tasks = {one.model: one for one in account.tasks}
    for model in sorted(organization.limits.keys() | organization.daily_generations.keys()):
        limits, ours = organization.limits.get(model, ModelLimits()), tasks.get(model)
        if limits.concurrency is None and ours is not None:
            yield UnlimitedUse(model, LimitKind.CONCURRENCY, ours.admitted)
        if limits.daily_generations is None and model in organization.daily_generations:
            yield UnlimitedUse(model, LimitKind.DAILY_GENERATIONS, organization.daily_generations[model])


def thresholds(account: AccountSnapshot, limit: LimitKind) -> SaturationThresholds:
    """The thresholds of a limit. The ledger has those of the daily limit, which it measures."""
    name = LimitKind.DAILY_GENERATIONS if limit is LimitKind.DAILY_GENERATIONS_LEDGER else limit
    return account.thresholds.get(name, SaturationThresholds())


def _model_uses(
    organization: Organization, tasks: dict[str, ModelTasks]
) -> Iterator[tuple[str, LimitKind, float, float | None]]:
    for model, limits in organization.limits.items():
        ours = tasks.get(model)
        if limits.concurrency is not None:
            yield model, LimitKind.CONCURRENCY, limits.concurrency, ours.admitted if ours is not None else 0
        if limits.daily_generations is None:
            continue
        theirs = organization.daily_generations.get(model)
        yield model, LimitKind.DAILY_GENERATIONS, limits.daily_generations, theirs
        if ours is not None:
            yield model, LimitKind.DAILY_GENERATIONS_LEDGER, limits.daily_generations, ours.accepted_24h


def unread(reads: Iterable[ReadState]) -> bool:
    """Whether unknown figures are merely unread: a read has not ended yet, and none has failed."""
    known = list(reads)
    return any(read.outcome is None for read in known) and not any(read.failed for read in known)


class Spend(msgspec.Struct, frozen=True):
    """Net credits on the current UTC day, and on the last 30 UTC days with it. None is unknown."""

    today: float | None
    month: float | None

    def windows(self) -> Iterator[tuple[str, float]]:
        """The known figures by window."""
        told = zip(SPEND_OF, (self.today, self.month), strict=True)
        return ((window, value) for window, value in told if value is not None)


@dataclass(frozen=True, slots=True)
class Spending:
    """Spending by model. `other` is what an unlisted model has spent: nothing, or None if unknown."""

    models: dict[str, Spend]
    other: Spend

    def of(self, model: str) -> Spend:
        """What one model has cost."""
        return self.models.get(model, self.other)

    @property
    def total(self) -> Spend:
        """What all models have cost."""
        spends = [self.other, *self.models.values()]
        return Spend(_sum(one.today for one in spends), _sum(one.month for one in spends))


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum, None if one value is unknown."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def spending(account: AccountSnapshot, at: float) -> Spending | None:
    """What an account has spent as of `at`, Unix seconds. None while its usage is unknown.

    Sums that the provider made itself are taken as they are. Usage that was read before the last midnight (UTC) says
    nothing of today.
    """
    if account.usage is None:
        return None
    today = datetime.fromtimestamp(at, UTC).date()
    is_of_today = account.usage_at is None or datetime.fromtimestamp(account.usage_at, UTC).date() >= today
    sums = _totals(account.usage) if account.usage.totals else _days(account.usage, today)
    if not is_of_today:
        sums.pop("today", None)
    models = {model for told in sums.values() for model in told}
    return Spending(
        {model: Spend(*(_told(sums, window, model) for window in SPEND_OF)) for model in sorted(models)},
        Spend(*(0.0 if window in sums else None for window in SPEND_OF)),
    )


def _told(sums: Mapping[str, Mapping[str, float]], window: str, model: str) -> float | None:
    return sums[window].get(model, 0.0) if window in sums else None


def _days(usage: Usage, today: date) -> dict[str, dict[str, float]]:
    """Credits by window and model."""
    firsts = {"today": today.isoformat(), "30d": (today - timedelta(days=SPEND_DAYS - 1)).isoformat()}
    sums: dict[str, dict[str, float]] = {window: {} for window in firsts}
    for day in usage.days:
        for window, first in firsts.items():
            if first <= day.date <= today.isoformat():
                sums[window][day.model] = sums[window].get(day.model, 0.0) + day.credits
    return sums


def _totals(usage: Usage) -> dict[str, dict[str, float]]:
    """The same from the provider's own sums. A window that it does not report is left out."""
    sums: dict[str, dict[str, float]] = {}
    for total in usage.totals:
        if total.credits is not None and total.window in SPEND_OF:
            sums.setdefault(total.window, {})[total.model] = total.credits
    return sums


def spent_credits(account: AccountSnapshot, at: float) -> float | None:
    """Net credits of the last 30 UTC days as of `at`, Unix seconds. None where the provider's usage is unknown."""
    known = spending(account, at)
    return None if known is None or known.total.month is None else max(0.0, known.total.month)


class RequestCount(msgspec.Struct, frozen=True):
    """Requests of one kind by outcome."""

    kind: Kind
    outcomes: dict[str, int]

    @property
    def total(self) -> int:
        """All requests, attempts included."""
        return sum(self.outcomes.values())

    @property
    def judged(self) -> int:
        """The requests that an error rate divides by: all but those whose client hung up."""
        return judged(self.outcomes)

    @property
    def errors(self) -> dict[str, int]:
        """The requests that failed, by outcome."""
        return {outcome: count for outcome, count in self.outcomes.items() if failed(outcome)}

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(self.errors.values())


def requests(account: AccountSnapshot) -> list[RequestCount]:
    """The application's requests since counting began. A kind without requests is left out."""
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for series in account.series:
        if series.counter is CounterSpec.REQUESTS:
            outcomes[series["kind"]][series["outcome"]] += int(series.value)
    return [RequestCount(kind, dict(outcomes[kind])) for kind in Kind if kind in outcomes]


def recent_requests(account: AccountSnapshot) -> list[RequestCount]:
    """The application's requests of the last five minutes. A kind without requests is left out."""
    seen = account.recent.requests
    return [RequestCount(kind, seen[kind]) for kind in Kind if kind in seen]


def retries(account: AccountSnapshot) -> int:
    """How many requests the client marked as retries."""
    return int(sum(series.value for series in account.series if series.counter is CounterSpec.REQUEST_RETRIES))
