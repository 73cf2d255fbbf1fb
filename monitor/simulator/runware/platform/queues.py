"""The machines of one model, and the queue before them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

Start = Callable[[float], bool]


class ModelQueue:
    """Who runs and who waits, in the order they came.

    A waiter is a function of the time that starts it, and tells False if it has given up waiting. `capacity` and `room`
    are read each time, so that they may change.
    """

    def __init__(self, capacity: Callable[[], int], room: Callable[[], int]) -> None:
        self.running = 0
        self.peak = 0
        self.waiting = 0
        self._capacity = capacity
        self._room = room
        self._waiters: deque[Start] = deque()
        self._full_since: float | None = None

    def full_for(self, now: float) -> float | None:
        """How long nobody more has fitted in, None if one does. The time counts on until half the queue is free."""
        if self.running < self._capacity() or self.waiting * 2 <= self._room():
            self._full_since = None
        if self.running < self._capacity() or self.waiting < self._room():
            return None
        self._full_since = now if self._full_since is None else self._full_since
        return now - self._full_since

    def enter(self, start: Start, now: float) -> None:
        """Start it, at once or when a machine is free."""
        self._waiters.append(start)
        self.waiting += 1
        self.refill(now)

    def give_up(self) -> None:
        """One of those that wait does so no longer."""
        self.waiting -= 1

    def leave(self, now: float) -> None:
        """Give a machine back."""
        self.running -= 1
        self.refill(now)

    def refill(self, now: float) -> None:
        """Start as many as there are machines for."""
        while self._waiters and self.running < self._capacity():
            if self._waiters.popleft()(now):
                self.waiting -= 1
                self.running += 1
                self.peak = max(self.peak, self.running)
