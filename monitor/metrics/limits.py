"""Families of limits, of what uses them and of the forecast of when they are hit."""

from __future__ import annotations

from monitor.judgement.figures import limit_uses, thresholds, unlimited_uses
from monitor.judgement.limits import LimitKind
from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import FigureSource, Rows, Topic, whole

topic = Topic()


@topic.gauge(
    "limit",
    FigureSource.READS,
    "A limit in its own unit. 0 is a real limit. Absent when unlimited or unknown.",
    "model",
    "limit",
)
def _limits(account: AccountSnapshot, _: float) -> Rows:
    return (((use.model, use.limit.value), use.allowed) for use in limit_uses(account))


@topic.gauge(
    "limit_used",
    FigureSource.READS,
    "Use of a limit in its own unit. concurrency counts the tasks whose newest poll said pending or running, even "
    "if they have ended since; genmedia_tasks_unconfirmed counts the others. daily_generations is the provider's "
    "own figure. daily_generations_ledger counts the generations that we saw accepted in 24 hours.",
    "model",
    "limit",
)
def _limits_used(account: AccountSnapshot, _: float) -> Rows:
    for use in limit_uses(account):
        if use.used is not None:
            yield (use.model, use.limit.value), use.used
    for rest in unlimited_uses(account):
        yield (rest.model, rest.limit.value), rest.used


@topic.gauge(
    "saturation_ratio",
    FigureSource.READS,
    "Use of a limit divided by the limit. 1 is full, and a limit of 0 is full. A full concurrency limit is "
    "healthy: watch how long tasks are throttled.",
    "model",
    "limit",
)
def _saturation(account: AccountSnapshot, _: float) -> Rows:
    for use in limit_uses(account):
        if use.saturation is not None:
            yield (use.model, use.limit.value), use.saturation


@topic.gauge(
    "saturation_threshold_ratio",
    FigureSource.CONFIGURATION,
    "Configured saturation of a limit at which the warning (soft) and critical (hard) levels begin.",
    "limit",
    "level",
)
def _thresholds(account: AccountSnapshot, _: float) -> Rows:
    for limit in (limit for limit in LimitKind if limit is not LimitKind.CREDIT_BALANCE):
        levels = thresholds(account, limit)
        yield (limit.value, "soft"), levels.soft
        yield (limit.value, "hard"), levels.hard


@topic.gauge(
    "limit_exhaustion_seconds",
    FigureSource.TASKS,
    "Predicted time until a limit is hit, from the use that expires and the use that is added. Absent when no hit "
    "is predicted, and while the limit is hit, which saturation shows. credit_balance is hit when no credits are "
    "left.",
    "model",
    "limit",
)
def _exhaustion(account: AccountSnapshot, _: float) -> Rows:
    for daily in account.daily:
        if daily.exhaustion_seconds is not None:
            yield (daily.model, LimitKind.DAILY_GENERATIONS.value), daily.exhaustion_seconds
    if account.credits is None:
        return
    if account.credits.balance_exhaustion_seconds is not None:
        yield ("", LimitKind.CREDIT_BALANCE.value), account.credits.balance_exhaustion_seconds
    if account.credits.spend_exhaustion_seconds is not None:
        yield ("", LimitKind.MONTHLY_SPEND_CREDITS.value), account.credits.spend_exhaustion_seconds


topic.gauge(
    "forecast_ready",
    FigureSource.TASKS,
    "1 when there is enough history to forecast daily limits. While it is 0, a missing prediction does not mean "
    "that no limit will be hit.",
)(whole(lambda account: account.forecast_ready))


@topic.gauge(
    "limit_free_seconds",
    FigureSource.TASKS,
    "Time until use of a full limit falls below the limit, as slots expire or purchases become 30 days old. "
    "Absent while the limit is not full, and when the gateway did not see all of its use. 0 when a slot has "
    "expired since the provider's last count.",
    "model",
    "limit",
)
def _free(account: AccountSnapshot, _: float) -> Rows:
    for daily in account.daily:
        if daily.free_seconds is not None:
            yield (daily.model, LimitKind.DAILY_GENERATIONS.value), daily.free_seconds
    if account.credits is not None and account.credits.spend_free_seconds is not None:
        yield ("", LimitKind.MONTHLY_SPEND_CREDITS.value), account.credits.spend_free_seconds


@topic.gauge(
    "daily_generations_next_free_seconds",
    FigureSource.TASKS,
    "Time until the first slot of the rolling 24 hours expires, counting generations that passed through the "
    "gateway. Absent while no slot is taken.",
    "model",
)
def _next_free(account: AccountSnapshot, _: float) -> Rows:
    found = (((daily.model,), daily.next_free_seconds) for daily in account.daily)
    return ((labels, seconds) for labels, seconds in found if seconds is not None)


@topic.gauge(
    "daily_generations_freeing",
    FigureSource.TASKS,
    "Generations that passed through the gateway, count towards the daily limit, and will stop counting within "
    "this time.",
    "model",
    "within",
)
def _freeing(account: AccountSnapshot, _: float) -> Rows:
    for daily in account.daily:
        if daily.next_free_seconds is not None:
            yield from (((daily.model, within), slots) for within, slots in daily.freeing.items())


topic.gauge(
    "ledger_coverage_ratio",
    FigureSource.TASKS,
    "Share of the last 24 hours that the gateway observed. Below 1, our own count of generations may be too low.",
)(whole(lambda account: account.ledger_coverage))


@topic.gauge(
    "ledger_drift_generations",
    FigureSource.READS,
    "The provider's count of generations in 24 hours minus our own at that time. Above 0, some generations bypass "
    "the gateway. Absent unless nearly all of the 24 hours were observed.",
    "model",
)
def _drift(account: AccountSnapshot, _: float) -> Rows:
    return (((one.model,), one.drift) for one in account.reconciled)


@topic.gauge(
    "unseen_generations_ratio",
    FigureSource.READS,
    "Share of the provider's generations in 24 hours that bypassed the gateway. low and high are its 95 % "
    "confidence bounds: they allow for small numbers, unobserved time and the time of the provider's count. "
    "Absent unless nearly all of the same 24 hours were observed.",
    "model",
    "bound",
)
def _unseen(account: AccountSnapshot, _: float) -> Rows:
    for one in account.reconciled:
        if one.unseen is not None:
            yield (one.model, "low"), one.unseen.low
            yield (one.model, "expected"), one.unseen.expected
            yield (one.model, "high"), one.unseen.high
