"""What replies from Runway say about tasks."""

from __future__ import annotations

from http import HTTPStatus

from monitor.observations import (
    AnyObservation,
    Kind,
    Reason,
    TaskDeleted,
    TaskMissing,
    TaskSeen,
    TaskStatus,
    UnknownSeen,
)
from monitor.providers.http import SUCCESSES, Exchange, is_html_page
from monitor.providers.lenient import UNKNOWN_MODEL, is_task_id, nested, number
from monitor.providers.runway.errors import failure_reason
from monitor.providers.runway.paths import INVOCATION, ROUTERS, WORKFLOW_MODEL

STATUSES = {
    "PENDING": TaskStatus.PENDING,
    "THROTTLED": TaskStatus.THROTTLED,
    "RUNNING": TaskStatus.RUNNING,
    "SUCCEEDED": TaskStatus.SUCCEEDED,
    "FAILED": TaskStatus.FAILED,
    "CANCELLED": TaskStatus.CANCELLED,
    "CANCELED": TaskStatus.CANCELLED,
}
"""Statuses of a task (openapi.json, 2026-08-08). The last spelling is from an older official skill file."""


def task_observations(exchange: Exchange, document: dict[str, object] | None, model: str) -> list[AnyObservation]:
    """What the reply says about the task that it created, read or deleted. `document` is its JSON object.

    A complete body counts even if the exchange failed afterwards, because a client that leaves does not stop its task.
    """
    if exchange.route.task and exchange.status == HTTPStatus.NOT_FOUND:
        return [
            TaskMissing(
                account=exchange.account, at=exchange.ended_at, task=exchange.route.task, by_client=exchange.by_client
            )
        ]
    if exchange.status not in SUCCESSES or is_html_page(exchange):
        return []
    if exchange.route.makes_task:
        return _created(exchange, document, model)
    if exchange.route.task and exchange.route.kind is Kind.DELETE:
        return [TaskDeleted(account=exchange.account, at=exchange.ended_at, task=exchange.route.task)]
    if exchange.route.task and document is not None:
        return _polled(exchange, document)
    return []


def _created(exchange: Exchange, document: dict[str, object] | None, model: str) -> list[AnyObservation]:
    """Read the reply to a create. A router's dry run creates no task and has no id. Every other reply has one."""
    task = nested(document, "id")
    if task is None and (document is None or exchange.route.endpoint in ROUTERS):
        return []
    if not is_task_id(task):
        return [_unknown(exchange, "task_id")]
    estimate = nested(document, "estimatedCost") or nested(document, "routing", "estimatedCost")
    return [
        TaskSeen(
            account=exchange.account,
            at=exchange.ended_at,
            task=task,
            status=TaskStatus.PENDING,
            endpoint=exchange.route.endpoint,
            model=model,
            accepted=True,
            by_client=exchange.by_client,
            estimated_credits=_credits(estimate),
        )
    ]


def _polled(exchange: Exchange, document: dict[str, object]) -> list[AnyObservation]:
    """Read the reply to a poll, and report values that the tables lack.

    An unknown status counts as pending, so that the task stays under observation. The observation carries the endpoint
    because our follow-up polls tasks and invocations at different ones.
    """
    reported = document.get("status")
    status = STATUSES.get(reported.upper()) if isinstance(reported, str) else None
    reason = failure_reason(_failure_code(document)) if status is TaskStatus.FAILED else Reason.NONE
    seen = TaskSeen(
        account=exchange.account,
        at=exchange.ended_at,
        task=exchange.route.task,
        status=TaskStatus.PENDING if status is None else status,
        endpoint=exchange.route.endpoint,
        model=WORKFLOW_MODEL if exchange.route.endpoint == INVOCATION else UNKNOWN_MODEL,
        by_client=exchange.by_client,
        reason=Reason.OTHER if reason is None else reason,
        estimated_credits=_credits(document.get("estimatedCost")),
        credits=_credits(document.get("cost")),
    )
    unknown = [name for name, known in (("task_status", status), ("failure_code", reason)) if known is None]
    return [seen, *(_unknown(exchange, name) for name in unknown)]


def _failure_code(document: dict[str, object]) -> object:
    """The code of the task, else the first code among the nodes of a workflow."""
    code = document.get("failureCode")
    nodes = document.get("nodeErrors")
    if code or not isinstance(nodes, dict):
        return code
    return next((found for node in nodes.values() if (found := nested(node, "failureCode"))), code)


def _credits(cost: object) -> float | None:
    """The credits in a `cost` or `estimatedCost`, which Runway reports since 2026-07-21 (openapi.json)."""
    figure = number(nested(cost, "credits"))
    return figure if figure is not None and figure >= 0 else None


def _unknown(exchange: Exchange, field: str) -> UnknownSeen:
    return UnknownSeen(account=exchange.account, at=exchange.ended_at, field=field)
