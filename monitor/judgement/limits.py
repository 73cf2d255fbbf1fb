"""The limits that an account can run into, and what can be said of when it will."""

from __future__ import annotations

from enum import StrEnum
from math import inf


class LimitOutlook(StrEnum):
    """What can be said of a limit's future.

    `none_expected`: no hit is predicted, or there is no limit. `too_early`: too little was watched to tell. `expected`:
    the limit will be reached at a known time. `full`: use is at or above the limit. `unknown`: the limit or its use is
    unknown.
    """

    NONE_EXPECTED = "none_expected"
    TOO_EARLY = "too_early"
    EXPECTED = "expected"
    FULL = "full"
    UNKNOWN = "unknown"


def limit_outlook(
    limit: float | None, used: float | None, hit_seconds: float | None, *, watched: bool = True
) -> LimitOutlook:
    """The outlook of a limit at this use. An infinite limit is unlimited, None is unknown.

    `hit_seconds` is the forecast, None without one. `watched` says whether there is evidence for a forecast.
    """
    if limit is None or used is None:
        return LimitOutlook.UNKNOWN
    if used >= limit:
        return LimitOutlook.FULL
    if hit_seconds is not None:
        return LimitOutlook.EXPECTED
    return LimitOutlook.NONE_EXPECTED if watched or limit == inf else LimitOutlook.TOO_EARLY


class LimitKind(StrEnum):
    """What an account can run into. The ledger is the daily limit by our own count.

    The balance has no ratio: it is judged by how long it lasts.
    """

    CONCURRENCY = "concurrency"
    DAILY_GENERATIONS = "daily_generations"
    DAILY_GENERATIONS_LEDGER = "daily_generations_ledger"
    MONTHLY_SPEND_CREDITS = "monthly_spend_credits"
    CREDIT_BALANCE = "credit_balance"
