"""How long a batch of tasks takes under a concurrency limit and a rolling daily limit.

The daily limit counts acceptances: of those in (t - 24 h, t] there may be at most so many, and what is over is
refused. Tasks are submitted as early as they are accepted. The concurrency limit holds accepted tasks back, and lets
them in in the order they came. Every task runs equally long; nothing else is waited for.

All times are seconds from the moment of submission; infinity is never.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import msgspec

from monitor.observations import ModelLimits

DAY = 86_400.0
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Batch:
    """So many tasks at the same moment."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class Room:
    """What tasks find when they are submitted.

    `freeing` is when the generations of the last day leave the window, in order of time. `ahead` tasks have been
    accepted before, have all of their run before them and go first; they are among `freeing` already.
    """

    limits: ModelLimits
    freeing: tuple[Batch, ...] = ()
    ahead: int = 0


def acceptances(count: int, daily: int | None, freeing: Sequence[Batch] = ()) -> list[Batch]:
    """When `count` tasks are accepted, in order of time.

    The first day's places open up as the window empties; from then on each place opens again a day later.
    """
    if daily is None:
        return [Batch(0.0, count)]
    if daily == 0:
        return [Batch(NEVER, count)]
    places = list(_places(daily, freeing))
    accepted: list[Batch] = []
    day = 0
    while count > 0:
        for place in places:
            taken = min(place.count, count)
            if taken:
                accepted.append(Batch(place.at + day * DAY, taken))
            count -= taken
        day += 1
    return accepted


def _places(daily: int, freeing: Sequence[Batch]) -> Iterator[Batch]:
    """The first `daily` places and when they open; a window that is over its limit has to lose the excess first."""
    room = daily - sum(batch.count for batch in freeing)
    if room > 0:
        yield Batch(0.0, room)
    excess = max(0, -room)
    for batch in freeing:
        lost = min(excess, batch.count)
        excess -= lost
        if batch.count > lost:
            yield Batch(batch.at, batch.count - lost)


class BatchSchedule:
    """When each of `count` tasks is accepted and finished. Places count from 1."""

    def __init__(self, count: int, seconds: float, room: Room) -> None:
        self.count = count
        self.accepted = tuple(acceptances(count, room.limits.daily_generations, room.freeing))
        self._seconds = seconds
        self._concurrency = room.limits.concurrency
        self._ahead = room.ahead
        queue = [Batch(0.0, room.ahead), *self.accepted] if room.ahead else self.accepted
        self._ends = list(accumulate(batch.count for batch in self.accepted))
        self._queue = list(zip(queue, accumulate((batch.count for batch in queue), initial=0), strict=False))

    @property
    def seconds(self) -> float:
        """Until the last task is finished."""
        return self.finished_at(self.count)

    def accepted_at(self, place: int) -> float:
        """When the task at `place` is accepted."""
        return self.accepted[bisect_left(self._ends, place)].at

    def accepted_by(self, at: float) -> int:
        """How many are accepted at that time."""
        return sum(batch.count for batch in self.accepted if batch.at <= at)

    def finished_at(self, place: int) -> float:
        """When the task at `place` is finished.

        It is as late as any batch before it makes it: what was accepted with or after that batch, up to this task,
        has to pass through the concurrency limit, and cannot before the batch is there.
        """
        place += self._ahead
        return max(batch.at + self._pass(place - before) for batch, before in self._queue if before < place)

    def _pass(self, tasks: int) -> float:
        """How long that many tasks take through the concurrency limit."""
        if self._concurrency is None:
            return self._seconds
        return math.ceil(tasks / self._concurrency) * self._seconds if self._concurrency else NEVER

    def finished_by(self, at: float) -> int:
        """How many are finished at that time: the first come first."""
        return bisect_left(range(1, self.count + 1), True, key=lambda place: self.finished_at(place) > at)  # noqa: FBT003


class Delays(msgspec.Struct, frozen=True):
    """How much sooner the last task would be finished without this limit, all else being equal; a limit of 0: never."""

    concurrency: float
    daily_generations: float


def delays(count: int, seconds: float, room: Room) -> Delays:
    """What each limit costs in time."""
    whole = BatchSchedule(count, seconds, room).seconds

    def delay(limit: str) -> float:
        if getattr(room.limits, limit) == 0:
            return NEVER
        without = msgspec.structs.replace(room.limits, **{limit: None})
        sooner = BatchSchedule(count, seconds, replace(room, limits=without)).seconds
        return 0.0 if sooner == whole else whole - sooner

    return Delays(delay("concurrency"), delay("daily_generations"))
