"""The recommended concurrency as it is published: steady, while the limit behind it is searched.

An application that follows the recommendation keeps that many tasks open. The limit stands one above, to find out
whether more works. The application must hear of this small step or the search ends, so the step is published at once
while all of the recommendation is used. Every other change has to matter. A figure far away is published only after the
limit has stayed clearly away for minutes, and then the nearest value that the limit had. Where tasks find no room, a
fall by half is published at once.
"""

from __future__ import annotations

import msgspec

from monitor.judgement.capacity.concurrency import ConcurrencyLimit, peak, spare
from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.capacity.pace import CapacityRules

CLEAR = 0.75
"""The smaller of two figures is clearly less if it is at most this share of the larger one and differs by two, or is
half.
"""
DEEP = 0.5
HOLD_SHARE = 0.5
"""How long the limit must stay clearly away, as a share of the window."""


class Away(msgspec.Struct, frozen=True, array_like=True):
    """Since when the limit is clearly away from the published figure, on which side, and how near it came since."""

    since: float
    is_above: bool
    nearest: int


class Published(msgspec.Struct, frozen=True, array_like=True):
    """The published recommendation."""

    value: int
    away: Away | None = None


def publish(
    before: Published, limit: ConcurrencyLimit, state: QueueState | None, rules: CapacityRules, now: float
) -> Published:
    """The recommendation at `now`. `state` is that of the model's queue."""
    value, wanted = before.value, limit.whole
    if _is_next_step(value, limit) or (state is QueueState.SATURATED and _is_deep_fall(value, wanted)):
        return Published(wanted)
    if not _is_clear(value, wanted):
        return Published(value)
    away = _away(before, wanted, now)
    return Published(away.nearest) if now - away.since >= HOLD_SHARE * rules.window else Published(value, away)


def _away(before: Published, wanted: int, now: float) -> Away:
    is_above, old = wanted > before.value, before.away
    if old is None or old.is_above is not is_above:
        return Away(now, is_above, wanted)
    nearest = min if is_above else max
    return Away(min(old.since, now), is_above, nearest(old.nearest, wanted))


def _is_clear(one: int, other: int) -> bool:
    less, more = sorted((one, other))
    return less <= DEEP * more or (less <= CLEAR * more and more - less > 1)


def _is_deep_fall(value: int, wanted: int) -> bool:
    return wanted <= DEEP * value and value - wanted > 1


def _is_next_step(value: int, limit: ConcurrencyLimit) -> bool:
    """Whether the limit is a little higher, and the client keeps as many tasks open as recommended, not far more."""
    is_little = limit.whole == value + 1 or (limit.whole > value and not _is_clear(value, limit.whole))
    return is_little and value <= peak(limit.tasks) <= value + spare(limit)
