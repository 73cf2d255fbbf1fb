"""HTTP exchanges with Runway: how a request ended, and what its reply says about a task."""

from __future__ import annotations

from monitor.observations import AnyObservation, Kind, Outcome, RequestSeen
from monitor.providers.http import (
    FAILURE_OUTCOMES,
    FIRST_ERROR_STATUS,
    SUCCESSES,
    Exchange,
    code_label,
    is_html_page,
    is_interim,
    is_marked_retry,
    is_redirected,
)
from monitor.providers.lenient import json_object, model_id, nested
from monitor.providers.runway.errors import refusal_outcome
from monitor.providers.runway.tasks import task_observations


def decode(exchange: Exchange) -> list[AnyObservation]:
    """One `RequestSeen`, then what the reply says about a task. Never raises."""
    document = json_object(exchange.body)
    request = _request(exchange, document)
    return [request, *task_observations(exchange, document, request.model)]


def outcome(exchange: Exchange, document: dict[str, object] | None) -> Outcome:
    """The outcome of an exchange. `document` is the JSON object in its reply.

    An error status says more than a body that broke off, so the status wins. A success that broke off is no success. A
    2xx is `truncated` if its JSON is needed and unreadable, and if it is an HTML page.
    """
    status = exchange.status
    if status is not None and status >= FIRST_ERROR_STATUS:
        return refusal_outcome(exchange, status, document)
    if is_redirected(exchange, exchange.route.kind):
        return Outcome.REDIRECTED
    if exchange.failure is not None:
        return FAILURE_OUTCOMES[exchange.failure]
    if status is None:
        return Outcome.UNREACHABLE
    is_needed = exchange.route.reads_reply and not exchange.is_unread
    is_broken = status in SUCCESSES and is_needed and document is None
    return Outcome.TRUNCATED if is_broken or is_interim(status) or is_html_page(exchange) else Outcome.SUCCESS


def _request(exchange: Exchange, document: dict[str, object] | None) -> RequestSeen:
    return RequestSeen(
        account=exchange.account,
        at=exchange.ended_at,
        endpoint=exchange.route.endpoint,
        kind=exchange.route.kind,
        outcome=outcome(exchange, document),
        duration_seconds=exchange.duration_seconds,
        model=_model(exchange, document),
        code=code_label(exchange.status),
        retry=is_marked_retry(exchange),
    )


def _model(exchange: Exchange, document: dict[str, object] | None) -> str:
    """The model of a create: from the path, else from the body, else the one that the router chose."""
    route = exchange.route
    if route.kind is not Kind.CREATE:
        return ""
    requested = (exchange.request_fields[path] for path in route.model_fields if path in exchange.request_fields)
    return route.model or model_id(next(requested, nested(document, "routing", "model")))
