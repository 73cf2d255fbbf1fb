"""From an account's snapshot to the samples of its families."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, product

from prometheus_client.utils import floatToGoString

from monitor.judgement.figures import limit_uses, spending, thresholds, unlimited_uses
from monitor.judgement.limits import LimitKind
from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics import capacity, families, reported
from monitor.metrics import credits as money
from monitor.metrics.family import Family
from monitor.observations import OPEN_STATUSES, Kind, Outcome, Reason, TaskStatus
from monitor.tasks.counters import CounterSpec
from monitor.tasks.open_tasks import ModelTasks

Labels = tuple[str, ...]
Row = tuple[Labels, float]
Rows = Callable[[AccountSnapshot, float], Iterable[Row]]
"""The rows of a family, labels after provider and account, for an account at a Unix time."""

STATUSES = tuple(status for status in TaskStatus if status in OPEN_STATUSES)
REQUEST_STARTS = tuple({"kind": kind.value, "outcome": outcome.value} for kind, outcome in product(Kind, Outcome))
FINISHED_STARTS = (
    *({"outcome": status.value} for status in (TaskStatus.SUCCEEDED, TaskStatus.CANCELLED, TaskStatus.LOST)),
    *({"outcome": TaskStatus.FAILED.value, "reason": reason.value} for reason in Reason if reason is not Reason.NONE),
)

EMPTY: Mapping[str, str] = {}
"""A series of which every label is empty."""

BOUND_TEXTS = {
    counter: [*((format(bound, "g"), floatToGoString(bound)) for bound in counter.bounds), ("+Inf", "+Inf")]  # type: ignore[no-untyped-call]
    for counter in CounterSpec
    if counter.bounds
}
"""Each upper bound of a histogram as it is stored, and as the exposition writes it."""


def histogram(account: AccountSnapshot, counter: CounterSpec) -> dict[Labels, dict[str, float]]:
    """What is stored of each series of a histogram: separate counts by upper bound, and the sum."""
    parts: defaultdict[Labels, dict[str, float]] = defaultdict(dict)
    for labels, value in _stored(account, counter):
        parts[labels[:-1]][labels[-1]] = value
    return parts


def cumulative(counter: CounterSpec, parts: dict[str, float]) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound, from the separate ones."""
    own = accumulate(parts.get(kept, 0.0) for kept, _ in BOUND_TEXTS[counter])
    return [(text, count) for (_, text), count in zip(BOUND_TEXTS[counter], own, strict=True)]


def _stored(account: AccountSnapshot, counter: CounterSpec) -> Iterator[Row]:
    return ((series.labels, series.value) for series in account.series if series.counter is counter)


def _counts(counter: CounterSpec, *starts: Mapping[str, str]) -> Rows:
    """The series of a durable count. Those of `starts`, their other labels empty, are 0 from the beginning."""
    zeros = {counter.values(**start): 0.0 for start in starts}

    def rows(account: AccountSnapshot, _: float) -> Iterable[Row]:
        return (zeros | dict(_stored(account, counter))).items()

    return rows


def _tasks(figure: Callable[[ModelTasks], float | None]) -> Rows:
    """One figure of each model's open tasks; None is left out."""

    def rows(account: AccountSnapshot, _: float) -> Iterable[Row]:
        figures = (((tasks.model,), figure(tasks)) for tasks in account.tasks)
        return ((labels, value) for labels, value in figures if value is not None)

    return rows


