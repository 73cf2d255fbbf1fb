"""What the daily forecast would have said over a history of acceptances: the daemon's own steps, minute by minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

import msgspec

from monitor.judgement.daily_limit.forecast import ModelUse, estimate
from monitor.judgement.daily_limit.ledger import DAY, REACH, Ledger, Span
from monitor.judgement.daily_limit.warning import ForecastState, LimitWarning, advance, arm

EVERY = 60.0
"""Seconds from one forecast to the next."""


class Replay(msgspec.Struct, frozen=True):
    """Every warning in order of raising, the last perhaps still standing, and when the limit was hit. Unix seconds."""

    warnings: tuple[LimitWarning, ...]
    exhaustions: tuple[float, ...]


def replay(accepted: Sequence[float], limit: int) -> Replay:
    """Replay ascending acceptance times, as if they were all the traffic and the daemon had started with the first."""
    outlook, warnings = ForecastState(), []
    for use, now in uses(accepted):
        step = advance(outlook, estimate(use, limit, now), use.total(now), limit, now)
        outlook = step.outlook
        if step.ended is not None:
            warnings.append(step.ended)
    if outlook.standing is not None:
        warnings.append(outlook.standing.warning)
    return Replay(tuple(warnings), tuple(exhaustions(accepted, limit)))


def uses(accepted: Sequence[float]) -> Iterator[tuple[ModelUse, float]]:
    """What was known at each forecast until the last acceptance, and the time of the forecast.

    Times at which nothing has been accepted for longer than the forecast looks back are passed over.
    """
    ledger, taken = Ledger(), 0
    turn = 0
    while taken < len(accepted):
        turn = turn + 1 if len(ledger) else ceil(accepted[taken] / EVERY)
        now = turn * EVERY
        while taken < len(accepted) and accepted[taken] <= now:
            ledger.add(accepted[taken])
            taken += 1
        ledger.forget(now - REACH)
        yield ModelUse(ledger, (Span(accepted[0], now),)), now


def exhaustions(accepted: Sequence[float], limit: int) -> Iterator[float]:
    """When the acceptances of 24 hours reached `limit`, having been below 90 % of it since the last time."""
    armed, oldest = True, 0
    for newest, at in enumerate(accepted):
        while accepted[oldest] <= at - DAY:
            oldest += 1
        armed = arm(newest - oldest, limit, armed=armed)
        after = arm(newest - oldest + 1, limit, armed=armed)
        if armed and not after:
            yield at
        armed = after
