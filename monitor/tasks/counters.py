"""Durable counts: what an observation adds, to which series.

A tally is kept in the database as one number per series, so it outlives the process and is the same for every daemon
that shares the store. `monitor.metrics` gives each tally its public name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial

import msgspec


class Tally(StrEnum):
    """Every durable count."""

    REQUESTS = "requests"
    REQUEST_RETRIES = "request_retries"
    REQUEST_SECONDS = "request_seconds"
    TASKS_CREATED = "tasks_created"
    TASKS_FINISHED = "tasks_finished"
    TASK_SECONDS = "task_seconds"
    TASK_CREDITS = "task_credits"
    TASKS_UNPRICED = "tasks_unpriced"
    WASTED_CREDITS = "wasted_credits"
    RECHARGES = "recharges"
    RECHARGED_CREDITS = "recharged_credits"
    REFUNDS = "refunds"
    REFUNDED_CREDITS = "refunded_credits"
    UNKNOWN_VALUES = "unknown_values"
    READS = "reads"


LABELS = {
    Tally.REQUESTS: ("endpoint", "kind", "model", "code", "outcome"),
    Tally.REQUEST_RETRIES: ("endpoint",),
    Tally.REQUEST_SECONDS: ("endpoint", "kind", "part"),
    Tally.TASKS_CREATED: ("model",),
    Tally.TASKS_FINISHED: ("model", "outcome", "reason"),
    Tally.TASK_SECONDS: ("model", "phase", "part"),
    Tally.TASK_CREDITS: ("model",),
    Tally.TASKS_UNPRICED: ("model",),
    Tally.WASTED_CREDITS: ("model", "reason"),
    Tally.RECHARGES: (),
    Tally.RECHARGED_CREDITS: (),
    Tally.REFUNDS: (),
    Tally.REFUNDED_CREDITS: (),
    Tally.UNKNOWN_VALUES: ("field",),
    Tally.READS: ("read", "outcome"),
}
"""The labels of each count, in the order in which they are stored; `part` is a bucket of a histogram, or its sum."""


class Series(msgspec.Struct, frozen=True):
    """One durable count."""

    tally: Tally
    labels: tuple[str, ...]
    value: float


class Increment(msgspec.Struct, frozen=True):
    """Add `amount` to the series of `tally` with these label values."""

    account: str
    tally: Tally
    labels: tuple[str, ...]
    amount: float = 1.0


REQUEST_BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
TASK_BOUNDS = (1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
BOUNDS = {Tally.REQUEST_SECONDS: REQUEST_BOUNDS, Tally.TASK_SECONDS: TASK_BOUNDS}

SUM = "sum"


def observe(account: str, tally: Tally, labels: tuple[str, ...], seconds: Sequence[float]) -> Iterator[Increment]:
    """The increments of observations of one histogram: each bucket's own count, not cumulative, and the sum.

    The last label is the bucket's upper bound (`+Inf` beyond the last) or `sum`.
    """
    bounds = BOUNDS[tally]
    for index, count in Counter(map(partial(bisect_left, bounds), seconds)).items():
        bound = format(bounds[index], "g") if index < len(bounds) else "+Inf"
        yield Increment(account, tally, (*labels, bound), count)
    yield Increment(account, tally, (*labels, SUM), sum(seconds))
