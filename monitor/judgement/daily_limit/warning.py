"""A warning's life as a pure transition: raised, kept up to date, and withdrawn.

The `ForecastState` is all there is to persist.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from monitor.judgement.daily_limit.forecast import Estimate

QUIET = 60 * 60.0
"""A warning is withdrawn when nothing has pointed to the limit for this long."""
STRETCH = 1.5
LEAST_TERM = 30 * 60.0
REARMED = 0.9


class LimitWarning(msgspec.Struct, frozen=True, kw_only=True):
    """That a limit will be hit, as announced at `raised_at`: expected at one time, promised by another. Unix seconds.

    `withdrawn_at` is None while it stands, and when the limit was hit.
    """

    raised_at: float
    expected_at: float
    promised_at: float
    withdrawn_at: float | None = None

    @property
    def term(self) -> float:
        """Until when the limit must be hit for the warning to have been right."""
        return self.raised_at + max(LEAST_TERM, STRETCH * (self.promised_at - self.raised_at))


class StandingWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A warning that stands, what was last expected, and when."""

    warning: LimitWarning
    expected_at: float
    seen_at: float


class ForecastState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one limit from one evaluation to the next.

    `armed` is False from an exhaustion until use has fallen below 90 % of the limit: meanwhile there is nothing to
    announce that is not known.
    """

    armed: bool = True
    standing: StandingWarning | None = None


class ForecastStep(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluation leads to: the new outlook, the warning that has just ended, and whether the limit was hit."""

    outlook: ForecastState
    ended: LimitWarning | None = None
    exhausted: bool = False


def arm(used: float, limit: float, *, armed: bool) -> bool:
    """Whether the next time that `used` reaches `limit` will be an exhaustion of its own."""
    return used < limit and (armed or used < REARMED * limit)


def advance(outlook: ForecastState, found: Estimate | None, used: float, limit: float, now: float) -> ForecastStep:
    """The step that `used` of `limit` and the estimate found for it at `now` lead to.

    A hit ends a warning. So does the end of its term, after which only fresh evidence raises another; and a while
    without evidence withdraws it.
    """
    armed = arm(used, limit, armed=outlook.armed)
    if not armed:
        ended = outlook.standing.warning if outlook.standing else None
        return ForecastStep(outlook=ForecastState(armed=False), ended=ended, exhausted=outlook.armed)
    standing, ended = _renew(outlook.standing, found, now)
    return ForecastStep(outlook=ForecastState(standing=standing or _raise(found, now)), ended=ended)


def _renew(
    standing: StandingWarning | None, found: Estimate | None, now: float
) -> tuple[StandingWarning | None, LimitWarning | None]:
    """The warning that still stands, or the one that has ended."""
    if standing is None:
        return None, None
    if now > standing.warning.term or (found is None and abs(now - standing.seen_at) >= QUIET):
        return None, replace(standing.warning, withdrawn_at=now)
    if found is None:
        return standing, None
    return replace(standing, expected_at=now + found.expected, seen_at=now), None


def _raise(found: Estimate | None, now: float) -> StandingWarning | None:
    if found is None or found.latest is None:
        return None
    expected_at, promised_at = now + found.expected, now + found.latest
    warning = LimitWarning(raised_at=now, expected_at=expected_at, promised_at=promised_at)
    return StandingWarning(warning=warning, expected_at=expected_at, seen_at=now)


def seconds_left(outlook: ForecastState, now: float) -> float | None:
    """What to show: the expected time until the limit is hit, while a warning stands and that time is still ahead."""
    standing = outlook.standing
    return None if standing is None or standing.expected_at <= now else standing.expected_at - now
