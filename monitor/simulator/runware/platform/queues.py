"""The machines of one model, and the queue before them. Pure: the time is an argument."""

from __future__ import annotations

from collections.abc import Callable

from monitor.simulator.shared.queues import SlotQueue, Start


class ModelQueue(SlotQueue):
    """The machines of one model, and its queue. Both callables are read each time, so that settings can change."""

    def __init__(self, capacity: Callable[[], int], room: Callable[[], int]) -> None:
        super().__init__()
        self.waiting = 0
        self._capacity = capacity
        self._room = room
        self._full_since: float | None = None

    @property
    def has_room(self) -> bool:
        return self.active < self._capacity()

    def full_for(self, now: float) -> float | None:
        """Return for how many seconds the queue has been full, None if it has room.

        The time counts on until half the queue is free.
        """
        if self.has_room or self.waiting * 2 <= self._room():
            self._full_since = None
        if self.has_room or self.waiting < self._room():
            return None
        self._full_since = now if self._full_since is None else self._full_since
        return now - self._full_since

    def enter(self, start: Start, now: float) -> None:
        """Start a task, immediately or when a machine is free."""

        def counted(time: float) -> bool:
            started = start(time)
            self.waiting -= started
            return started

        self.waiting += 1
        super().enter(counted, now)

    def give_up(self) -> None:
        """Count one task that has stopped waiting."""
        self.waiting -= 1
