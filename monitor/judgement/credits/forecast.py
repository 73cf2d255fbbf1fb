"""When the credits run out, and when the cap on purchases is reached. Units are credits and seconds."""

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
"""Credits a second. A slower pace is a rounding error."""
LEAST_BUSY = 3
"""Steps of five minutes with spending in the last hour. With fewer, nothing is predicted."""
WHOLE = 0.999
"""From this coverage on, no purchase of the 30 days is missing."""


class Terms(msgspec.Struct, frozen=True):
    """What the balance is judged by. `cap` limits purchases in 30 days, None where unknown.

    `told` are purchases from the configuration. Those from before the monitor watched are taken as true, and as
    complete from the first of them on. `patience` is None if it is unknown how the provider bills.
    """

    cap: float | None = None
    plan: AutobillingPlan | None = None
    patience: Patience | None = None
    told: tuple[Recharge, ...] = ()


def credit_outlook(history: BalanceHistory, terms: Terms, now: float, *, is_fresh: bool) -> CreditOutlook:
    """What is shown of an account's credits. Figures that depend on the balance are shown only while it `is_fresh`."""
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
    """Credits known to be bought. None while nothing is known of purchases."""
    return sum(each.credits for each in recharges) if recharges or coverage >= WHOLE else None


def _lasts(history: BalanceHistory, pace: float) -> float | None:
    """How long the balance lasts. None without spending."""
    if history.balance <= 0:
        return 0.0
    return history.balance / pace if pace else None


def _watched(history: BalanceHistory, window: float, now: float) -> float:
    """How much of the window was watched."""
    return min(window, max(0.0, now - history.since))


def _burn(history: BalanceHistory, window: float, now: float) -> float:
    """Credits spent in the watched part of the window.

    The first five-minute step holds nothing from before the watching began, unless an older history does.
    """
    first = history.since // BUCKET * BUCKET
    start = history.since if any(flow.start < first for flow in history.flows) else first
    return spent(history.flows, now, min(window, max(0.0, now - start)))


def _pace(history: BalanceHistory, window: float, now: float) -> float:
    """Credits a second over the watched part of the window. 0 if too little was watched, or hardly anything spent."""
    watched = _watched(history, window, now)
    pace = _burn(history, window, now) / watched if watched >= LEAST_WATCHED else 0.0
    return pace if pace >= LEAST_PACE else 0.0


def _expected_pace(history: BalanceHistory, now: float) -> float:
    """The pace that a prediction may rely on: the slower of the last hour's and the last day's. 0 without evidence.

    A single burst predicts nothing, and neither does spending that has ended.
    """
    if now - history.since < LEAST_EVIDENCE or steps_with_spending(history.flows, now, HOUR) < LEAST_BUSY:
        return 0.0
    return min(_pace(history, HOUR, now), _pace(history, DAY, now))


def _cap_seconds(recharges: Sequence[Recharge], cap: float | None, pace: float, now: float) -> float | None:
    """How long until purchases reach the cap, if all that is spent is bought again. None at the cap or unknown.

    A purchase frees its room when it is 30 days old (Runway, usage tiers: a rolling window of purchases).
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
    """How long until purchases of 30 days fall below the cap. None if unknown, or if the cap is zero."""
    left = sum(each.credits for each in recharges)
    for each in recharges if cap else ():
        left -= each.credits
        if cap is not None and left < cap:
            return each.at + SPEND_WINDOW - now
    return None


def _within(seconds: float) -> float | None:
    """The time, or None if it is too far away to be predicted."""
    return seconds if seconds <= SPEND_WINDOW else None
