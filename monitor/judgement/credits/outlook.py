"""What is shown of an account's credits."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from monitor.judgement.limits import LimitOutlook


class AutobillingState(StrEnum):
    """How autobilling fares, by what the balance shows.

    `due`: the balance is below the threshold and the hourly check may still come; `overdue`: it has come and nothing
    was bought; `clipped`: the cap on purchases leaves less than the amount to be bought; `stopped`: all three daily
    attempts must have failed, so that nothing is bought any more until somebody does.
    """

    OK = "ok"
    DUE = "due"
    OVERDUE = "overdue"
    CLIPPED = "clipped"
    STOPPED = "stopped"


class Recharge(msgspec.Struct, frozen=True):
    """Credits bought at a Unix time."""

    at: float
    credits: float


class CreditOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """What the history of the balance tells. None is unknown, or not predicted.

    `burn` is the credits that left the balance, by window, of which `burn_seconds` were watched; both are empty until
    two balances are known. `left_today_credits` left it on the current UTC day. `runway_seconds` is how long the
    balance lasts at `runway_credits_per_hour`, the present burn; the exhaustions are forecasts. `spend_outlook` is
    that of the cap on purchases, and `spend_free_seconds` the time until enough purchases are 30 days old for something
    to be bought again, None unless the cap is reached.
    `recharges` are the purchases known of the last 30 days in ascending order, `bought_credits` their sum, None
    while nothing is known of them, and `coverage` the share of the 30 days in which none can have been missed.
    """

    burn: dict[str, float] = {}
    burn_seconds: dict[str, float] = {}
    left_today_credits: float | None = None
    runway_seconds: float | None = None
    runway_credits_per_hour: float | None = None
    balance_exhaustion_seconds: float | None = None
    spend_exhaustion_seconds: float | None = None
    spend_outlook: LimitOutlook = LimitOutlook.UNKNOWN
    spend_free_seconds: float | None = None
    bought_credits: float | None = None
    coverage: float | None = None
    recharges: tuple[Recharge, ...] = ()
    autobilling: AutobillingState | None = None
