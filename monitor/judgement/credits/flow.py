"""Spending over the last day, in steps of five minutes. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitor.judgement.daily_limit.ledger import DAY

BUCKET = 300.0


class Flow(NamedTuple):
    """Net credits that left the balance in the five minutes from `start`. Negative when refunds exceed charges."""

    start: float
    credits: float


def add_spend(flows: Sequence[Flow], start: float, end: float, credits_: float) -> tuple[Flow, ...]:
    """Add spending that is spread evenly over (start, end]. Steps older than a day before `end` are dropped."""
    if not credits_:
        return tuple(flows)
    sums = {flow.start: flow.credits for flow in flows}
    first = max(start, end - DAY)
    bucket = first // BUCKET * BUCKET
    while bucket <= end:
        part = _overlap(bucket, first, end) / (end - start) if end > start else 1.0
        if part:
            sums[bucket] = sums.get(bucket, 0.0) + credits_ * part
        bucket += BUCKET
    return tuple(Flow(*item) for item in sorted(sums.items()))


def trim(flows: Sequence[Flow], now: float) -> tuple[Flow, ...]:
    """The steps that a window may still need. Steps in the future of a clock that was set back are dropped."""
    return tuple(flow for flow in flows if now - DAY - BUCKET < flow.start <= now)


def spent(flows: Sequence[Flow], now: float, seconds: float) -> float:
    """Credits spent in the last `seconds`, at least 0. A step that lies half in the window counts half."""
    start = now - seconds
    return max(0.0, sum(flow.credits * _share(flow.start, start) for flow in flows if flow.start <= now))


def steps_with_spending(flows: Sequence[Flow], now: float, seconds: float) -> int:
    """How many steps of the last `seconds` saw spending."""
    return sum(flow.credits > 0 for flow in flows if now - seconds <= flow.start <= now)


def _share(bucket: float, start: float) -> float:
    """The share of a step that lies after `start`."""
    return min(1.0, max(0.0, bucket + BUCKET - start) / BUCKET)


def _overlap(bucket: float, start: float, end: float) -> float:
    return max(0.0, min(bucket + BUCKET, end) - max(bucket, start))
