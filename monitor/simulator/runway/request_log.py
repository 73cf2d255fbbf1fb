"""The request log of the simulated Runway, and its tasks, to compare the monitor's figures with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import Task
from monitor.simulator.shared.request_log import BaseRecord, BaseRequestLog, grouped


@dataclass(slots=True, kw_only=True)
class Record(BaseRecord):
    """One HTTP request.

    `model` is the model that it asks for, or the model of the task that it names. `reason` says why it was refused.
    `retry` is the SDK's retry count, None without the header. An answer that the client leaves before reading all of
    it counts as given.
    """

    method: str
    path: str
    retry: int | None
    organization: str = ""
    reason: str = ""
    task: str = ""
    task_status: str = ""


_GROUPED = ("organization", "own", "method", "template", "kind", "model", "status", "fault", "reason")


class RequestLog(BaseRequestLog[Record]):
    """Counts every request exactly, also those that are not kept one by one."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[tuple[Any, ...]] = Counter()

    def add(self, record: Record, now: float) -> None:
        super().add(record, now)
        self._counts[(*(getattr(record, name) for name in _GROUPED), bool(record.retry))] += 1

    def counts(self) -> list[dict[str, Any]]:
        """Return the number of requests in each group. `retried` are those that the SDK marked as retries."""
        names = (*_GROUPED, "retried", "count")
        return [dict(zip(names, (*group, count), strict=True)) for group, count in self._counts.items()]


def task_record(organization: Organization, task: Task, now: float) -> dict[str, Any]:
    """Return the present state of one task and its history. `credits` is the estimate while the task is open."""
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
    """Return the number of tasks in each group, and their credits."""
    rows = (
        (
            (organization.name, task.model, task.status.value, task.failure_code),
            task.estimate if task.cost is None else task.cost,
        )
        for organization in organizations
        for task in organization.tasks.values()
    )
    return grouped(("organization", "model", "status", "failureCode", "count", "credits"), rows)
