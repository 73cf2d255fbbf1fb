"""What really happened: the simulator's own account of every request, to compare the monitor's figures with."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import Task

_KEPT = 200_000


@dataclass(slots=True)
class Record:
    """One HTTP request.

    `status` is None where no status was sent; `fault` is what was done to it, `client_gone` among others. `reason`
    says why it was refused. `model` is the one asked for, or that of the task named. `retry` is the SDK's retry count,
    None without the header. `own` says that the monitor itself asked. Times are Unix seconds. An answer that the client
    leaves before it has read it all counts as given.
    """

    organization: str
    method: str
    template: str
    kind: str
    path: str
    own: bool
    retry: int | None
    started_at: float
    model: str = ""
    status: int | None = None
    fault: str = ""
    reason: str = ""
    task: str = ""
    task_status: str = ""
    finished_at: float | None = None


_GROUPED = ("organization", "own", "method", "template", "kind", "model", "status", "fault", "reason")


class RequestLog:
    """Counts every request exactly, and keeps the last 200,000 one by one."""

    def __init__(self) -> None:
        self.total = 0
        self._counts: Counter[tuple[Any, ...]] = Counter()
        self._records: deque[Record] = deque(maxlen=_KEPT)

    def add(self, record: Record) -> None:
        """Take down a request that is over."""
        self.total += 1
        self._records.append(record)
        self._counts[(*(getattr(record, name) for name in _GROUPED), bool(record.retry))] += 1

    def requests(self, after: int) -> list[dict[str, Any]]:
        """Records numbered above `after`, in the order they ended; the first ever has number 1."""
        first = self.total - len(self._records) + 1
        return [
            {"number": number, **asdict(record)} for number, record in enumerate(self._records, first) if number > after
        ]

    def counts(self) -> list[dict[str, Any]]:
        """How many requests there were of each sort; `retried` are those that the SDK marked as retries."""
        names = (*_GROUPED, "retried", "count")
        return [dict(zip(names, (*group, count), strict=True)) for group, count in self._counts.items()]


def task_record(organization: Organization, task: Task, now: float) -> dict[str, Any]:
    """One task, as it is and as it came to be; `credits` is its cost, or the estimate while it is open."""
    return {
        "organization": organization.name,
        "id": task.id,
        "model": task.model,
        "billedAs": task.billed_as,
        "endpoint": task.endpoint,
        "status": task.status.value,
        "failureCode": task.failure_code,
        "credits": task.estimate if task.cost is None else task.cost,
        "progress": task.progress(now),
        "submittedAt": task.submitted_at,
        "queuedAt": task.queued_at,
        "startedAt": task.started_at,
        "finishedAt": task.finished_at,
        "deleted": task.gone,
        "shown": task.shown,
    }


def task_counts(organizations: Iterable[Organization]) -> list[dict[str, Any]]:
    """How many tasks there are of each sort, and their credits."""
    counts: Counter[tuple[Any, ...]] = Counter()
    credits_: Counter[tuple[Any, ...]] = Counter()
    for organization in organizations:
        for task in organization.tasks.values():
            group = (organization.name, task.model, task.status.value, task.failure_code)
            counts[group] += 1
            credits_[group] += task.estimate if task.cost is None else task.cost
    names = ("organization", "model", "status", "failureCode", "count", "credits")
    return [dict(zip(names, (*group, count, credits_[group]), strict=True)) for group, count in counts.items()]
