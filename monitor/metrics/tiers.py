"""Families of usage tiers, and of how right the forecasts were."""

from __future__ import annotations

from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import FigureSource, Rows, Topic, whole

topic = Topic()


@topic.gauge(
    "tier",
    FigureSource.READS,
    "Number of the usage tier, as configured and as inferred from the provider's limits. Absent when not "
    "configured, and when the limits match no tier or several.",
    "source",
)
def _tiers(account: AccountSnapshot, _: float) -> Rows:
    if account.tier is not None:
        numbers = {"configured": account.tier.configured, "inferred": account.tier.inferred}
        yield from (((source,), number) for source, number in numbers.items() if number is not None)


@topic.gauge(
    "tier_table_mismatches",
    FigureSource.READS,
    "Limits on which the provider and the newest dated table of tiers disagree, for this tier or, if it is "
    "unknown, for the nearest one. The provider's limits apply. The log names them.",
)
def _tier_mismatches(account: AccountSnapshot, _: float) -> Rows:
    if account.tier is not None and account.tier.mismatches is not None:
        yield (), len(account.tier.mismatches)


@topic.gauge(
    "recommended_tier",
    FigureSource.TASKS,
    "Lowest usage tier that would have been enough in this window for each model's generations in 24 hours and "
    "parallel tasks, and for the credits spent in 30 days. Absent with too little history, and when no tier would "
    "have been enough.",
    "window",
)
def _recommended_tiers(account: AccountSnapshot, _: float) -> Rows:
    advised = account.advice.windows if account.advice is not None else ()
    return (((one.window,), one.tier) for one in advised if one.tier is not None)


topic.gauge(
    "forecast_precision_ratio",
    FigureSource.TASKS,
    "Share of the limit warnings that ended in the last 4 weeks and were right. Absent without such warnings.",
)(whole(lambda account: account.forecast_precision))

topic.gauge(
    "forecast_recall_ratio",
    FigureSource.TASKS,
    "Share of the limits hit in the last 4 weeks that a warning had predicted. Absent when no limit was hit.",
)(whole(lambda account: account.forecast_recall))
