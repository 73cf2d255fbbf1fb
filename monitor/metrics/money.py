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
    "Balance in the provider's credits, as last read.",
)(in_credits(_balance))

topic.gauge(
    "balance_dollars",
    FigureSource.READS,
    "Balance in US dollars. Credits are converted at the provider's dated price.",
)(in_dollars(_balance))


def _spent(account: AccountSnapshot, at: float) -> Rows:
    known = spending(account, at)
    for model, spent in known.models.items() if known is not None else ():
        yield from (((model, window), value) for window, value in spent.windows())


topic.gauge(
    "credits_spent_credits",
    FigureSource.READS,
    "Credits spent according to the provider, minus refunds, so it may fall and be negative. today is the current "
    "UTC day and absent until a read on that day. 30d is the last 30 UTC days, today included.",
    "model",
    "window",
)(in_credits(_spent))

topic.gauge(
    "spent_dollars",
    FigureSource.READS,
    "The same spend in US dollars. Credits are converted at the provider's dated price.",
    "model",
    "window",
)(in_dollars(_spent))


def _burn(account: AccountSnapshot, _: float) -> Rows:
    return (((window,), value) for window, value in (account.credits.burn if account.credits else {}).items())


topic.gauge(
    "credit_burn_credits",
    FigureSource.READS,
    "Credits that left the balance in the window, minus refunds. genmedia_burn_watched_seconds says how much of "
    "the window was observed. Absent until two balances were read.",
    "window",
)(in_credits(_burn))

topic.gauge(
    "burn_dollars",
    FigureSource.READS,
    "The same burn in US dollars. Credits are converted at the provider's dated price.",
    "window",
)(in_dollars(_burn))


@topic.gauge(
    "burn_watched_seconds",
    FigureSource.READS,
    "Observed part of the burn's window, less than the whole window after a start. Burn divided by this is the pace.",
    "window",
)
def _burn_watched(account: AccountSnapshot, _: float) -> Rows:
    return (((window,), value) for window, value in (account.credits.burn_seconds if account.credits else {}).items())


@topic.gauge(
    "credit_runway_seconds",
    FigureSource.READS,
    "Time until the balance is used up without purchases, at the burn of the last hour, or of the last 24 hours "
    "if the last hour had none. Absent while there is no spending.",
)
def _runway(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.runway_seconds is not None:
        yield (), account.credits.runway_seconds


@topic.gauge(
    "runway_burn_dollars_per_hour",
    FigureSource.READS,
    "Burn behind the credit runway, in US dollars an hour. The balance divided by it is the runway. Absent while "
    "there is no spending.",
)
def _runway_burn(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.runway_credits_per_hour is not None:
        yield (), account.credits.runway_credits_per_hour * account.dollars_per_credit


@topic.gauge(
    "credit_runway_threshold_seconds",
    FigureSource.CONFIGURATION,
    "Configured credit runway below which the warning (soft) and critical (hard) levels begin.",
    "level",
)
def _runway_thresholds(account: AccountSnapshot, _: float) -> Rows:
    yield ("soft",), account.runway_thresholds.soft
    yield ("hard",), account.runway_thresholds.hard


topic.counted(
    "credit_recharges_total",
    CounterSpec.RECHARGES,
    FigureSource.READS,
    "Purchases of credits, recognised as rises of the balance that are not refunds.",
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
    "Rises of the balance that were refunds. A refund that charges outweigh between two reads is not seen.",
    EMPTY,
)

topic.counted(
    "credit_refunded_credits_total",
    CounterSpec.REFUNDED_CREDITS,
    FigureSource.READS,
    "Credits returned by these refunds.",
    EMPTY,
    unit=in_credits,
)


@topic.gauge(
    "purchase_coverage_ratio",
    FigureSource.READS,
    "Share of the last 30 days for which all purchases are known. Below 1, the use of monthly_spend_credits may "
    "be higher than shown.",
)
def _coverage(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.coverage is not None:
        yield (), account.credits.coverage


@topic.gauge(
    "autobilling_state",
    FigureSource.READS,
    "1 for the state of autobilling that the balance suggests, 0 for the others. Absent unless the threshold of "
    "autobilling is configured.",
    "state",
)
def _autobilling(account: AccountSnapshot, _: float) -> Rows:
    if account.credits is not None and account.credits.autobilling is not None:
        for state in AutobillingState:
            yield (state.value,), float(state is account.credits.autobilling)
