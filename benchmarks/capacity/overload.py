"""An hour in which other users take most of the vendor away for thirty minutes, lived through by several clients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from benchmarks.capacity.vendor import Model, Phase, Vendor
from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.capacity.pace import CapacityRules
from monitor.judgement.capacity.record import News, RequestCounts, advance, fresh
from monitor.providers.runware import CAPACITY

RULES = CapacityRules(healthy_seconds=CAPACITY.healthy_seconds, concurrency=CAPACITY.concurrency)
HOUR = 3600.0
SHARES = ((0.0, 1.0), (0.25, 0.75), (0.3, 0.5), (0.35, 0.25), (0.75, 1.0))
"""How much of the room is left from which share of the time on.

In an hour: fifteen minutes of calm, thirty of overload that comes in three steps, fifteen of calm.
"""
OVERLOAD = Model([Phase(at * HOUR, round(left * 16)) for at, left in SHARES])
EVALUATE = 5.0
SCRAPE = 15.0


class Result(NamedTuple):
    """What a client got of the hour, and the states that its traffic was judged to be in, with the second of each."""

    well: int
    timeout_ratio: float
    mean_seconds: float
    states: list[tuple[float, QueueState | None]]
    limits: list[int]

    @property
    def path(self) -> list[QueueState]:
        """The states in order."""
        return [state for _, state in self.states if state is not None]


def overloaded(room: int, end: float = HOUR, **rest: float) -> Model:
    """Another model in the same need; `rest` is what else is particular to it."""
    return replace(OVERLOAD, phases=[Phase(at * end, round(left * room)) for at, left in SHARES], **rest)  # type: ignore[arg-type]


def run(model: Model, fixed: int | None, seed: int = 1, end: float = HOUR) -> Result:
    """The life until `end` of a client that keeps `fixed` tasks open, or follows what scrapes recommend."""
    vendor, record = Vendor(model, seed), fresh(RequestCounts(), RULES, 0.0)
    vendor.wanted = fixed or record.recommended
    states: list[tuple[float, QueueState | None]] = []
    limits, told = [], 0
    for now in _moments(EVALUATE, end):
        vendor.play(now)
        tally = vendor.tally
        record = advance(record, News(tally.ended[told:], RequestCounts(tally.attempts, tally.refused)), RULES, now)
        told = len(tally.ended)
        if not states or states[-1][1] is not record.verdict.state:
            states.append((now, record.verdict.state))
        if now % SCRAPE == 0:
            limits.append(record.recommended)
            vendor.wanted = fixed or record.recommended
    failures = tally.timeouts + tally.refused
    return Result(tally.well, failures / (tally.well + failures), tally.seconds / tally.well, states, limits)


def _moments(step: float, end: float) -> Iterable[float]:
    return (step * number for number in range(1, round(end / step) + 1))
