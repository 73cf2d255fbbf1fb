"""A task of the simulated Runway, and how the API shows it. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from monitor.simulator.runway.errors import NO_CODE, failure


class Status(StrEnum):
    """Runway's task statuses."""

    PENDING = "PENDING"
    THROTTLED = "THROTTLED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


OPEN = frozenset({Status.PENDING, Status.THROTTLED, Status.RUNNING})
WORKFLOW = "workflow"
"""The model of a workflow invocation, whose request names no model."""


@dataclass(slots=True)
class Task:
    """One generation or workflow invocation.

    `billed_as` is the model whose limits and usage it counts under. `fails_with` is drawn when the task is submitted:
    None for a success, else a failure code. `cost` is in credits, None until the task is over. Times are Unix seconds;
    `queued_at` is the time at which it got a slot. `gone` says that it answers 404. `shown` is the last status that a
    client got.
    """

    id: str
    model: str
    billed_as: str
    endpoint: str
    estimate: int
    submitted_at: float
    running_seconds: float
    fails_with: str | None = None
    status: Status = Status.THROTTLED
    cost: int | None = None
    queued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    gone: bool = False
    shown: str = ""

    @property
    def is_workflow(self) -> bool:
        return self.model == WORKFLOW

    @property
    def failure_code(self) -> str | None:
        """The code of a failed task, None for any other task and for a failure without a code."""
        return self.fails_with if self.status is Status.FAILED and self.fails_with != NO_CODE else None

    def progress(self, now: float) -> float:
        """Return the share of a running task that is done, from 0 to 0.99."""
        if self.started_at is None or not self.running_seconds:
            return 0.0
        return round(min(0.99, max(0.0, (now - self.started_at) / self.running_seconds)), 2)


def timestamp(time: float) -> str:
    """Return a Unix time in ISO 8601 in UTC with milliseconds, as Runway writes it."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _outputs(task: Task) -> list[str]:
    return [f"https://outputs.simulator.invalid/{task.id}/output?_jwt=simulated"]


def _head(task: Task) -> dict[str, Any]:
    return {"id": task.id, "createdAt": timestamp(task.submitted_at), "status": task.status.value}


def _failure(task: Task) -> dict[str, Any]:
    code = {"failureCode": task.failure_code} if task.failure_code else {}
    return {"failure": failure(task.fails_with or NO_CODE).message, **code}


def task_document(task: Task, now: float) -> dict[str, Any]:
    """Return the answer to GET /v1/tasks/{id}."""
    document = _head(task)
    if task.status in OPEN:
        if task.status is Status.RUNNING:
            document["progress"] = task.progress(now)
        return {**document, "estimatedCost": {"credits": task.estimate}}
    if task.status is Status.SUCCEEDED:
        document["output"] = _outputs(task)
    if task.status is Status.FAILED:
        document.update(_failure(task))
    return {**document, "cost": {"credits": task.cost}}


_NODE = "node-1"


def invocation_document(task: Task, now: float) -> dict[str, Any]:
    """Return the answer to GET /v1/workflow_invocations/{id}."""
    document = _head(task)
    match task.status:
        case Status.RUNNING:
            return {**document, "progress": task.progress(now), "output": {}}
        case Status.SUCCEEDED:
            return {**document, "output": {_NODE: _outputs(task)}, "cost": {"credits": task.cost}}
        case Status.FAILED:
            details = _failure(task)
            node = {"message": details["failure"], "nodeName": "Generate"}
            return {**document, **details, "nodeErrors": {_NODE: node}, "cost": {"credits": task.cost}}
        case _:
            return document
