"""When to call a provider again, as pure bookkeeping with `now` given.

All of it survives a clock that steps: a time in the future dates from before the step and does not count.
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
    """Delays after failures in a row: `base` seconds, then twice the last, up to `longest`, less up to a quarter.

    `random` gives 0 to 1, so that many daemons do not return at the same moment.
    """

    base: float
    longest: float
    random: Random
    failures: int = 0

    def failed(self) -> float:
        """Seconds to wait after one more failure, at least `base`."""
        delay = min(self.longest, self.base * GROWTH ** min(self.failures, MOST_DOUBLINGS))
        self.failures += 1
        return max(self.base, delay * (1 - SPREAD * self.random()))

    def succeeded(self) -> None:
        """Start over after a success."""
        self.failures = 0


@dataclass
class TokenBucket:
    """A budget of calls: `per_minute` on average, and at most five seconds' worth at one moment."""

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
        """Make no call for so many seconds."""
        self.began_at, self._seconds = now, seconds

    def end(self) -> None:
        """Allow calls again."""
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
    """The reads of one task."""

    backoff: Backoff
    pause: Pause = field(default_factory=Pause)


@dataclass
class Attempts:
    """The reads of tasks: which are under way, and how long each task is left alone after a read.

    Between two reads of a task lie at least `interval` seconds, and up to `longest` after reads that said nothing.
    """

    interval: float
    longest: float
    random: Random
    under_way: set[str] = field(default_factory=set)
    _known: dict[str, _Task] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many tasks are kept."""
        return len(self._known)

    def may_read(self, task: str, now: float) -> bool:
        """Whether the task is neither being read nor left alone."""
        return task not in self.under_way and not (task in self._known and self._known[task].pause.holds(now))

    def last_read(self, task: str) -> float:
        """When a read of the task last ended, Unix seconds. 0 if none is known."""
        return self._known[task].pause.began_at if task in self._known else 0.0

    def started(self, task: str) -> None:
        """A read of the task is under way."""
        self.under_way.add(task)
        self._known.setdefault(task, _Task(Backoff(self.interval, self.longest, self.random)))

    def succeeded(self, task: str, now: float) -> None:
        """The read said how the task stands."""
        self._known[task].backoff.succeeded()
        self._ended(task, now, self.interval * (1 + SPREAD * self.random()))

    def failed(self, task: str, now: float, at_least: float = 0.0) -> None:
        """The read said nothing. Leave the task alone for longer than before, and at least for so many seconds."""
        self._ended(task, now, max(at_least, self._known[task].backoff.failed()))

    def forget(self, now: float) -> None:
        """Drop tasks that needed no read for long."""
        idle = [task for task, known in self._known.items() if now - known.pause.until > self.longest]
        for task in set(idle) - self.under_way:
            del self._known[task]

    def _ended(self, task: str, now: float, seconds: float) -> None:
        self.under_way.discard(task)
        self._known[task].pause.begin(now, seconds)
