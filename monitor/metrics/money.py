"""Families of balance, spend, burn and purchases."""

from __future__ import annotations

from monitor.judgement.credits.outlook import AutobillingState
from monitor.judgement.figures import spending
from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import EMPTY, FigureSource, Rows, Topic, in_credits, in_dollars
from monitor.tasks.counters import CounterSpec

topic = Topic()


def _balance(account: AccountSnapshot, _: float) -> Rows:
    organization = account.organization
    if organization is not None and organization.credit_balance is not None:
        yield (), organization.credit_balance


topic.gauge(
    "credit_balance_credits",
    FigureSource.READS,
    "Balance in the provider's credits, as it last told.",
)(in_credits(_balance))

topic.gauge(
    "balance_dollars",
    FigureSource.READS,
    "Balance in US dollars, credits at the provider's dated price.",
)(in_dollars(_balance))


def _spent(account: AccountSnapshot, at: float) -> Rows:
    known = spending(account, at)
    for model, spent in known.models.items() if known is not None else ():
        yield from (((model, window), value) for window, value in spent.windows())


topic.gauge(
    "credits_spent_credits",
    FigureSource.READS,
    "Credits spent as the provider's usage says, refunds deducted, so it may fall and be negative. today is the "
    "current UTC day, absent until the usage was read on it, 30d the last 30 UTC days with it.",
    "model",
    "window",
)(in_credits(_spent))

topic.gauge(
    "spent_dollars",
    FigureSource.READS,
    "The same spend in US dollars, credits at the provider's dated price.",
    "model",
    "window",
)(in_dollars(_spent))


def _burn(account: AccountSnapshot, _: float) -> Rows:
    return (((window,), value) for window, value in (account.credits.burn if account.credits else {}).items())


topic.gauge(
    "credit_burn_credits",
    FigureSource.READS,
    "Credits that left the balance in the time up to now, less refunds, in so much of the window as "
    "genmedia_burn_watched_seconds says. Absent until two balances were read.",
    "window",
)(in_credits(_burn))

topic.gauge(
    "burn_dollars",
    FigureSource.READS,
    "The same burn in US dollars, credits at the provider's dated price.",
    "window",
)(in_dollars(_burn))


@topic.gauge(
    "burn_watched_seconds",
    FigureSource.READS,
    "How much of the window the burn is of: less than the whole of it after a start. Burn over this is the pace.",
    "window",
)
def _burn_watched(account: AccountSnapshot, _: float) -> Rows:
    return (((window,), value) for window, value in (account.credits.burn_seconds if account.credits else {}).items())


@topic.gauge(
    "credit_runway_seconds",
    FigureSource.READS,
    "How long the balance lasts at the burn of the last hour, or of the last 24 when that hour had none, if nothing is "
    "bought. Absent while nothing is burnt.",
)
def _runway(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.runway_seconds is not None:
        yield (), account.credits.runway_seconds


@topic.gauge(
    "runway_burn_dollars_per_hour",
    FigureSource.READS,
    "Burn that the credit runway is reckoned with, in US dollars an hour: the balance over it is the runway. Absent "
    "while nothing is burnt.",
)
def _runway_burn(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.runway_credits_per_hour is not None:
        yield (), account.credits.runway_credits_per_hour * account.dollars_per_credit


@topic.gauge(
    "credit_runway_threshold_seconds",
    FigureSource.CONFIGURATION,
    "Credit runway below which the balance deserves attention (soft) and action (hard), as configured.",
    "level",
)
def _runway_thresholds(account: AccountSnapshot, _: float) -> Rows:
    yield ("soft",), account.runway_thresholds.soft
    yield ("hard",), account.runway_thresholds.hard


topic.counted(
    "credit_recharges_total",
    CounterSpec.RECHARGES,
    FigureSource.READS,
    "Purchases of credits, recognised as upward steps of the balance that are no refunds.",
    EMPTY,
)

topic.counted(
    "credit_recharged_credits_total",
    CounterSpec.RECHARGED_CREDITS,
    FigureSource.READS,
    "Credits bought by these purchases.",
    EMPTY,
    unit=in_credits,
)

topic.counted(
    "credit_refunds_total",
    CounterSpec.REFUNDS,
    FigureSource.READS,
    "Upward steps of the balance that were refunds. Those that charges outweigh between two reads are not seen.",
    EMPTY,
)

topic.counted(
    "credit_refunded_credits_total",
    CounterSpec.REFUNDED_CREDITS,
    FigureSource.READS,
    "Credits that came back by these refunds.",
    EMPTY,
    unit=in_credits,
)


@topic.gauge(
    "purchase_coverage_ratio",
    FigureSource.READS,
    "Share of the last 30 days of which all purchases are known; below 1 the use of monthly_spend_credits may be "
    "higher than shown.",
)
def _coverage(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.coverage is not None:
        yield (), account.credits.coverage


@topic.gauge(
    "autobilling_state",
    FigureSource.READS,
    "1 on the state that the balance shows autobilling to be in, 0 on the others; absent unless its threshold is "
    "configured.",
    "state",
)
def _autobilling(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.autobilling is not None:
        for state in AutobillingState:
            yield (state.value,), float(state is account.credits.autobilling)
