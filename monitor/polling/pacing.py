"""When to call the vendor again: pure bookkeeping, `now` given.

All of it stands a clock that steps: a time in the future is a mark of the clock before the step, and does not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

GROWTH = 2.0
SPREAD = 0.25
MOST_DOUBLINGS = 32
BURST_SECONDS = 5.0

Random = Callable[[], float]


@dataclass
class Backoff:
    """Delays after failures in a row: `base` seconds, then twice the last up to `longest`, less up to a quarter of it.

    `random` gives 0 to 1, so that many daemons do not come back at the same moment.
    """

    base: float
    longest: float
    random: Random
    failures: int = 0

    def failed(self) -> float:
        """Seconds to wait after one more failure; never less than `base`."""
        delay = min(self.longest, self.base * GROWTH ** min(self.failures, MOST_DOUBLINGS))
        self.failures += 1
        return max(self.base, delay * (1 - SPREAD * self.random()))

    def succeeded(self) -> None:
        """All is well again."""
        self.failures = 0


@dataclass
class TokenBucket:
    """A budget of calls: `per_minute` on average, five seconds' worth at once."""

    per_minute: int
    _tokens: float = 0.0
    _at: float = float("-inf")

    def available(self, now: float) -> int:
        """Whole calls that may be made at `now`."""
        size = max(1.0, self.per_minute * BURST_SECONDS / 60)
        earned = max(0.0, now - self._at) * self.per_minute / 60
        self._tokens, self._at = min(size, self._tokens + earned), now
        return int(self._tokens)

    def take(self, calls: int) -> None:
        """Spend what `available` has granted."""
        self._tokens -= calls


@dataclass
class Pause:
    """A time during which no call is made."""

    began_at: float = 0.0
    _seconds: float = 0.0

    def begin(self, now: float, seconds: float) -> None:
        """No call for so long."""
        self.began_at, self._seconds = now, seconds

    def end(self) -> None:
        """Calls may be made again."""
        self._seconds = 0.0

    @property
    def until(self) -> float:
        """When it is over, Unix seconds."""
        return self.began_at + self._seconds

    def holds(self, now: float) -> bool:
        """Whether it lasts at `now`."""
        return 0 <= now - self.began_at < self._seconds


@dataclass
class _Task:
    """What is remembered of one task's reads."""

    backoff: Backoff
    pause: Pause = field(default_factory=Pause)


@dataclass
class Attempts:
    """The reads of single tasks: which are under way, and how long a task is left alone after one.

    Between two reads of a task lie at least `interval` seconds, and up to `longest` after reads that told nothing.
    """

    interval: float
    longest: float
    random: Random
    under_way: set[str] = field(default_factory=set)
    _known: dict[str, _Task] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many tasks are remembered."""
        return len(self._known)

    def may_read(self, task: str, now: float) -> bool:
        """Whether the task is neither being read nor left alone."""
        return task not in self.under_way and not (task in self._known and self._known[task].pause.holds(now))

    def last_read(self, task: str) -> float:
        """When a read of the task last ended, Unix seconds; 0 where none is remembered."""
        return self._known[task].pause.began_at if task in self._known else 0.0

    def started(self, task: str) -> None:
        """A read of the task is under way."""
        self.under_way.add(task)
        self._known.setdefault(task, _Task(Backoff(self.interval, self.longest, self.random)))

    def succeeded(self, task: str, now: float) -> None:
        """The read told how the task stands."""
        self._known[task].backoff.succeeded()
        self._ended(task, now, self.interval * (1 + SPREAD * self.random()))

    def failed(self, task: str, now: float, at_least: float = 0.0) -> None:
        """The read told nothing: leave the task alone for longer than before, and for so many seconds at least."""
        self._ended(task, now, max(at_least, self._known[task].backoff.failed()))

    def forget(self, now: float) -> None:
        """Drop tasks that nobody had to read for long."""
        idle = [task for task, known in self._known.items() if now - known.pause.until > self.longest]
        for task in set(idle) - self.under_way:
            del self._known[task]

    def _ended(self, task: str, now: float, seconds: float) -> None:
        self.under_way.discard(task)
        self._known[task].pause.begin(now, seconds)
