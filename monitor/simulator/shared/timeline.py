"""Events in the order of their time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

Action = Callable[[float], None]


class Timeline:
    """Runs actions at their time, in time order and then in the order they were planned.

    Each step costs the logarithm of what is planned. Time never goes backwards here: an earlier `now` does nothing.
    """

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, Action]] = []
        self._order = itertools.count()

    def at(self, time: float, action: Action) -> None:
        """Plan `action` for the Unix time `time`; it is called with that time."""
        heapq.heappush(self._planned, (time, next(self._order), action))

    @property
    def due(self) -> float | None:
        """When the next is planned for."""
        return self._planned[0][0] if self._planned else None

    def advance(self, now: float) -> None:
        """Run all that is due by `now`, and what that plans in turn."""
        while self._planned and self._planned[0][0] <= now:
            time, _, action = heapq.heappop(self._planned)
            action(time)
