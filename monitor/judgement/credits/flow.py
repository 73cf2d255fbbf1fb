"""What left the balance and when, in steps of five minutes for a day. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitor.judgement.daily_limit.ledger import DAY

BUCKET = 300.0


class Flow(NamedTuple):
    """Net credits that left the balance in the five minutes from `start`; negative when refunds exceed charges."""

    start: float
    credits: float


def add_spend(flows: Sequence[Flow], start: float, end: float, credits_: float) -> tuple[Flow, ...]:
    """The flows after `credits_` left evenly over (start, end], as far as the day before `end` reaches."""
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
    """The flows that a window may still need; what lies in the future of a clock that was set back is none of them."""
    return tuple(flow for flow in flows if now - DAY - BUCKET < flow.start <= now)


def spent(flows: Sequence[Flow], now: float, seconds: float) -> float:
    """Credits that left in the last `seconds`, at least 0: a bucket half in the window counts half."""
    start = now - seconds
    return max(0.0, sum(flow.credits * _share(flow.start, start) for flow in flows if flow.start <= now))


def steps_with_spending(flows: Sequence[Flow], now: float, seconds: float) -> int:
    """How many buckets of the last `seconds` had credits leaving."""
    return sum(flow.credits > 0 for flow in flows if now - seconds <= flow.start <= now)


def _share(bucket: float, start: float) -> float:
    """How much of a bucket lies after `start`."""
    return min(1.0, max(0.0, bucket + BUCKET - start) / BUCKET)


def _overlap(bucket: float, start: float, end: float) -> float:
    return max(0.0, min(bucket + BUCKET, end) - max(bucket, start))
