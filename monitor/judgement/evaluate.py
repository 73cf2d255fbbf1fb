"""Read the store's aggregates, judge them, and build the snapshot that everything renders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from monitor.config import Account
from monitor.errors import StoreError, places
from monitor.judgement.account_reads import rows as read_rows
from monitor.judgement.account_reads.reads import Read, ReadState
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.capacity.state import AccountCapacity, request_counts, rules_of
from monitor.judgement.credits.state import credits_of
from monitor.judgement.daily_limit.state import AccountForecasts
from monitor.judgement.figures import spent_credits
from monitor.judgement.keeper import Keeper, Kept
from monitor.judgement.recent import RecentCounts
from monitor.judgement.snapshot import AccountSnapshot, CreditRunwayThresholds, SaturationThresholds, Snapshot
from monitor.judgement.throttling import ThrottledPace, clear_seconds
from monitor.judgement.tiers.state import AccountTiers, TierEvidence
from monitor.observations import OPEN_STATUSES, Figures, Organization, Performance, ProviderErrors, TaskStatus, Usage
from monitor.providers import PROVIDERS
from monitor.providers.base import Provider
from monitor.runtime.logs import Outage
from monitor.store import Database, Operation
from monitor.tasks import counter_rows, task_rows
from monitor.tasks.counters import CounterSpec, Series
from monitor.tasks.lifecycle import CONFIRMED_SECONDS
from monitor.tasks.open_tasks import ModelTasks
from monitor.tasks.series import bounded

STALE_INTERVALS = 10

log = structlog.get_logger()
AnyFigures = TypeVar("AnyFigures", Organization, Usage, Performance, ProviderErrors)


@dataclass(frozen=True)
class Memory:
    """What is kept between evaluations.

    `recent`, the `last` figures and `outages`, which log accounts whose evaluation fails, begin empty after a restart.
    The rest is restored from the store.
    """

    forecasts: Keeper[AccountForecasts] = field(
        default_factory=lambda: Keeper(lambda connection, account: AccountForecasts(connection, account.name))
    )
    tiers: Keeper[AccountTiers] = field(
        default_factory=lambda: Keeper(
            lambda connection, account: AccountTiers(connection, account.name, PROVIDERS[account.provider].tiers)
        )
    )
    capacity: Keeper[AccountCapacity] = field(
        default_factory=lambda: Keeper(lambda connection, account: AccountCapacity(connection, account.name))
    )
    recent: defaultdict[str, RecentCounts] = field(default_factory=lambda: defaultdict(RecentCounts))
    last: dict[str, AccountSnapshot] = field(default_factory=dict)
    outages: defaultdict[str, Outage] = field(default_factory=lambda: defaultdict(Outage))

    def parts(self) -> dict[Operation, Kept]:
        """Each stored part by its name in the store's operations."""
        return {"forecast": self.forecasts, "peaks": self.tiers, "capacity": self.capacity}


def evaluate(database: Database, accounts: Iterable[Account], memory: Memory, now: float) -> Snapshot:
    """The figures of every account at `now`. Each account is read in one transaction.

    An account whose evaluation fails keeps its last figures, marked as old, and is named in `failed`. The others are
    not affected.

    Raises:
        StoreError: the database cannot be read.
    """
    names, failed = [], []
    for account in accounts:
        names.append(account.name)
        try:
            with database.begin() as connection:
                memory.last[account.name] = evaluate_account(connection, account, memory, now)
            if (outage := memory.outages[account.name].ended()) is not None:
                log.info("evaluation.recovered", account=account.name, **outage)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other accounts are evaluated
            failed.append(account.name)
            _note_failure(memory, account.name, error)
    known = tuple(memory.last[name] for name in names if name in memory.last)
    return Snapshot(at=now, accounts=known, failed=tuple(failed))


def _note_failure(memory: Memory, account: str, error: Exception) -> None:
    """Mark the account's last figures as old, and log why without the error's text, which quotes data."""
    if account in memory.last:
        memory.last[account] = replace(memory.last[account], is_old=True)
    fault = {"error": type(error).__name__, "at": places(error)}
    if (more := memory.outages[account].failed(str(fault))) is not None:
        log.error("evaluation.failed", account=account, **fault, **more)


def evaluate_account(connection: Connection, account: Account, memory: Memory, now: float) -> AccountSnapshot:
    """The figures of one account. Figures of a read that last worked too long ago are withheld."""
    known = read_rows.load(connection, account.name)
    fresh = {name: read.figures for name, read in known.items() if not is_stale(read, account, now)}
    told = _newest(fresh, Organization)
    told_at = _told_at(known, fresh, Organization)
    forecasts = memory.forecasts.of(connection, account)
    forecasts.update(connection, told, told_at, now)
    provider = PROVIDERS[account.provider]
    series = tuple(bounded(counter_rows.load(connection, account.name), (read.name for read in provider.reads)))
    snapshot = AccountSnapshot(
        account=account.name,
        provider=account.provider,
        dollars_per_credit=provider.dollars_per_credit,
        has_credits=provider.has_credits,
        has_limits=provider.capacity is None,
        series=series,
        recent=memory.recent[account.name].update(series, now),
        tasks=model_tasks(connection, account, told, forecasts.used(now), now),
        reads=read_states(account, known, now),
        organization=told,
        organization_at=told_at,
        usage=_newest(fresh, Usage),
        usage_at=_told_at(known, fresh, Usage),
        performance=_newest(fresh, Performance),
        provider_errors=_newest(fresh, ProviderErrors),
        upstreams=upstreams(provider, series),
        capacity=capacity_of(connection, account, memory, series, now),
        daily=tuple(forecasts.daily(told, now)),
        ledger_coverage=forecasts.coverage,
        forecast_ready=forecasts.ready(now) if told is not None and told.limits else None,
        reconciled=forecasts.reconciled,
        forecast_precision=forecasts.quality.precision,
        forecast_recall=forecasts.quality.recall,
        thresholds={
            name: SaturationThresholds(each.soft, each.hard) for name, each in vars(account.limits.thresholds).items()
        },
        runway_thresholds=CreditRunwayThresholds(account.limits.credit_runway.soft, account.limits.credit_runway.hard),
    )
    tiers = memory.tiers.of(connection, account)
    judged = tiers.judge(tier_evidence(snapshot, now), account.limits.tier, forecasts.watched, now)
    return replace(
        snapshot,
        **judged._asdict(),
        credits=credits_of(connection, account, judged.organization, now, is_fresh=told is not None),
    )


