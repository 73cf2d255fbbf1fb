"""What an evaluation publishes: immutable figures that scrapes, pages and the JSON API render."""

from __future__ import annotations

import msgspec

from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.daily_limit.reconcile import Reconciled
from monitor.judgement.tiers.outlook import Advice, TierState
from monitor.observations import Organization, Performance, ProviderErrors, Usage
from monitor.tasks.counters import Series
from monitor.tasks.open_tasks import ModelTasks


class SaturationThresholds(msgspec.Struct, frozen=True):
    """Warning and critical thresholds of a limit, as shares of it."""

    soft: float = 0.8
    hard: float = 0.95


class CreditRunwayThresholds(msgspec.Struct, frozen=True):
    """Warning and critical thresholds of how long the balance lasts, in seconds."""

    soft: float = 24 * 3600.0
    hard: float = 4 * 3600.0


class RecentFigures(msgspec.Struct, frozen=True):
    """The last five minutes.

    `requests` are by kind and outcome. `task_seconds` is the mean time from acceptance to end of the tasks that ended,
    by model.
    """

    requests: dict[str, dict[str, int]] = {}
    task_seconds: dict[str, float] = {}


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one moment. Figures that are unknown or too old to show are None.

    `ledger_coverage` is the share of the last 24 hours in which its traffic was watched. `forecast_ready` says whether
    enough of the last two hours was watched to forecast daily limits. Precision and recall are those of the forecasts
    of the last four weeks. `thresholds` are by limit. A provider without tiers has neither `tier` nor `advice`. A
    provider without credits prices in dollars. `upstreams` names whose model each model in use is. Only a provider
    without limits has a `capacity`. `organization_at` and `usage_at` are when these were read, Unix seconds.
    """

    account: str
    provider: str
    dollars_per_credit: float
    is_old: bool = False
    has_credits: bool = True
    has_limits: bool = True
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


class AccountSnapshot(AccountState, frozen=True, kw_only=True):
    """One account at one moment with its raw counts."""

    series: tuple[Series, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Every account at `at`, Unix seconds. Accounts whose evaluation `failed` keep their last figures."""

    at: float
    accounts: tuple[AccountSnapshot, ...] = ()
    failed: tuple[str, ...] = ()
