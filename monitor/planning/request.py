"""What is asked for, checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from monitor.errors import MonitorError
from monitor.planning.vendor import TIERS

MOST_TASKS = 100_000
MOST_SECONDS = 86_400
MOST = 1_000_000


class PlanError(MonitorError):
    """A plan cannot be made of what was given. The message is one line: what is wrong, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """`count` tasks that run `seconds` each; None is not given. `by` is Unix seconds.

    Raises:
        PlanError: a value is out of its range, or two do not go together.
    """

    count: int
    seconds: float
    model: str | None = None
    by: float | None = None
    tier: int | None = None
    account: str | None = None
    concurrency: int | None = None
    daily: int | None = None
    used: int | None = None
    credits_per_task: float | None = None
    output_seconds: float | None = None

    def __post_init__(self) -> None:
        _check("--count", self.count, 1, MOST_TASKS)
        _check("--seconds", self.seconds, 0.001, MOST_SECONDS)
        _check("--concurrency", self.concurrency, 0, MOST)
        _check("--daily", self.daily, 0, MOST)
        _check("--used", self.used, 0, MOST)
        _check("--credits-per-task", self.credits_per_task, 0, MOST)
        _check("--output-seconds", self.output_seconds, 0.001, MOST_SECONDS)
        numbers = [tier.number for tier in TIERS.newest.tiers]
        _check("--tier", self.tier, min(numbers), max(numbers))
        if self.tier is not None and self.account is not None:
            raise PlanError("--tier plans without an account: leave out --tier or --account")
        if self.used is not None and self.offline and self.tier is None and self.daily is None:
            raise PlanError("--used counts against a daily limit: give --daily too")

    @property
    def offline(self) -> bool:
        """Whether the limits are given, so that no daemon is asked."""
        return self.account is None and not self.tier is self.concurrency is self.daily is None


def _check(option: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise PlanError(f"{option} {value}: give {least:,} to {most:,}")


def local(at: float) -> datetime:
    """A Unix time in the local zone."""
    return datetime.fromtimestamp(at, UTC).astimezone()


def deadline(text: str, now: float) -> float:
    """`18:00` is the next one; a date and a time are that moment; both local unless they carry an offset. Unix seconds.

    Raises:
        PlanError: it is neither, or has passed.
    """
    try:
        at = _next(time.fromisoformat(text), now)
    except ValueError:
        at = _moment(text)
    if at <= now:
        raise PlanError(f"--by {text!r}: that has passed")
    return at


def _next(clock: time, now: float) -> float:
    today = datetime.fromtimestamp(now, UTC).astimezone(clock.tzinfo).date()
    at = _at(today, clock)
    return at if at > now else _at(today + timedelta(days=1), clock)


def _at(day: date, clock: time) -> float:
    return datetime.combine(day, clock).timestamp()


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise PlanError(
            f"--by {text!r}: give a time such as 18:00, or a date and time such as 2026-11-23T18:00"
        ) from None
