"""How long until no task is throttled.

There are two kinds of evidence. While tasks are throttled, the provider works at its full concurrency, so the tasks
that finished since the oldest of them was submitted show the true pace. Until enough have finished to trust that, the
concurrency limit and the recent duration of a run give the pace: 200 tasks of 15 s at concurrency 2 take 25 minutes
(Runway, usage tiers, "Concurrency limit example").
"""

from __future__ import annotations

from typing import NamedTuple

PACE_TRUSTED = 40
PACE_USABLE = 5


class ThrottledPace(NamedTuple):
    """The tasks that finished since the oldest throttled task was submitted, `waited_seconds` ago.

    The newest of them ended `until_newest_seconds` after that submission.
    """

    waited_seconds: float
    finished: int
    until_newest_seconds: float

    def seconds_each(self, slots: int) -> float:
        """Seconds for each finished task: up to the newest end, or up to now if more should have ended by now."""
        overdue = self.waited_seconds / (self.finished + slots)
        return max(self.until_newest_seconds / self.finished, overdue)


def clear_seconds(
    throttled: int, pace: ThrottledPace, concurrency: int | None, run_seconds: float | None
) -> float | None:
    """Seconds until the last of `throttled` tasks is admitted. None without evidence.

    `run_seconds` is the recent mean duration of a run.
    """
    if throttled == 0:
        return 0.0
    known = run_seconds is not None and bool(concurrency)
    if pace.finished >= (PACE_TRUSTED if known else PACE_USABLE):
        return throttled * pace.seconds_each(concurrency or 1)
    if run_seconds is not None and concurrency:
        return throttled * run_seconds / concurrency
    return None
