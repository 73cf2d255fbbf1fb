"""The peak use of each UTC day, by model, and how much of the day was watched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from monitor.judgement.daily_limit.ledger import DAY

KEPT_DAYS = 40
"""Days that are kept: the longest window, and some in the future of a clock that was set back."""


class Peak(msgspec.Struct, frozen=True, omit_defaults=True):
    """The peak of one model on one day.

    `generations` are those of 24 hours: the accepted ones, and one more if the daily limit refused any. `concurrency`
    is the most open tasks at one time, throttled ones included, as far as polls have shown them.
    """

    generations: int = 0
    concurrency: int = 0


class PeakDay(msgspec.Struct, frozen=True, omit_defaults=True):
    """One UTC day of an account. Every figure only grows."""

    watched_seconds: float = 0.0
    models: dict[str, Peak] = {}


class PeakWindow(NamedTuple):
    """The peaks of several days together. `watched` is the share of their time that was watched, 0 to 1."""

    name: str
    watched: float
    models: dict[str, Peak]


def day_of(now: float) -> str:
    """The UTC day of Unix seconds, such as `2026-11-22`."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def started(day: str) -> float:
    """When a UTC day began, in Unix seconds."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def raised(day: PeakDay, models: Mapping[str, Peak], watched_seconds: float) -> PeakDay:
    """The day, raised to these figures where they are higher."""
    return PeakDay(max(day.watched_seconds, watched_seconds), highest(day.models, models))


def highest(*days: Mapping[str, Peak]) -> dict[str, Peak]:
    """The highest figures of each model."""
    peaks: dict[str, Peak] = {}
    for model, peak in (entry for day in days for entry in day.items()):
        before = peaks.get(model, Peak())
        peaks[model] = Peak(max(before.generations, peak.generations), max(before.concurrency, peak.concurrency))
    return peaks


def window(name: str, days: Mapping[str, PeakDay], length: int, now: float) -> PeakWindow:
    """The last `length` UTC days, today included."""
    today = datetime.fromtimestamp(now, UTC).date()
    names = [(today - timedelta(days=back)).isoformat() for back in range(length)]
    found = [days[day] for day in names if day in days]
    seconds = (length - 1) * DAY + now - started(names[0])
    watched = sum(day.watched_seconds for day in found) / seconds if seconds else 0.0
    return PeakWindow(name, min(1.0, watched), highest(*(day.models for day in found)))
