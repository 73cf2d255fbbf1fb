"""What is kept of one limit's forecasts: where they stand, and how the last weeks went. One record is one document."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from monitor.judgement.daily_limit.ledger import DAY
from monitor.judgement.daily_limit.quality import LEAST_LEAD, Quality, judge, quality
from monitor.judgement.daily_limit.warning import ForecastState, ForecastStep, LimitWarning

KEPT = 28 * DAY


class ForecastRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The outlook, with the ended warnings and the exhaustions of the last four weeks in ascending order."""

    outlook: ForecastState = ForecastState()
    warnings: tuple[LimitWarning, ...] = ()
    exhaustions: tuple[float, ...] = ()


def after(record: ForecastRecord, step: ForecastStep, watched_seconds: float, now: float) -> ForecastRecord:
    """The record once `step` was taken at `now`, when all had been watched for so long.

    An exhaustion that nothing could have foretold, because watching had only begun, is not kept.
    """
    ended = () if step.ended is None else (step.ended,)
    counts = step.exhausted and (bool(ended) or watched_seconds >= LEAST_LEAD)
    warnings, exhaustions = (*record.warnings, *ended), (*record.exhaustions, *((now,) if counts else ()))
    return ForecastRecord(
        outlook=step.outlook,
        warnings=tuple(each for each in warnings if each.raised_at > now - KEPT),
        exhaustions=tuple(at for at in exhaustions if at > now - KEPT),
    )


def quality_of(records: Iterable[ForecastRecord], now: float) -> Quality:
    """How good the forecasts of these limits were, by the definition of `quality`."""
    total = Quality()
    for record in records:
        verdicts = [judge(warning, record.exhaustions, now) for warning in record.warnings]
        total += quality(verdicts, record.exhaustions, since=float("-inf"))
    return total
