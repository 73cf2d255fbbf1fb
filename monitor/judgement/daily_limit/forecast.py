"""When the rolling daily cap of one model will be hit.

Use at a later time is what is used now, less the entries of the window that expire until then, plus what will be
accepted until then. The first two are known exactly. Acceptances are taken to begin at the present pace and to fade,
over `FADE`, into those of the same hours yesterday, halfway (geometrically) scaled to today's level; where yesterday
was not watched, the present pace goes on. The pace is measured over half an hour and over two hours, and both must
lead to the limit, with a margin for chance, before anything is announced. What has been announced is kept up while the
shorter pace still leads there.

The constants were chosen on the tuning seeds of `benchmarks.forecast`; docs/reference/benchmarks.md has their scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import exp, sqrt

import msgspec

from monitor.judgement.daily_limit.ledger import DAY, HOUR, Ledger, Span, seconds_watched

STEP = 300.0
STEPS = 48
HORIZON = STEP * STEPS
"""Nothing further ahead is looked at."""
ANNOUNCED = 2 * HOUR
"""A limit is announced when it will be hit within this time even by the cautious path."""
PACES = (HOUR / 2, 2 * HOUR)
FADE = HOUR
LEVEL_OVER = 3 * HOUR
LEVEL_PRIOR = 0.1
SMOOTHING = 6
CAUTION = 0.8
CHANCE = 1.3
DRIFT = 0.25
LEAST_SHARE = 0.5
LEAST_ENTRIES = 3
LONGEST_RUN = 6


class Estimate(msgspec.Struct, frozen=True):
    """Seconds until a limit is hit.

    `expected` is the likely time; `latest` a cautious one, or None where the evidence does not bear an announcement
    and only keeps one that has been made.
    """

    expected: float
    latest: float | None


class ModelUse(msgspec.Struct, frozen=True):
    """What is known of one model's use: our own ledger, when we watched, and the provider's figure where it told one.

    Use that the provider counts beyond ours is taken to lie evenly over the window. What of it lies in time that we
    watched never came past us: it is taken to go on as it is. The rest expires unreplaced.
    """

    ledger: Ledger
    watched: tuple[Span, ...]
    provider: int | None = None

    def total(self, now: float) -> int:
        """The larger of both figures."""
        return max(self.ledger.used(now), self.provider or 0)


def estimate(use: ModelUse, limit: int, now: float) -> Estimate | None:
    """When `limit` will be hit; None without reason to expect it. At the limit, zero seconds."""
    used = use.total(now)
    if used >= limit:
        return Estimate(0.0, 0.0)
    if used < LEAST_SHARE * limit or use.ledger.between(now - max(PACES), now) < LEAST_ENTRIES:
        return None
    short, long = (_pace(use, seconds, now) for seconds in PACES)
    if short is None or long is None:
        return None
    expiring, yesterday, blind = _window(use, used, now)
    room = [limit - used + gone for gone in expiring]
    level = _level(use, limit, now)
    fade = _fade(use, long, now)
    paths = [list(accumulate(_rates(pace, fade, level, yesterday, blind), initial=0.0)) for pace in (short, long)]
    sooner, later = (crossing(arrivals, room) for arrivals in paths)
    if sooner is None:
        return None
    expected = sooner if later is None else (sooner + later) / 2
    return Estimate(expected, _agreed([crossing(_at_least(arrivals), room) for arrivals in paths]))


def is_evident(watched: Sequence[Span], now: float) -> bool:
    """Whether enough was watched to tell a pace, and so to make a forecast or to expect nothing."""
    return all(seconds_watched(watched, now - seconds, now) >= seconds / 2 for seconds in PACES)


def _pace(use: ModelUse, seconds: float, now: float) -> float | None:
    """Acceptances in a step at the pace of the last `seconds`; None when less than half of them was watched."""
    watched = seconds_watched(use.watched, now - seconds, now)
    return use.ledger.between(now - seconds, now) * STEP / watched if watched >= seconds / 2 else None


def _at_least(arrivals: Sequence[float]) -> list[float]:
    """Arrivals less a margin for chance, which weighs on few, and for a pace that drifts, which weighs on many."""
    return [count - CAUTION * sqrt(CHANCE * count + (DRIFT * count) ** 2) for count in arrivals]


def _agreed(cautious: Sequence[float | None]) -> float | None:
    """The later of the paces' times when all of them are near enough to be announced."""
    latest = max(HORIZON if seconds is None else seconds for seconds in cautious)
    return latest if latest <= ANNOUNCED else None


