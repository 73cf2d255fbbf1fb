"""The concurrency and the daily limit of one model. Pure: the time is an argument."""

from __future__ import annotations

from collections import deque

from monitor.simulator.runway.settings import Limit
from monitor.simulator.shared.queues import SlotQueue, Start

_DAY = 86_400.0


class ModelQueue(SlotQueue):
    """The slots of one model's generations, and the count of its daily limit.

    The daily count covers a rolling 24 hours: each generation leaves it exactly 24 hours after it was submitted.
    """

    def __init__(self, limit: Limit) -> None:
        super().__init__()
        self.limit = limit
        self._recent: deque[float] = deque()

    @property
    def has_room(self) -> bool:
        return self.limit.concurrency is None or self.active < self.limit.concurrency

    def daily(self, now: float) -> int:
        """Return the generations accepted in the 24 hours before `now`."""
        while self._recent and self._recent[0] <= now - _DAY:
            self._recent.popleft()
        return len(self._recent)

    def is_used_up(self, now: float) -> bool:
        return self.limit.daily is not None and self.daily(now) >= self.limit.daily

    def enter(self, start: Start, now: float) -> None:
        """Count a generation, and start it immediately or when a slot is free."""
        self._recent.append(now)
        super().enter(start, now)
