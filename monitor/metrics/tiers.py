"""Families of usage tiers, and of how right the forecasts were."""

from __future__ import annotations

from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import FigureSource, Rows, Topic, whole

topic = Topic()


@topic.gauge(
    "tier",
    FigureSource.READS,
    "Number of the usage tier, as configured and as inferred from the limits that the provider tells. Absent where "
    "not configured, and where the limits are those of no tier or of several.",
    "source",
)
def _tiers(account: AccountSnapshot, _: float) -> Rows:
    if account.tier is not None:
        numbers = {"configured": account.tier.configured, "inferred": account.tier.inferred}
        yield from (((source,), number) for source, number in numbers.items() if number is not None)


@topic.gauge(
    "tier_table_mismatches",
    FigureSource.READS,
    "Limits that the provider tells otherwise than the newest dated table of tiers has them for this tier; where the "
    "tier is unknown, for the nearest. What the provider tells holds; the log names them.",
)
def _tier_mismatches(account: AccountSnapshot, _: float) -> Rows:
    if account.tier is not None and account.tier.mismatches is not None:
        yield (), len(account.tier.mismatches)


@topic.gauge(
    "recommended_tier",
    FigureSource.TASKS,
    "Lowest usage tier that would have sufficed in this window: generations in 24 hours and tasks wanted at once of "
    "each model, and credits spent in 30 days. Absent when too little was watched, or none would have.",
    "window",
)
def _recommended_tiers(account: AccountSnapshot, _: float) -> Rows:
    advised = account.advice.windows if account.advice is not None else ()
    return (((one.window,), one.tier) for one in advised if one.tier is not None)


topic.gauge(
    "forecast_precision_ratio",
    FigureSource.TASKS,
    "Share of right ones among the warnings of limits to be hit that ended in the last 4 weeks; absent without any.",
)(whole(lambda account: account.forecast_precision))

topic.gauge(
    "forecast_recall_ratio",
    FigureSource.TASKS,
    "Share of the limits hit in the last 4 weeks that a right warning had foretold; absent without any.",
)(whole(lambda account: account.forecast_recall))