def tier_evidence(seen: AccountSnapshot, now: float) -> TierEvidence:
    """What the account's tier is judged by."""
    return TierEvidence(seen.organization, spent_credits(seen, now), seen.series, seen.tasks)


def capacity_of(
    connection: Connection, account: Account, memory: Memory, series: Iterable[Series], now: float
) -> tuple[ModelCapacity, ...]:
    """The capacity of the account's models. Empty at a provider that has limits."""
    rules = rules_of(account)
    if rules is None:
        return ()
    return memory.capacity.of(connection, account).update(connection, request_counts(series), rules, now)


def _newest(fresh: Mapping[str, Figures | None], kind: type[AnyFigures]) -> AnyFigures | None:
    """The figures of this kind, from whichever read gives them."""
    return next((figures for figures in fresh.values() if isinstance(figures, kind)), None)


def _told_at(known: Mapping[str, Read], fresh: Mapping[str, Figures | None], kind: type[AnyFigures]) -> float | None:
    """When the figures of this kind were read."""
    return next((known[name].ok_at for name, figures in fresh.items() if isinstance(figures, kind)), None)


def upstreams(provider: Provider, series: Iterable[Series]) -> dict[str, str]:
    """Whose model each model in use is, where the provider serves models of others."""
    models = {one["model"] for one in series if one.counter in {CounterSpec.TASKS_CREATED, CounterSpec.TASKS_FINISHED}}
    return {model: upstream for model in sorted(models) if (upstream := provider.upstream(model))}


def is_stale(read: Read, account: Account, now: float) -> bool:
    """Whether a read's figures are older than ten of its intervals."""
    reader = next((reader for reader in PROVIDERS[account.provider].reads if reader.name == read.read), None)
    if reader is None or read.ok_at is None:
        return True
    return now - read.ok_at > STALE_INTERVALS * max(account.poll_interval, reader.minimum_interval_seconds)


def read_states(account: Account, known: dict[str, Read], now: float) -> tuple[ReadState, ...]:
    """The state of each read that the provider declares. A read that has not ended yet is down and has no age."""
    states = []
    for name in (reader.name for reader in PROVIDERS[account.provider].reads):
        read = known.get(name)
        age = None if read is None or read.ok_at is None else max(0.0, now - read.ok_at)
        states.append(
            ReadState(
                read=name,
                up=read is not None and read.up,
                age_seconds=age,
                outcome=None if read is None else read.outcome,
            )
        )
    return tuple(states)


def model_tasks(
    connection: Connection, account: Account, limits: Organization | None, accepted: dict[str, int], now: float
) -> tuple[ModelTasks, ...]:
    """Open tasks, throttling and the last day's acceptances (`accepted`) of every model that has any."""
    by_model: defaultdict[str, list[task_rows.OpenTasks]] = defaultdict(list)
    silent_since, confirmed_since = now - account.follow_up.orphaned, now - CONFIRMED_SECONDS
    for row in task_rows.open_tasks(connection, account.name, silent_since, confirmed_since):
        by_model[row.model].append(row)
    drains = drain_estimates(connection, account.name, by_model, limits, now)
    return tuple(
        ModelTasks(
            model=model,
            open={
                status: sum(row.total for row in by_model[model] if row.status is status) for status in OPEN_STATUSES
            },
            unconfirmed=sum(row.unconfirmed for row in by_model[model]),
            orphaned=sum(row.orphaned for row in by_model[model]),
            throttled_oldest_age_seconds=oldest_age(by_model[model], now),
            throttled_drain_seconds=drains.get(model, 0.0),
            accepted_24h=accepted.get(model, 0),
        )
        for model in sorted(by_model.keys() | accepted.keys())
    )


def oldest_age(rows: Iterable[task_rows.OpenTasks], now: float) -> float:
    """Seconds since the oldest throttled task was submitted. 0 if none is throttled."""
    submitted = min((row.oldest_throttled_at for row in rows if row.oldest_throttled_at is not None), default=now)
    return max(0.0, now - submitted)  # a clock that stepped back may show it in the future


def drain_estimates(
    connection: Connection,
    account: str,
    by_model: dict[str, list[task_rows.OpenTasks]],
    limits: Organization | None,
    now: float,
) -> dict[str, float | None]:
    """Seconds until no task is throttled, for the models that have throttled tasks.

    Tasks that were submitted after a throttled task wait too, even if no poll has shown them yet: the provider's queue
    is in order.
    """
    throttled = {m: row for m, rows in by_model.items() for row in rows if row.status is TaskStatus.THROTTLED}
    if not throttled:
        return {}
    ended = task_rows.runs_while_throttled(connection, account)
    runs = task_rows.mean_run_seconds(connection, account, now)
    allowed = limits.limits if limits else {}
    return {
        model: clear_seconds(
            row.total + ended[model].unread,
            ThrottledPace(oldest_age([row], now), ended[model].total, ended[model].seconds),
            allowed[model].concurrency if model in allowed else None,
            runs.get(model),
        )
        for model, row in throttled.items()
    }
