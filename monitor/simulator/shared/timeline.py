"""Planned events in the order of their time. Pure."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

Action = Callable[[float], None]


class Timeline:
    """Runs actions in the order of their time; actions of the same time run in the order in which they were planned.

    Planning and running one take logarithmic time. An earlier `now` than before does nothing.
    """

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, Action]] = []
        self._order = itertools.count()

    def at(self, time: float, action: Action) -> None:
        """Plan `action` for a Unix time. It is called with that time."""
        heapq.heappush(self._planned, (time, next(self._order), action))

    @property
    def due(self) -> float | None:
        """The Unix time of the next action, None if none is planned."""
        return self._planned[0][0] if self._planned else None

    def advance(self, now: float) -> None:
        """Run all actions that are due by `now`, including those that they plan."""
        while self._planned and self._planned[0][0] <= now:
            time, _, action = heapq.heappop(self._planned)
            action(time)
