"""When the credits run out, and when the cap on purchases is reached. Units: credits and seconds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from monitor.judgement.credits.autobilling import Patience, autobilling_state
from monitor.judgement.credits.flow import BUCKET, spent, steps_with_spending
from monitor.judgement.credits.history import SPEND_WINDOW, BalanceHistory
from monitor.judgement.credits.outlook import AutobillingState, CreditOutlook, Recharge
from monitor.judgement.credits.purchases import AutobillingPlan
from monitor.judgement.daily_limit.ledger import DAY, HOUR
from monitor.judgement.limits import LimitOutlook, limit_outlook

WINDOWS = {"1h": HOUR, "24h": DAY}
LEAST_WATCHED = 600.0
LEAST_EVIDENCE = 1800.0
LEAST_PACE = 1e-9
"""Credits a second; what is slower is a rounding error of sums."""
LEAST_BUSY = 3
"""Five-minute steps of the last hour with burn, below which nothing is predicted."""
WHOLE = 0.999
"""Coverage from which on no purchase of the 30 days is missing."""


class Terms(msgspec.Struct, frozen=True):
    """What the balance is judged by: the cap on purchases in 30 days, None where unknown, and what is configured.

    `told` are purchases from the configuration; those before the monitor watched are believed, and to be all from the
    first of them on. Without `patience`, nothing is known of how the provider bills by itself.
    """

    cap: float | None = None
    plan: AutobillingPlan | None = None
    patience: Patience | None = None
    told: tuple[Recharge, ...] = ()


def credit_outlook(history: BalanceHistory, terms: Terms, now: float, *, is_fresh: bool) -> CreditOutlook:
    """What is shown of an account's credits; what follows from the balance only while that `is_fresh`."""
    plan, cap, told = terms.plan, terms.cap, terms.told
    earlier = sorted((each for each in told if each.at < history.since), key=lambda each: each.at)
    since = min([history.since, *(each.at for each in earlier)])
    coverage = min(1.0, max(0.0, now - since) / SPEND_WINDOW)
    known = sorted((*earlier, *history.recharges), key=lambda each: each.at)
    recharges = tuple(each for each in known if now - SPEND_WINDOW < each.at <= now)
    if not is_fresh:
        return CreditOutlook(coverage=coverage, recharges=recharges, bought_credits=_bought(recharges, coverage))
    windows = WINDOWS if history.at > history.since else {}
    present = _pace(history, HOUR, now) or _pace(history, DAY, now)
    pace, room = _expected_pace(history, now), None if cap is None else cap - sum(each.credits for each in recharges)
    bought, hit = _bought(recharges, coverage), _cap_seconds(recharges, cap, pace, now) if plan or recharges else None
    found = limit_outlook(cap, bought, hit, watched=now - history.since >= LEAST_EVIDENCE)
    return CreditOutlook(
        burn={name: _burn(history, seconds, now) for name, seconds in windows.items()},
        burn_seconds={name: _watched(history, seconds, now) for name, seconds in windows.items()},
        left_today_credits=_burn(history, now % DAY, now) if windows else None,
        runway_seconds=_lasts(history, present),
        runway_credits_per_hour=present * HOUR or None,
        balance_exhaustion_seconds=_within(history.balance / pace) if pace and history.balance > 0 else None,
        spend_exhaustion_seconds=hit,
        spend_outlook=found,
        spend_free_seconds=_free_seconds(recharges, cap, now) if found is LimitOutlook.FULL else None,
        bought_credits=bought,
        coverage=coverage,
        recharges=recharges,
        autobilling=_autobilling(history, terms, recharges, room, now),
    )


def _autobilling(
    history: BalanceHistory, terms: Terms, recharges: Sequence[Recharge], room: float | None, now: float
) -> AutobillingState | None:
    if terms.plan is None or terms.patience is None:
        return None
    return autobilling_state(terms.plan, terms.patience, history.low_since, recharges, room, now)


def _bought(recharges: Sequence[Recharge], coverage: float) -> float | None:
    """Credits known to be bought; None while that could be anything."""
    return sum(each.credits for each in recharges) if recharges or coverage >= WHOLE else None


def _lasts(history: BalanceHistory, pace: float) -> float | None:
    """How long the balance lasts; None while nothing is burnt."""
    if history.balance <= 0:
        return 0.0
    return history.balance / pace if pace else None


def _watched(history: BalanceHistory, window: float, now: float) -> float:
    """How much of the window the burn is known of."""
    return min(window, max(0.0, now - history.since))


def _burn(history: BalanceHistory, window: float, now: float) -> float:
    """Credits that left in the watched part of the window.

    The five minutes that the watching began in hold nothing from before, unless an older history does.
    """
    first = history.since // BUCKET * BUCKET
    start = history.since if any(flow.start < first for flow in history.flows) else first
    return spent(history.flows, now, min(window, max(0.0, now - start)))


def _pace(history: BalanceHistory, window: float, now: float) -> float:
    """Credits a second over as much of the window as was watched; 0 where that is too little, or hardly any."""
    watched = _watched(history, window, now)
    pace = _burn(history, window, now) / watched if watched >= LEAST_WATCHED else 0.0
    return pace if pace >= LEAST_PACE else 0.0


def _expected_pace(history: BalanceHistory, now: float) -> float:
    """Credits a second that may be relied upon: the slower of hour and day; 0 without evidence.

    A burst alone, or a burn that has ended, predicts nothing.
    """
    if now - history.since < LEAST_EVIDENCE or steps_with_spending(history.flows, now, HOUR) < LEAST_BUSY:
        return 0.0
    return min(_pace(history, HOUR, now), _pace(history, DAY, now))


def _cap_seconds(recharges: Sequence[Recharge], cap: float | None, pace: float, now: float) -> float | None:
    """How long until purchases reach the cap, if what is burnt is bought again; None at the cap, and without reason.

    Purchases free their room as they grow 30 days old (Runway, usage tiers: a rolling window of purchases).
    """
    if cap is None or not pace:
        return None
    room = cap - sum(each.credits for each in recharges)
    if room <= 0:
        return None
    for each in recharges:
        if room <= pace * (each.at + SPEND_WINDOW - now):
            break
        room += each.credits
    return _within(room / pace)


def _free_seconds(recharges: Sequence[Recharge], cap: float | None, now: float) -> float | None:
    """How long until less than the cap was bought in 30 days; None where that is not known, and for a cap of zero."""
    left = sum(each.credits for each in recharges)
    for each in recharges if cap else ():
        left -= each.credits
        if cap is not None and left < cap:
            return each.at + SPEND_WINDOW - now
    return None


def _within(seconds: float) -> float | None:
    """The time, unless it is too far away to be foretold."""
    return seconds if seconds <= SPEND_WINDOW else None
