"""The recent speed of a model and how often it had no room, in slices of time that add up.

Durations are kept as sums of their logarithms. Their mean is the geometric mean: a single very long task hardly moves
it, and a task twice as slow counts as much as one twice as fast.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import log, sqrt
from typing import NamedTuple

import msgspec

SLICES = 20
REACH_WINDOWS = 6
"""How many windows back to look if one shows too little."""
SHORTEST_SECONDS = 0.01
LEAST_SPREAD = 0.05
"""The least standard deviation of durations, as a logarithm: 5 %."""


class CapacityRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a judgement, and what holds for a model that is not learnt yet. Seconds."""

    window: float = 300.0
    min_samples: int = 20
    healthy_seconds: float
    concurrency: tuple[int, int]

    @property
    def slice(self) -> float:
        """Length of one slice."""
        return self.window / SLICES


class Ended(NamedTuple):
    """A task that succeeded, or that failed because there was no room. Unix seconds."""

    started: float
    ended: float
    is_well: bool = True

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(self.ended - self.started, SHORTEST_SECONDS)


class Slice(msgspec.Struct, frozen=True, array_like=True):
    """One slice of time from `start` on.

    `logs` and `squares` are sums over the logarithms of the durations of the tasks that went `well`. `failed` tasks
    were accepted and found no room. `refused` requests were turned away or given up. `attempts` are all requests.
    """

    start: float
    well: int = 0
    logs: float = 0.0
    squares: float = 0.0
    failed: int = 0
    attempts: int = 0
    refused: int = 0


def add(slices: Sequence[Slice], news: Iterable[Slice]) -> tuple[Slice, ...]:
    """The slices in order. Those of the same start are added up."""
    found = {one.start: one for one in slices}
    for new in news:
        old = found.get(new.start, Slice(new.start))
        sums = (a + b for a, b in zip(_sums(old), _sums(new), strict=True))
        found[new.start] = Slice(new.start, *sums)  # type: ignore[arg-type]
    return tuple(found[start] for start in sorted(found))


def _sums(one: Slice) -> tuple[float, ...]:
    return one.well, one.logs, one.squares, one.failed, one.attempts, one.refused


def slice_of(task: Ended, rules: CapacityRules) -> Slice:
    """The slice of one task."""
    start = task.ended // rules.slice * rules.slice
    if not task.is_well:
        return Slice(start, failed=1)
    value = log(task.seconds)
    return Slice(start, 1, value, value * value)


def recent(slices: Sequence[Slice], rules: CapacityRules, now: float) -> tuple[Slice, ...]:
    """The slices to judge by: those of the window, and older ones within reach if these show too little."""
    attempts, ended, first = 0, 0, len(slices)
    for index in range(len(slices) - 1, -1, -1):
        one = slices[index]
        age, enough = now - one.start, max(attempts, ended) >= rules.min_samples
        if age > REACH_WINDOWS * rules.window or (age > rules.window and enough):
            break
        attempts, ended, first = attempts + one.attempts, ended + one.well + one.failed + one.refused, index
    return tuple(slices[first:])


def _tried(one: Slice) -> int:
    return max(one.attempts, one.well + one.failed + one.refused)


class Pace(NamedTuple):
    """Slices added up. `mean` and its standard error `error` are of the logarithm of seconds."""

    well: int = 0
    mean: float = 0.0
    error: float = 0.0
    failures: int = 0
    tried: int = 0

    @property
    def failure_ratio(self) -> float:
        """The share of attempts that found no room."""
        return self.failures / self.tried if self.tried else 0.0


def pace(slices: Sequence[Slice]) -> Pace:
    """The speed of these slices, and how often there was no room."""
    sums = [sum(column) for column in zip(*map(_sums, slices), strict=True)] or [0] * 6
    whole = Slice(0.0, *sums)
    failures = whole.failed + whole.refused
    if not whole.well:
        return Pace(failures=failures, tried=_tried(whole))
    mean = whole.logs / whole.well
    spread = sqrt(max(whole.squares / whole.well - mean * mean, LEAST_SPREAD**2))
    return Pace(whole.well, mean, spread / sqrt(whole.well), failures, _tried(whole))


def halves(slices: Sequence[Slice]) -> tuple[Pace, Pace]:
    """The older and the newer half of the tasks, as near as slices allow."""
    counted = list(accumulate(one.well for one in slices))
    cut = bisect_left(counted, counted[-1] / 2) + 1 if counted else 0
    return pace(slices[:cut]), pace(slices[cut:])
