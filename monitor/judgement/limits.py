"""When a limit will be hit: the closed set of answers."""

from __future__ import annotations

from enum import StrEnum
from math import inf


class LimitOutlook(StrEnum):
    """What can be said of a limit's future.

    `none_expected`: no hit is foreseen; an unlimited model has none. `too_early`: the traffic was not watched for long
    enough to tell. `expected`: it will be hit at a time. `full`: use is at or above the limit. `unknown`: the limit is
    unknown, or what is used of it.
    """

    NONE_EXPECTED = "none_expected"
    TOO_EARLY = "too_early"
    EXPECTED = "expected"
    FULL = "full"
    UNKNOWN = "unknown"


def limit_outlook(
    limit: float | None, used: float | None, hit_seconds: float | None, *, watched: bool = True
) -> LimitOutlook:
    """The answer for a limit, infinite where there is none, of which so much is used; None is unknown.

    `hit_seconds` is the forecast, None without one; `watched` says whether there is evidence to make one from.
    """
    if limit is None or used is None:
        return LimitOutlook.UNKNOWN
    if used >= limit:
        return LimitOutlook.FULL
    if hit_seconds is not None:
        return LimitOutlook.EXPECTED
    return LimitOutlook.NONE_EXPECTED if watched or limit == inf else LimitOutlook.TOO_EARLY


class LimitKind(StrEnum):
    """What an account can run into. The ledger is the daily limit measured with our own count.

    The balance has no ratio: it is judged by its runway.
    """

    CONCURRENCY = "concurrency"
    DAILY_GENERATIONS = "daily_generations"
    DAILY_GENERATIONS_LEDGER = "daily_generations_ledger"
    MONTHLY_SPEND_CREDITS = "monthly_spend_credits"
    CREDIT_BALANCE = "credit_balance"
