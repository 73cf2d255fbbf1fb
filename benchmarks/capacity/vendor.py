"""A vendor without limits, in simulated time: one model, whose queue is finite and patient for so long only."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import NamedTuple

from monitor.judgement.capacity.pace import Ended


class Phase(NamedTuple):
    """From this second on, so many tasks are worked on at once."""

    start: float
    room: int


@dataclass(frozen=True)
class Model:
    """A model: how long a task takes on average, how far single ones are from that, and what its queue can take.

    `phases` is how much of the vendor is ours; the other users have the rest.
    """

    phases: Sequence[Phase]
    seconds: float = 2.0
    spread: float = 0.25
    places: int = 200
    patience: float = 20.0

    def room(self, now: float) -> int:
        return self.phases[bisect_right(self.phases, now, key=lambda phase: phase.start) - 1].room


@dataclass
class CounterSpec:
    """What a client got."""

    well: int = 0
    timeouts: int = 0
    refused: int = 0
    attempts: int = 0
    seconds: float = 0.0
    ended: list[Ended] = field(default_factory=list)


class Vendor:
    """Plays a client that keeps `wanted` tasks open, and asks again a second after it was refused."""

    def __init__(self, model: Model, seed: int) -> None:
        self._model = model
        self._random = Random(seed)
        self._events: list[tuple[float, int, str, float]] = []
        self._order = count()
        self._queue: deque[float] = deque()
        self._busy = self._pausing = 0
        self.now = 0.0
        self.wanted = 0
        self.tally = CounterSpec()

    def play(self, until: float) -> None:
        """Let time pass."""
        self._send()
        while self._events and self._events[0][0] <= until:
            self.now, _, what, started = heappop(self._events)
            if what == "done":
                self._busy -= 1
                self._end(started, is_well=True)
            elif what == "again":
                self._pausing -= 1
            self._serve()
            self._send()
        self.now = until
        self._serve()

    def _send(self) -> None:
        while self._busy + len(self._queue) + self._pausing < self.wanted:
            self.tally.attempts += 1
            if len(self._queue) >= self._model.places:
                self.tally.refused += 1
                self._pausing += 1
                self._plan(1.0, "again", self.now)
            else:
                self._queue.append(self.now)
                self._plan(self._model.patience, "patience", self.now)
            self._serve()

    def _serve(self) -> None:
        while self._queue and self.now - self._queue[0] >= self._model.patience:
            self._end(self._queue.popleft(), is_well=False)
        while self._queue and self._busy < self._model.room(self.now):
            started = self._queue.popleft()
            self._busy += 1
            self._plan(self._model.seconds * self._random.lognormvariate(0, self._model.spread), "done", started)

    def _end(self, started: float, *, is_well: bool) -> None:
        self.tally.well += is_well
        self.tally.timeouts += not is_well
        self.tally.seconds += (self.now - started) * is_well
        self.tally.ended.append(Ended(started, self.now, is_well))

    def _plan(self, seconds: float, what: str, started: float) -> None:
        heappush(self._events, (self.now + seconds, next(self._order), what, started))
