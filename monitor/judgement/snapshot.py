"""What an evaluation publishes: an immutable picture that scrapes, pages and the JSON API render."""

from __future__ import annotations

import msgspec

from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.daily_limit.reconcile import Reconciled
from monitor.judgement.outlook import LimitOutlook
from monitor.judgement.tiers.outlook import Advice, TierState
from monitor.observations import Organization, Performance, ProviderErrors, TaskStatus, Usage
from monitor.tasks.counters import Series


class ReadState(msgspec.Struct, frozen=True, kw_only=True):
    """How one account read stands. `age_seconds` is since it last worked, None when it never did.

    `outcome` is that of the last attempt, None before the first has ended.
    """

    read: str
    up: bool
    age_seconds: float | None = None
    outcome: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the last attempt did; a read that was not tried yet has not."""
        return self.outcome is not None and not self.up


class ModelTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Open tasks of one model. `throttled_drain_seconds` is None where it cannot be estimated.

    `unconfirmed` are those pending or running tasks that the newest poll does not show so: none was made since the
    task was accepted, it did not find the task, or it was made too long ago.
    """

    model: str
    open: dict[TaskStatus, int]
    unconfirmed: int = 0
    orphaned: int = 0
    throttled_oldest_age_seconds: float = 0.0
    throttled_drain_seconds: float | None = None
    accepted_24h: int = 0

    @property
    def admitted(self) -> int:
        """Those that take up concurrency for sure: the newest poll says that they are pending or running."""
        return self.open.get(TaskStatus.PENDING, 0) + self.open.get(TaskStatus.RUNNING, 0) - self.unconfirmed


class SaturationThresholds(msgspec.Struct, frozen=True):
    """Shares of a limit at which its use deserves attention, and action."""

    soft: float = 0.8
    hard: float = 0.95


class CreditRunwayThresholds(msgspec.Struct, frozen=True):
    """How long the balance must last: with less it deserves attention, and action. Seconds."""

    soft: float = 24 * 3600.0
    hard: float = 4 * 3600.0


class RecentFigures(msgspec.Struct, frozen=True):
    """What was seen in the last five minutes.

    `requests` are by kind and outcome; `task_seconds` is how long the tasks that have ended took from acceptance to
    end, the mean by model.
    """

    requests: dict[str, dict[str, int]] = {}
    task_seconds: dict[str, float] = {}


class Expiry(msgspec.Struct, frozen=True):
    """So many taken slots, the first and the last of which free in so many seconds."""

    count: int
    first_seconds: float
    last_seconds: float


class DailyOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """The daily limit of one model by our own ledger. `limit` is None where there is none, or it is unknown.

    `exhaustion_seconds` is the expected time until the limit is hit, None unless the outlook is `expected`.
    `free_seconds` is the time until use of a full limit falls below it, None where the ledger alone does not decide
    that; 0 where the provider's newest count is older than a slot that has freed. `freeing` says how many of the taken
    slots are free again within 1, 4 and 12 hours, `next_free_seconds` when the first is, None where none is taken.
    `expiries` are all of the taken slots in the order in which they free, in at most 96 groups. `unseen` more
    generations were in the provider's newest count than in the ledger then: their age is not known.
    """

    model: str
    limit: int | None = None
    outlook: LimitOutlook = LimitOutlook.UNKNOWN
    exhaustion_seconds: float | None = None
    free_seconds: float | None = None
    next_free_seconds: float | None = None
    freeing: dict[str, int] = {}
    expiries: tuple[Expiry, ...] = ()
    unseen: int = 0


class AccountSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one moment. Figures that are unknown, or too old to show, are None.

    `ledger_coverage` is the share of the last 24 hours in which its traffic was watched; `forecast_ready` says whether
    enough of the last two hours was to forecast its daily limits; precision and recall are
    those of the forecasts of the last four weeks. `thresholds` are by limit. A provider without tiers has neither
    `tier` nor `advice`, one without credits prices in dollars. `upstreams` says whose each model in use is. Only a
    provider without limits has a `capacity` to judge. `organization_at` and `usage_at` are when those were read, Unix
    seconds.
    """

    account: str
    provider: str
    dollars_per_credit: float
    is_old: bool = False
    has_credits: bool = True
    has_limits: bool = True
    series: tuple[Series, ...] = ()
    recent: RecentFigures = RecentFigures()
    tasks: tuple[ModelTasks, ...] = ()
    reads: tuple[ReadState, ...] = ()
    organization: Organization | None = None
    organization_at: float | None = None
    usage: Usage | None = None
    usage_at: float | None = None
    performance: Performance | None = None
    provider_errors: ProviderErrors | None = None
    upstreams: dict[str, str] = {}
    daily: tuple[DailyOutlook, ...] = ()
    ledger_coverage: float | None = None
    forecast_ready: bool | None = None
    forecast_precision: float | None = None
    forecast_recall: float | None = None
    reconciled: tuple[Reconciled, ...] = ()
    tier: TierState | None = None
    advice: Advice | None = None
    capacity: tuple[ModelCapacity, ...] = ()
    thresholds: dict[str, SaturationThresholds] = {}
    credits: CreditOutlook | None = None
    runway_thresholds: CreditRunwayThresholds = CreditRunwayThresholds()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Every account at `at`, Unix seconds. Of those whose evaluation `failed`, by name, the last figures, if any."""

    at: float
    accounts: tuple[AccountSnapshot, ...] = ()
    failed: tuple[str, ...] = ()
