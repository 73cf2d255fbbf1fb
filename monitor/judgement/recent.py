"""The last five minutes, from counts that only grow."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.judgement.snapshot import RecentFigures
from monitor.tasks.counters import PART, SUM, CounterSpec, Series

RECENT_SECONDS = 300.0
STEP_SECONDS = 15.0
COUNT = "count"

Key = tuple[CounterSpec, str, str]


@dataclass
class RecentCounts:
    """What counts grew by in the last five minutes, or since the first update.

    A clock that is set back starts over.
    """

    _marks: deque[tuple[float, Counter[Key]]] = field(default_factory=deque)

    def update(self, series: Iterable[Series], now: float) -> RecentFigures:
        """The figures as of `now`. `series` are the counts at that time."""
        totals = _totals(series)
        if self._marks and now < self._marks[-1][0]:
            self._marks.clear()
        while len(self._marks) > 1 and self._marks[1][0] <= now - RECENT_SECONDS:
            self._marks.popleft()
        if not self._marks or now - self._marks[-1][0] >= STEP_SECONDS:
            self._marks.append((now, totals))
        return _figures(totals - self._marks[0][1])


def _totals(series: Iterable[Series]) -> Counter[Key]:
    """Requests by kind and outcome, and by model the ended tasks of known duration and the seconds they took."""
    totals: Counter[Key] = Counter()
    for one in series:
        if one.counter is CounterSpec.REQUESTS:
            totals[one.counter, one["kind"], one["outcome"]] += int(one.value)
        elif one.counter is CounterSpec.TASK_SECONDS and one["phase"] == "total":
            totals[one.counter, one["model"], SUM if one[PART] == SUM else COUNT] += one.value  # type: ignore[assignment]
    return totals


def _figures(grown: Mapping[Key, float]) -> RecentFigures:
    requests: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (counter, kind, outcome), count in grown.items():
        if counter is CounterSpec.REQUESTS:
            requests[kind][outcome] = int(count)
    seconds = {
        model: grown.get((CounterSpec.TASK_SECONDS, model, SUM), 0.0) / count
        for (counter, model, part), count in grown.items()
        if counter is CounterSpec.TASK_SECONDS and part == COUNT
    }
    return RecentFigures(requests=dict(requests), task_seconds=seconds)
