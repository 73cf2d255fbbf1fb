"""The usage of an account by UTC day and model, and the figures that the usage analytics derive from it. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from monitor.simulator.runware.errors import SUCCESS_WITHOUT_CONTENT, status_of
from monitor.simulator.runware.platform.tasks import Task

_SERVER_ERRORS = 500
_KEPT = 10_000


@dataclass
class Usage:
    """Numbers of tasks, results and errors, US dollars spent, and inference times in seconds."""

    count: int = 0
    results: int = 0
    spend: float = 0.0
    client_errors: int = 0
    server_errors: int = 0
    times: list[float] = field(default_factory=list)

    def add(self, other: Usage) -> None:
        """Add another usage to this one."""
        self.count += other.count
        self.results += other.results
        self.spend += other.spend
        self.client_errors += other.client_errors
        self.server_errors += other.server_errors
        self.times += other.times

    def mean(self) -> float | None:
        """Return the average inference time in seconds, None without any task."""
        return sum(self.times) / len(self.times) if self.times else None

    def quantile(self, share: float) -> float | None:
        """Return the inference time in seconds that this share of the tasks does not exceed, None without any task."""
        return sorted(self.times)[math.ceil(share * len(self.times)) - 1] if self.times else None

    def add_error(self, status: int) -> None:
        """Count an error by its HTTP status."""
        if status < _SERVER_ERRORS:
            self.client_errors += 1
        else:
            self.server_errors += 1


class Ledger:
    """The usage by UTC day and model."""

    def __init__(self) -> None:
        self._uses: defaultdict[tuple[date, str], Usage] = defaultdict(Usage)

    def add_task(self, task: Task, now: float) -> None:
        """Count a finished task."""
        use = self._use(task.request.model, now)
        use.count += 1
        use.results += task.successes
        use.spend += task.cost
        if task.started_at is not None and len(use.times) < _KEPT:
            use.times.append(now - task.started_at)
        for code in task.codes:
            if code != SUCCESS_WITHOUT_CONTENT:
                use.add_error(status_of(code))

    def add_error(self, model: str, status: int, now: float) -> None:
        """Count a refused task by its HTTP status."""
        self._use(model, now).add_error(status)

    def _use(self, model: str, now: float) -> Usage:
        return self._uses[datetime.fromtimestamp(now, UTC).date(), model]

    def select(self, first: date, last: date, models: Iterable[str] = ()) -> dict[tuple[date, str], Usage]:
        """Return the usage from the first to the last day, both included, of these models or of all."""
        wanted = set(models)
        return {
            (day, model): use
            for (day, model), use in self._uses.items()
            if first <= day <= last and (not wanted or model in wanted)
        }


def sum_usage(uses: Iterable[Usage]) -> Usage:
    """Return the sum of all usages."""
    total = Usage()
    for use in uses:
        total.add(use)
    return total


def usage_row(operation: str, use: Usage) -> dict[str, Any]:
    """Return one row of the answer to a usage operation."""
    match operation:
        case "getUsageActivity":
            return {"count": use.count, "spend": round(use.spend, 6)}
        case "getUsagePerformance":
            return {
                "avgInferenceTime": use.mean(),
                "p90InferenceTime": use.quantile(0.9),
                "p99InferenceTime": use.quantile(0.99),
            }
        case _:
            return {"clientErrors": use.client_errors, "serverErrors": use.server_errors}


def usage_meta(operation: str, use: Usage, days: int) -> dict[str, Any]:
    """Return the `meta` of the answer to a usage operation. The projection is for 30 days."""
    match operation:
        case "getUsageActivity":
            daily = use.spend / days
            spend = {"totalSpend": use.spend, "avgDailySpend": daily, "projectedSpend": daily * 30}
            return {"totalRequests": use.count, "totalResults": use.results, **spend}
        case "getUsagePerformance":
            return {**usage_row(operation, use), "p50InferenceTime": use.quantile(0.5)}
        case _:
            errors = use.client_errors + use.server_errors
            requests = max(use.count, errors)
            return {"totalErrors": errors, "errorRate": 100 * errors / requests if requests else 0.0}
