"""Time as a dependency. Objects take a `Clock`, pure code takes `now`."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where an object reads the time and how it waits."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    def steady(self) -> float:
        """Seconds since some moment. They go on evenly when `now` steps."""
        ...

    def real_seconds(self, seconds: float) -> float:
        """The real time that `seconds` of this clock take."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.monotonic()

    def real_seconds(self, seconds: float) -> float:
        return seconds


class FastClock:
    """A clock that runs `speed` times as fast as the machine's since the Unix time `epoch`.

    Processes that share speed and epoch agree on the time.
    """

    def __init__(self, speed: float, epoch: float | None = None) -> None:
        self.speed = speed
        self.epoch = time.time() if epoch is None else epoch

    def now(self) -> float:
        return self.epoch + (time.time() - self.epoch) * self.speed

    def steady(self) -> float:
        return time.monotonic() * self.speed

    def real_seconds(self, seconds: float) -> float:
        return seconds / self.speed


class ManualClock:
    """A clock that moves only by `advance` and `step`, for tests and replays."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now
        self._steady = 0.0

    def now(self) -> float:
        return self._now

    def steady(self) -> float:
        return self._steady

    def real_seconds(self, seconds: float) -> float:
        return seconds

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass. Negative seconds step back."""
        self._now += seconds
        self._steady += max(0.0, seconds)

    def step(self, seconds: float) -> None:
        """Set the clock forward or back while no time passes."""
        self._now += seconds
