"""Slots for the tasks of one model, and the queue before them. Pure: the time is an argument."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

Start = Callable[[float], bool]
"""Starts a waiting task at a Unix time. Returns False if the task has stopped waiting."""


class SlotQueue(ABC):
    """Gives slots to tasks in the order in which they came. `peak` is the most that were ever `active` at once."""

    def __init__(self) -> None:
        self.active = 0
        self.peak = 0
        self._waiting: deque[Start] = deque()

    @property
    @abstractmethod
    def has_room(self) -> bool:
        """Whether a slot is free."""

    def enter(self, start: Start, now: float) -> None:
        """Start a task, immediately or when a slot is free."""
        self._waiting.append(start)
        self.refill(now)

    def leave(self, now: float) -> None:
        """Give a slot back."""
        self.active -= 1
        self.refill(now)

    def refill(self, now: float) -> None:
        """Start as many waiting tasks as there are free slots."""
        while self._waiting and self.has_room:
            if self._waiting.popleft()(now):
                self.active += 1
                self.peak = max(self.peak, self.active)
