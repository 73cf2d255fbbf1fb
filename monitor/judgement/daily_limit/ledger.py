"""The rolling window of a daily limit: when each generation of one model was accepted.

A slot is taken when a generation is accepted and frees exactly 24 hours later (Runway, usage tiers: a rolling window,
not a calendar day). The window at `now` is (now - 24 h, now]. Times are Unix seconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

HOUR = 3600.0
DAY = 24 * HOUR
REACH = 28 * HOUR
"""How far back the forecast looks: the window, and the hours before it a day ago."""


class Leaving(NamedTuple):
    """Some slots, and when the first and the last of them free, in Unix seconds."""

    slots: int
    first: float
    last: float


class Ledger:
    """Acceptance times of one model in ascending order, eight bytes each.

    It holds what it is given. That a task is accepted once is settled before, by the task's id.
    """

    def __init__(self, accepted: Iterable[float] = ()) -> None:
        self._accepted = array("d", sorted(accepted))

    def __len__(self) -> int:
        return len(self._accepted)

    def add(self, at: float) -> None:
        """Add an acceptance, whenever it was."""
        self._accepted.insert(bisect_right(self._accepted, at), at)

    def replace(self, since: float, accepted: Iterable[float]) -> None:
        """Replace the acceptances after `since` by these. The same call twice changes nothing."""
        del self._accepted[bisect_right(self._accepted, since) :]
        self._accepted.extend(sorted(at for at in accepted if at > since))

    def forget(self, until: float) -> None:
        """Drop the acceptances up to `until`. If the clock is set back, they must be given again."""
        del self._accepted[: bisect_right(self._accepted, until)]

    def between(self, start: float, end: float) -> int:
        """How many were accepted in (start, end]."""
        return max(0, bisect_right(self._accepted, end) - bisect_right(self._accepted, start))

    def seconds(self, start: float, end: float) -> float:
        """The sum of the seconds from `start` to each acceptance in (start, end]."""
        low, high = bisect_right(self._accepted, start), bisect_right(self._accepted, end)
        return sum(at - start for at in self._accepted[low:high])

    def used(self, now: float) -> int:
        """How many slots are taken: the acceptances in (now - 24 h, now]."""
        return self.between(now - DAY, now)

    def freeing(self, now: float, seconds: float) -> int:
        """How many of the slots taken at `now` are free again `seconds` later."""
        return self.between(now - DAY, min(now, now - DAY + seconds))

    def next_free(self, now: float) -> float | None:
        """When the next taken slot frees. None if none is taken."""
        first = bisect_right(self._accepted, now - DAY)
        if first < len(self._accepted) and self._accepted[first] <= now:
            return self._accepted[first] + DAY
        return None

    def expiries(self, now: float, most: int) -> list[Leaving]:
        """When the slots taken at `now` free, in order and in at most `most` groups; one by one if they are few."""
        low, high = bisect_right(self._accepted, now - DAY), bisect_right(self._accepted, now)
        size = max(1, ceil((high - low) / most))
        groups = (self._accepted[at : min(at + size, high)] for at in range(low, high, size))
        return [Leaving(len(group), group[0] + DAY, group[-1] + DAY) for group in groups]

    def below(self, limit: int, now: float) -> float | None:
        """When fewer than `limit` of the slots taken at `now` are left, not before `now`. None for a limit of 0."""
        used = self.used(now)
        if used < limit or limit <= 0:
            return now if limit > 0 else None
        return self._accepted[bisect_right(self._accepted, now - DAY) + used - limit] + DAY

    def cumulative(self, start: float, step: float, count: int) -> list[int]:
        """How many were accepted in (start, start + k * step], for k from 0 to `count`."""
        accepted, low = self._accepted, bisect_right(self._accepted, start)
        high = bisect_right(accepted, start + count * step, low)
        return [bisect_right(accepted, start + k * step, low, high) - low for k in range(count + 1)]


class Span(NamedTuple):
    """A span of time in which every acceptance that passed through the gateway was seen."""

    start: float
    end: float


def attend(watched: Sequence[Span], now: float, gap: float) -> tuple[Span, ...]:
    """The watched spans after one more sign of life at `now`.

    A silence of more than `gap` seconds begins a new span. What lies in the future of a clock that was set back was not
    watched. Spans that no window needs are dropped.
    """
    known = [Span(start, min(end, now)) for start, end in watched if start <= now and end > now - REACH]
    if known and now - known[-1].end <= gap:
        known[-1] = Span(known[-1].start, now)
    else:
        known.append(Span(now, now))
    return tuple(known)


def seconds_watched(watched: Iterable[Span], start: float, end: float) -> float:
    """How much of (start, end] was watched. The spans do not overlap."""
    return sum(max(0.0, min(span.end, end) - max(span.start, start)) for span in watched)


def coverage(watched: Iterable[Span], now: float) -> float:
    """The share of (now - 24 h, now] that was watched, 0 to 1."""
    return min(1.0, seconds_watched(watched, now - DAY, now) / DAY)
