"""How many tasks a client should keep open at one time.

The limit is found in rounds, each judged by tasks that began after the previous round. By Little's law, a model that
holds `used` tasks for `latency` each, and would need `usual` for one, works on `used * usual / latency` of them. The
rest wait in its queue. One or a few may wait, so that the model never idles.

Three rules move the limit. If tasks find no room, it is cut to a share. If tasks wait longer than the queue may hold,
it falls to what the model works on. If all of it was used and no task found no room, it grows by one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import exp, floor, log, sqrt

import msgspec
from msgspec.structs import replace

from monitor.judgement.capacity.baseline import CONFIDENCE
from monitor.judgement.capacity.pace import CapacityRules, Ended

LEAST_ROUND = 8
MOST_ROUND = 128
LOWEST = 1.0
BACK_OFF = 0.7
"""The share of the limit that is kept when tasks find no room."""
TOLERATED = 0.02
"""The share of a round that may find no room by chance. A single task always may."""


class ConcurrencyLimit(msgspec.Struct, frozen=True, array_like=True):
    """The limit, and the round that will judge it.

    `worked` is the most that was open at one time without harm. `tasks` are the newest tasks that succeeded and started
    since `began`, when the limit was last lowered, as far back as none found no room. Each is the Unix time of its
    start and end. The newest `fresh` of them belong to the round, in which `failed` more found no room.
    """

    value: float
    worked: float = 0.0
    began: float = 0.0
    tasks: tuple[tuple[float, float], ...] = ()
    fresh: int = 0
    failed: int = 0

    @property
    def round(self) -> tuple[tuple[float, float], ...]:
        """The tasks that judge the limit."""
        return self.tasks[len(self.tasks) - self.fresh :]

    @property
    def whole(self) -> int:
        """The limit as a client can follow it."""
        return floor(self.value)


def begin(rules: CapacityRules, now: float) -> ConcurrencyLimit:
    """The limit of an unknown model."""
    return ConcurrencyLimit(float(rules.concurrency[1]), began=now)


def begin_anew(limit: ConcurrencyLimit, now: float) -> ConcurrencyLimit:
    """The limit with a round that begins now."""
    return ConcurrencyLimit(limit.value, limit.worked, now)


def rest(limit: ConcurrencyLimit, rules: CapacityRules) -> ConcurrencyLimit:
    """The limit of a model that was not used for long. Its queue may hold less by now."""
    return replace(limit, value=min(limit.value, float(rules.concurrency[1])))


def follow(
    limit: ConcurrencyLimit, ended: Iterable[Ended], refused: int, usual: float | None, rules: CapacityRules, now: float
) -> ConcurrencyLimit:
    """The limit after more tasks. `refused` requests were turned away since the last update."""
    mine = [task for task in ended if task.started >= limit.began]
    well = [(task.started, task.ended) for task in mine if task.is_well]
    failed = limit.failed + len(mine) - len(well) + (refused if now >= limit.began else 0)
    fresh = min(limit.fresh + len(well), MOST_ROUND)
    limit = replace(limit, tasks=(*limit.tasks, *well)[-MOST_ROUND:], fresh=fresh, failed=failed)
    if fresh + failed < min(max(LEAST_ROUND, 1.5 * limit.value), MOST_ROUND):
        return limit
    return _next_round(limit, usual, rules, now)


def spare(limit: ConcurrencyLimit) -> float:
    """How many tasks may wait, so that the model never idles."""
    return max(1.0, sqrt(limit.value) / 2)


def _next_round(limit: ConcurrencyLimit, usual: float | None, rules: CapacityRules, now: float) -> ConcurrencyLimit:
    frequent = limit.failed > 1 and limit.failed / (limit.fresh + limit.failed) > TOLERATED
    if not limit.failed:
        limit = replace(limit, worked=max(limit.worked, peak(limit.tasks)))
    value = _value(limit, usual, rules, is_failing=frequent)
    if floor(value) < limit.whole:
        # A client needs a moment to hear of it.
        return ConcurrencyLimit(value, min(limit.worked, value) if frequent else limit.worked, now + rules.slice)
    # What was open at once while others found no room has not shown that so many work.
    return replace(limit, value=value, tasks=() if limit.failed else limit.tasks, fresh=0, failed=0)


def _value(limit: ConcurrencyLimit, usual: float | None, rules: CapacityRules, *, is_failing: bool) -> float:
    """The next limit: less if tasks find no room or wait, more if all of it was used and all found room."""
    used, estimate, waiting = float(peak(limit.round)), None, spare(limit)
    if usual is not None and limit.fresh:
        used = max(used, _by_rate(limit.round))
        estimate = max(LOWEST, used * min(1.0, exp(usual - _least_mean(limit.round))) + waiting)
    if is_failing:
        follows = used <= limit.value + waiting
        return max(LOWEST, BACK_OFF * limit.value) if follows or estimate is None else min(limit.value, estimate)
    if estimate is None or limit.failed:
        return limit.value
    highest = max(float(rules.concurrency[1]), floor(limit.worked) + 1.0)
    if used - (estimate - waiting) > waiting:
        # What a client that has more open than the limit shows may raise the limit, too.
        return min(estimate, limit.value if used <= limit.value else max(limit.value, highest))
    if max(used, peak(limit.tasks)) < limit.whole:
        return limit.value
    return max(limit.value, min(max(limit.value + floor(waiting), used), highest))


def _least_mean(tasks: Sequence[tuple[float, float]]) -> float:
    """The mean logarithm of the seconds that these took, less what chance may have added."""
    logs = [log(Ended(*task).seconds) for task in tasks]
    mean = sum(logs) / len(logs)
    return mean - CONFIDENCE * sqrt(sum((value - mean) ** 2 for value in logs)) / len(logs)


def _by_rate(tasks: Sequence[tuple[float, float]]) -> float:
    """How many tasks are open at one time by Little's law, if these are a sample of them."""
    ends = sorted(end for _, end in tasks)
    if max(start for start, _ in tasks) > ends[0]:
        return 0.0  # some began after others had ended: these are all
    return sum(end - start for start, end in tasks) / len(tasks) * (len(ends) - 1) / max(ends[-1] - ends[0], 1.0)


def peak(tasks: Sequence[tuple[float, float]]) -> int:
    """The most of these that were open at one time."""
    steps = sorted([(start, 1) for start, _ in tasks] + [(end, -1) for _, end in tasks])
    return max(accumulate(step for _, step in steps), default=0)