def _window(use: ModelUse, used: int, now: float) -> tuple[list[float], list[float], list[float]]:
    """Step by step: what has expired by its end; what was accepted in it yesterday, smoothed; its unwatched share."""
    start = now - DAY - SMOOTHING * STEP
    steps = STEPS + 2 * SMOOTHING
    ours = use.ledger.cumulative(start, STEP, steps)
    blind = [0.0] * steps
    if seconds_watched(use.watched, start, start + steps * STEP) < steps * STEP:
        edges = [start + k * STEP for k in range(steps + 1)]
        blind = [1 - seconds_watched(use.watched, a, b) / STEP for a, b in pairwise(edges)]
    unseen = (used - use.ledger.used(now)) * STEP / DAY
    both = [a + b * unseen for a, b in zip(ours, accumulate(blind, initial=0.0), strict=True)]
    expiring = [both[SMOOTHING + k] - both[SMOOTHING] for k in range(STEPS + 1)]
    width = 2 * SMOOTHING
    yesterday = [(late - early) / width for early, late in zip(ours, ours[width:-1], strict=False)]
    return expiring, yesterday, blind[SMOOTHING : SMOOTHING + STEPS]


def _level(use: ModelUse, limit: int, now: float) -> float:
    """Today's acceptances of the last hours to yesterday's, drawn towards 1 where there are few."""
    prior = LEVEL_PRIOR * limit * LEVEL_OVER / DAY
    today = use.ledger.between(now - LEVEL_OVER, now)
    then = now - DAY
    watched = seconds_watched(use.watched, then - LEVEL_OVER, then) / LEVEL_OVER
    before = use.ledger.between(then - LEVEL_OVER, then) + (1 - watched) * today
    return sqrt((today + prior) / (before + prior))


def _fade(use: ModelUse, pace: float, now: float) -> float:
    """Seconds over which the present pace fades into yesterday's.

    Yesterday says nothing of the end of a run that it did not have: such a run is taken to go on for as long as it has
    lasted, in whole hours that held at least half the pace while yesterday's did not.
    """
    half = pace * HOUR / STEP / 2
    hours = 0
    while hours < LONGEST_RUN:
        end = now - hours * HOUR
        today, before = (use.ledger.between(at - HOUR, at) for at in (end, end - DAY))
        if today < half or before >= half:
            break
        hours += 1
    return max(FADE, hours * HOUR)


def _rates(
    pace: float, fade: float, level: float, yesterday: Sequence[float], blind: Sequence[float]
) -> Iterator[float]:
    """Acceptances expected in each step."""
    weight, fall = exp(-STEP / 2 / fade), exp(-STEP / fade)
    for usual, unknown in zip(yesterday, blind, strict=True):
        later = level * usual + unknown * (pace - level * usual)
        yield later + weight * (pace - later)
        weight *= fall


def crossing(arrivals: Sequence[float], room: Sequence[float]) -> float | None:
    """Seconds until arrivals fill the room, both given at the end of each step; within a step in proportion."""
    lack = [free - came for free, came in zip(room, arrivals, strict=True)]
    if lack[0] <= 0:
        return 0.0
    for k, (before, after) in enumerate(pairwise(lack)):
        if after <= 0:
            return STEP * (k + before / (before - after))
    return None
