"""The answer to "until when?" in words: the status page, the API's warnings and `genmedia-monitor status` agree."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.limits import LimitOutlook, limit_outlook
from monitor.observations import Organization
from monitor.views.formatting import amount, clock_time, duration, words

NEVER_FREES = "the limit is 0"


def daily_outlook(model: str, daily: Iterable[DailyOutlook], told: Organization | None) -> DailyOutlook:
    """The outlook of one model; a model without generations in 24 hours has used nothing of its limit."""
    if (found := next((one for one in daily if one.model == model), None)) is not None:
        return found
    if told is None or not told.knows(model, "daily_generations"):
        return DailyOutlook(model=model)
    limit = told.limits[model].daily_generations
    return DailyOutlook(model=model, limit=limit, outlook=limit_outlook(inf if limit is None else limit, 0, None))


def daily_in_words(daily: DailyOutlook, at: float) -> str:
    """When the daily limit will be full, or when a full one has room again, as of the Unix time `at`."""
    if daily.outlook is not LimitOutlook.FULL:
        return _expected(daily.outlook, daily.exhaustion_seconds)
    if not daily.limit:
        return f"full; {NEVER_FREES}"
    if daily.free_seconds is None:
        first = daily.next_free_seconds
        seen = "" if first is None else f"; of those it saw, the first frees {_in(first, at)}"
        generations = f"{amount(daily.unseen)} of the generations"
        return f"full; when a slot frees is unknown: the gateway did not see {generations}{seen}"
    if daily.free_seconds <= 0:
        return "full when the provider last counted; a slot has freed since"
    return f"full; the first slot frees {_in(daily.free_seconds, at)}"


def spend_in_words(credits_: CreditOutlook, at: float) -> str:
    """When no more credits can be bought, or when they can be again, as of the Unix time `at`."""
    if credits_.spend_outlook is not LimitOutlook.FULL:
        return _expected(credits_.spend_outlook, credits_.spend_exhaustion_seconds)
    if credits_.spend_free_seconds is None:
        return f"full; {NEVER_FREES}"
    return f"full; the first purchase leaves the 30 days {_in(credits_.spend_free_seconds, at)}"


def until_full(answer: str) -> str:
    """The answer where nothing else says of what it is."""
    return answer if answer.startswith(LimitOutlook.FULL) else f"until full: {answer}"


def _expected(found: LimitOutlook, seconds: float | None) -> str:
    return words(found.value) if seconds is None else duration(seconds)


def _in(seconds: float, at: float) -> str:
    return f"in {duration(seconds)} ({clock_time(at + seconds, at)})"
