"""Durable counts.

The store keeps one number for each series, so a count outlives the process and is the same for every daemon that shares
the store. `monitor.metrics` gives each count its public name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial
from typing import Self

import msgspec

REQUEST_BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
TASK_BOUNDS = (1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
PART = "part"
"""The last stored label of a histogram: the upper bound of a bucket (`+Inf` beyond the last), or `sum`."""
SUM = "sum"

Labels = tuple[str, ...]


class CounterSpec(StrEnum):
    """Every durable count: its stored name, its labels in order, and for a histogram its bounds in seconds."""

    labels: Labels
    bounds: tuple[float, ...]

    REQUESTS = "requests", ("endpoint", "kind", "model", "code", "outcome")
    REQUEST_RETRIES = "request_retries", ("endpoint",)
    REQUEST_SECONDS = "request_seconds", ("endpoint", "kind", PART), REQUEST_BOUNDS
    TASKS_CREATED = "tasks_created", ("model",)
    TASKS_FINISHED = "tasks_finished", ("model", "outcome", "reason")
    TASK_SECONDS = "task_seconds", ("model", "phase", PART), TASK_BOUNDS
    TASK_CREDITS = "task_credits", ("model",)
    TASKS_UNPRICED = "tasks_unpriced", ("model",)
    WASTED_CREDITS = "wasted_credits", ("model", "reason")
    RECHARGES = "recharges", ()
    RECHARGED_CREDITS = "recharged_credits", ()
    REFUNDS = "refunds", ()
    REFUNDED_CREDITS = "refunded_credits", ()
    UNKNOWN_VALUES = "unknown_values", ("field",)
    READS = "reads", ("read", "outcome")

    def __new__(cls, name: str, labels: Labels = (), bounds: tuple[float, ...] = ()) -> Self:
        """Make a member that its stored name alone finds."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.labels, member.bounds = labels, bounds
        return member

    def values(self, **values: str) -> Labels:
        """Label values in their order, given by name. A label that is not given is empty.

        Raises:
            ValueError: a label has another name.
        """
        if unknown := values.keys() - set(self.labels):
            raise ValueError(f"{self} has no label {', '.join(sorted(unknown))}")
        return tuple(values.get(label, "") for label in self.labels)


class Series(msgspec.Struct, frozen=True):
    """One series of a durable count; `series["model"]` is the value of its label."""

    counter: CounterSpec
    labels: Labels
    value: float

    def __getitem__(self, label: str) -> str:
        return self.labels[self.counter.labels.index(label)]


class Increment(msgspec.Struct, frozen=True):
    """Add `amount` to the series of `counter` with these label values."""

    account: str
    counter: CounterSpec
    labels: Labels
    amount: float = 1.0


def observe(account: str, counter: CounterSpec, labels: Labels, seconds: Sequence[float]) -> Iterator[Increment]:
    """The increments that observations add to a histogram: to each bucket its own count, and to the sum.

    Stored buckets are not cumulative. `labels` are those before the last.
    """
    bounds = counter.bounds
    for index, count in Counter(map(partial(bisect_left, bounds), seconds)).items():
        bound = format(bounds[index], "g") if index < len(bounds) else "+Inf"
        yield Increment(account, counter, (*labels, bound), count)
    yield Increment(account, counter, (*labels, SUM), sum(seconds))
