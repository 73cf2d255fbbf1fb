"""What is shown of an account's credits."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from monitor.judgement.limits import LimitOutlook


class AutobillingState(StrEnum):
    """Whether autobilling works, by what the balance shows.

    `due`: the balance is below the threshold, and the hourly check may still come. `overdue`: the check has come, and
    nothing was bought. `clipped`: the cap on purchases leaves less than the amount to buy. `stopped`: all three daily
    attempts must have failed, so nothing is bought until somebody buys.
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
    """What the history of the balance shows. None is unknown, or not predicted.

    `burn` is the credits spent in each window, of which `burn_seconds` were watched. Both are empty until two balances
    are known. `left_today_credits` were spent on the current UTC day. `runway_seconds` is how long the balance lasts at
    `runway_credits_per_hour`, the present pace. The exhaustions are forecasts.

    `spend_outlook` is that of the cap on purchases. `spend_free_seconds` is the time until something can be bought
    again, None unless the cap is reached. `recharges` are the purchases known of the last 30 days, oldest first, and
    `bought_credits` their sum, None while nothing is known of them. `coverage` is the share of the 30 days in which no
    purchase can have been missed.
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