def _open_tasks(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for tasks, status in product(account.tasks, STATUSES):
        yield (tasks.model, status.value), tasks.open.get(status, 0)


def _limits(account: AccountSnapshot, _: float) -> Iterable[Row]:
    return (((use.model, use.limit.value), use.allowed) for use in limit_uses(account))


def _limits_used(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for use in limit_uses(account):
        if use.used is not None:
            yield (use.model, use.limit.value), use.used
    for rest in unlimited_uses(account):
        yield (rest.model, rest.limit.value), rest.used


def _saturation(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for use in limit_uses(account):
        if use.saturation is not None:
            yield (use.model, use.limit.value), use.saturation


def _thresholds(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for limit in (limit for limit in LimitKind if limit is not LimitKind.CREDIT_BALANCE):
        levels = thresholds(account, limit)
        yield (limit.value, "soft"), levels.soft
        yield (limit.value, "hard"), levels.hard


def _exhaustion(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for daily in account.daily:
        if daily.exhaustion_seconds is not None:
            yield (daily.model, LimitKind.DAILY_GENERATIONS.value), daily.exhaustion_seconds
    yield from money.exhaustion(account)


def _free(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for daily in account.daily:
        if daily.free_seconds is not None:
            yield (daily.model, LimitKind.DAILY_GENERATIONS.value), daily.free_seconds
    if account.credits is not None and account.credits.spend_free_seconds is not None:
        yield ("", LimitKind.MONTHLY_SPEND_CREDITS.value), account.credits.spend_free_seconds


def _next_free(account: AccountSnapshot, _: float) -> Iterable[Row]:
    found = (((daily.model,), daily.next_free_seconds) for daily in account.daily)
    return ((labels, seconds) for labels, seconds in found if seconds is not None)


def _freeing(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for daily in account.daily:
        if daily.next_free_seconds is not None:
            yield from (((daily.model, within), slots) for within, slots in daily.freeing.items())


def _drift(account: AccountSnapshot, _: float) -> Iterable[Row]:
    return (((one.model,), one.drift) for one in account.reconciled)


def _unseen(account: AccountSnapshot, _: float) -> Iterable[Row]:
    for one in account.reconciled:
        if one.unseen is not None:
            yield (one.model, "low"), one.unseen.low
            yield (one.model, "expected"), one.unseen.expected
            yield (one.model, "high"), one.unseen.high


def _tiers(account: AccountSnapshot, _: float) -> Iterable[Row]:
    if account.tier is not None:
        numbers = {"configured": account.tier.configured, "inferred": account.tier.inferred}
        yield from (((source,), number) for source, number in numbers.items() if number is not None)


def _tier_mismatches(account: AccountSnapshot, _: float) -> Iterable[Row]:
    if account.tier is not None and account.tier.mismatches is not None:
        yield (), len(account.tier.mismatches)


def _recommended_tiers(account: AccountSnapshot, _: float) -> Iterable[Row]:
    advised = account.advice.windows if account.advice is not None else ()
    return (((one.window,), one.tier) for one in advised if one.tier is not None)


def _whole(figure: Callable[[AccountSnapshot], float | None]) -> Rows:
    """One figure of the whole account; None is left out."""

    def rows(account: AccountSnapshot, _: float) -> Iterable[Row]:
        value = figure(account)
        return () if value is None else (((), value),)

    return rows


def _balance(account: AccountSnapshot, _: float) -> Iterable[Row]:
    organization = account.organization
    if organization is not None and organization.credit_balance is not None:
        yield (), organization.credit_balance


def _spent(account: AccountSnapshot, at: float) -> Iterable[Row]:
    known = spending(account, at)
    for model, spent in known.models.items() if known is not None else ():
        yield from (((model, window), value) for window, value in spent.windows())


def _dollars(credits_: Rows) -> Rows:
    def rows(account: AccountSnapshot, at: float) -> Iterable[Row]:
        return ((labels, value * account.dollars_per_credit) for labels, value in credits_(account, at))

    return rows


def _credits(rows: Rows) -> Rows:
    """Rows in credits; nothing for a provider that prices in dollars."""
    return lambda account, at: rows(account, at) if account.has_credits else ()


def _reads_up(account: AccountSnapshot, _: float) -> Iterable[Row]:
    return (((read.read,), float(read.up)) for read in account.reads)


def _read_ages(account: AccountSnapshot, _: float) -> Iterable[Row]:
    return (((read.read,), read.age_seconds) for read in account.reads if read.age_seconds is not None)


ROWS: dict[Family, Rows] = {
    families.REQUESTS: _counts(CounterSpec.REQUESTS, *REQUEST_STARTS),
    families.REQUEST_RETRIES: _counts(CounterSpec.REQUEST_RETRIES, EMPTY),
    families.TASKS_CREATED: _counts(CounterSpec.TASKS_CREATED, EMPTY),
    families.TASKS: _open_tasks,
    families.TASKS_UNCONFIRMED: _tasks(lambda tasks: tasks.unconfirmed),
    families.TASKS_FINISHED: _counts(CounterSpec.TASKS_FINISHED, *FINISHED_STARTS),
    families.THROTTLED_OLDEST_AGE: _tasks(lambda tasks: tasks.throttled_oldest_age_seconds),
    families.THROTTLED_DRAIN: _tasks(lambda tasks: tasks.throttled_drain_seconds),
    families.TASKS_ORPHANED: _tasks(lambda tasks: tasks.orphaned),
    families.LIMIT: _limits,
    families.LIMIT_USED: _limits_used,
    families.SATURATION: _saturation,
    families.THRESHOLD: _thresholds,
    families.EXHAUSTION: _exhaustion,
    families.READY: _whole(lambda account: account.forecast_ready),
    families.FREE: _free,
    families.NEXT_FREE: _next_free,
    families.FREEING: _freeing,
    families.COVERAGE: _whole(lambda account: account.ledger_coverage),
    families.DRIFT: _drift,
    families.UNSEEN: _unseen,
    families.TIER: _tiers,
    families.TIER_MISMATCHES: _tier_mismatches,
    families.RECOMMENDED_TIER: _recommended_tiers,
    families.PRECISION: _whole(lambda account: account.forecast_precision),
    families.RECALL: _whole(lambda account: account.forecast_recall),
    families.CREDIT_BALANCE: _credits(_balance),
    families.BALANCE: _dollars(_balance),
    families.CREDITS_SPENT: _credits(_spent),
    families.SPENT: _dollars(_spent),
    families.CREDIT_BURN: _credits(money.burn),
    families.BURN: _dollars(money.burn),
    families.BURN_WATCHED: money.burn_watched,
    families.RUNWAY: money.runway,
    families.RUNWAY_BURN: money.runway_burn,
    families.RUNWAY_THRESHOLD: money.runway_thresholds,
    families.RECHARGES: _counts(CounterSpec.RECHARGES, EMPTY),
    families.RECHARGED: _credits(_counts(CounterSpec.RECHARGED_CREDITS, EMPTY)),
    families.REFUNDS: _counts(CounterSpec.REFUNDS, EMPTY),
    families.REFUNDED: _credits(_counts(CounterSpec.REFUNDED_CREDITS, EMPTY)),
    families.PURCHASE_COVERAGE: money.coverage,
    families.AUTOBILLING: money.autobilling,
    families.TASK_COST: _dollars(_counts(CounterSpec.TASK_CREDITS, EMPTY)),
    families.TASKS_UNPRICED: _counts(CounterSpec.TASKS_UNPRICED, EMPTY),
    families.PROVIDER_REQUESTS: reported.requests,
    families.PROVIDER_ERRORS: reported.errors,
    families.PROVIDER_INFERENCE: reported.inference_seconds,
    families.MODEL_INFO: reported.models,
    families.WASTED: _dollars(_counts(CounterSpec.WASTED_CREDITS, EMPTY)),
    families.CAPACITY_STATE: capacity.states,
    families.RECOMMENDED_CONCURRENCY: capacity.recommended,
    families.READ_UP: _reads_up,
    families.READ_AGE: _read_ages,
    families.READS: _counts(CounterSpec.READS),
    families.UNKNOWN_VALUES: _counts(CounterSpec.UNKNOWN_VALUES),
}
HISTOGRAMS = {family: family.counter for family in families.FAMILIES if family.counter and family.counter.bounds}
