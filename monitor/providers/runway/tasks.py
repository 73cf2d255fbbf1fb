"""From an exchange on the wire to what it tells of a task."""

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
from monitor.providers.runway.errors import reason
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
"""openapi.json, 2026-08-08; the last spelling from an older official skill file."""


def task_observations(exchange: Exchange, document: dict[str, object] | None, model: str) -> list[AnyObservation]:
    """What the reply tells of the task it made, read or deleted. `document` is its JSON object.

    A body that was read whole counts even where the exchange failed afterwards: a client that is gone leaves its
    task behind.
    """
    if exchange.route.task and exchange.status == HTTPStatus.NOT_FOUND:
        return [_missing(exchange)]
    if exchange.status not in SUCCESSES or is_html_page(exchange):
        return []
    if exchange.route.makes_task:
        return _accepted(exchange, document, model)
    if exchange.route.task and exchange.route.kind is Kind.DELETE:
        return [TaskDeleted(account=exchange.account, at=exchange.ended_at, task=exchange.route.task)]
    if exchange.route.task and document is not None:
        return _sighted(exchange, document)
    return []


def _missing(exchange: Exchange) -> TaskMissing:
    """The vendor does not know the task (any more), whether it was asked to read or to delete it."""
    return TaskMissing(
        account=exchange.account, at=exchange.ended_at, task=exchange.route.task, by_client=exchange.by_client
    )


def _accepted(exchange: Exchange, document: dict[str, object] | None, model: str) -> list[AnyObservation]:
    """The task that a create made. A router's dry run makes none, and its reply has no id; any other reply has one."""
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


def _sighted(exchange: Exchange, document: dict[str, object]) -> list[AnyObservation]:
    """The task that a poll read, and what of it the tables do not hold.

    An unknown status is taken for pending, so that the task stays watched. The endpoint tells a task from an
    invocation to whoever reads it next.
    """
    status = _status(document.get("status"))
    why = reason(_failure_code(document)) if status is TaskStatus.FAILED else Reason.NONE
    seen = TaskSeen(
        account=exchange.account,
        at=exchange.ended_at,
        task=exchange.route.task,
        status=TaskStatus.PENDING if status is None else status,
        endpoint=exchange.route.endpoint,
        model=WORKFLOW_MODEL if exchange.route.endpoint == INVOCATION else UNKNOWN_MODEL,
        by_client=exchange.by_client,
        reason=Reason.OTHER if why is None else why,
        estimated_credits=_credits(document.get("estimatedCost")),
        credits=_credits(document.get("cost")),
    )
    unknown = [name for name, known in (("task_status", status), ("failure_code", why)) if known is None]
    return [seen, *(_unknown(exchange, name) for name in unknown)]


def _status(said: object) -> TaskStatus | None:
    return STATUSES.get(said.upper()) if isinstance(said, str) else None


def _failure_code(document: dict[str, object]) -> object:
    """The task's own code, else the first one among the nodes of a workflow."""
    code = document.get("failureCode")
    nodes = document.get("nodeErrors")
    if code or not isinstance(nodes, dict):
        return code
    return next((found for node in nodes.values() if (found := nested(node, "failureCode"))), code)


def _credits(cost: object) -> float | None:
    """The figure in a `cost` or `estimatedCost`; absent in replies older than 2026-07-21."""
    figure = number(nested(cost, "credits"))
    return figure if figure is not None and figure >= 0 else None


def _unknown(exchange: Exchange, field: str) -> UnknownSeen:
    return UnknownSeen(account=exchange.account, at=exchange.ended_at, field=field)
