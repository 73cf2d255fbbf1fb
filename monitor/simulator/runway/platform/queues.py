"""The concurrency and the daily cap of one model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from monitor.simulator.runway.settings import Limit

Admit = Callable[[float], bool]
_DAY = 86_400.0


class ModelQueue:
    """Slots for one model's generations, and who waits for one, in the order they came.

    A waiter is a function of the time that starts it, and tells False if it no longer wants to. The daily count is a
    rolling 24 hours: each generation leaves it exactly 24 hours after it was submitted.
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.active = 0
        self.peak = 0
        self._waiting: deque[Admit] = deque()
        self._recent: deque[float] = deque()

    @property
    def has_room(self) -> bool:
        return self.limit.concurrency is None or self.active < self.limit.concurrency

    def daily(self, now: float) -> int:
        """Generations accepted in the 24 hours before `now`."""
        while self._recent and self._recent[0] <= now - _DAY:
            self._recent.popleft()
        return len(self._recent)

    def is_used_up(self, now: float) -> bool:
        return self.limit.daily is not None and self.daily(now) >= self.limit.daily

    def enter(self, admit: Admit, now: float) -> None:
        """Count a generation and start it, at once or when a slot is free."""
        self._recent.append(now)
        self._waiting.append(admit)
        self.refill(now)

    def leave(self, now: float) -> None:
        """Give a slot back."""
        self.active -= 1
        self.refill(now)

    def refill(self, now: float) -> None:
        """Start as many waiters as there is room for."""
        while self._waiting and self.has_room:
            if self._waiting.popleft()(now):
                self.active += 1
                self.peak = max(self.peak, self.active)
