"""Does long work in short turns, so that nothing else on the event loop waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter

FIRST_SECONDS = 0.001
TURN_SECONDS = 0.005


class Turns:
    """Shares one event loop. Work that needs more than its first turn queues, and the loop runs one turn at a time."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()

    def later(self, turn: Callable[[], None]) -> None:
        """Call `turn` when its place in the queue comes. It must take no longer than a turn."""
        self._queue.append(turn)
        if len(self._queue) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    async def do(self, work: Iterator[object]) -> None:
        """Do all of `work`, whose steps should be short, and let other tasks run between two turns."""
        if is_done_within(FIRST_SECONDS, work):
            return
        while True:
            place = asyncio.get_running_loop().create_future()
            self.later(lambda place=place: place.done() or place.set_result(None))  # type: ignore[misc]
            await place
            if is_done_within(TURN_SECONDS, work):
                return

    def _next(self) -> None:
        try:
            self._queue[0]()
        finally:
            self._queue.popleft()
            if self._queue:
                asyncio.get_running_loop().call_soon(self._next)


def is_done_within(seconds: float, work: Iterator[object]) -> bool:
    """Do at least one step of `work`, until `seconds` have passed, and return whether all of it is done."""
    until = perf_counter() + seconds
    return all(perf_counter() < until for _ in work)
