"""From an exchange on the wire to how it ended."""

from __future__ import annotations

from monitor.observations import AnyObservation, Kind, Outcome, RequestSeen
from monitor.providers.http import (
    FAILURE_OUTCOMES,
    FIRST_ERROR_STATUS,
    SUCCESSES,
    Exchange,
    code_label,
    error_outcome,
    is_html_page,
    is_interim,
    is_marked_retry,
    is_redirected,
)
from monitor.providers.lenient import json_object, model_id, nested
from monitor.providers.runway.errors import lacks_credits
from monitor.providers.runway.tasks import task_observations


def decode(exchange: Exchange) -> list[AnyObservation]:
    """One `RequestSeen`, then what the reply tells of a task."""
    document = json_object(exchange.body)
    request = _request(exchange, document)
    return [request, *task_observations(exchange, document, request.model)]


def outcome(exchange: Exchange, document: dict[str, object] | None) -> Outcome:
    """How the exchange ended, `document` being the reply's JSON object.

    An error status tells more than the way its body ended, so it wins over a failure; a success that broke off is
    none. A 2xx is `truncated` where its JSON was wanted and cannot be read, and where it is a page.
    """
    status = exchange.status
    if status is not None and status >= FIRST_ERROR_STATUS:
        return _refusal(exchange, status, document)
    if is_redirected(exchange, exchange.route.kind):
        return Outcome.REDIRECTED
    if exchange.failure is not None:
        return FAILURE_OUTCOMES[exchange.failure]
    if status is None:
        return Outcome.UNREACHABLE
    is_wanted = exchange.route.reads_reply and not exchange.is_unread
    is_broken = status in SUCCESSES and is_wanted and document is None
    return Outcome.TRUNCATED if is_broken or is_interim(status) or is_html_page(exchange) else Outcome.SUCCESS


def _refusal(exchange: Exchange, status: int, document: dict[str, object] | None) -> Outcome:
    """A 429 on a create is the rolling daily cap: there is no limit of requests a minute (docs `usage/tiers`, 2026)."""
    known = error_outcome(status)
    if known is Outcome.NOT_FOUND and exchange.route.kind is Kind.DELETE:
        return Outcome.BENIGN_NOT_FOUND
    if known is Outcome.INVALID_REQUEST and lacks_credits(exchange, document):
        return Outcome.INSUFFICIENT_CREDITS
    return known


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
    """The model a create asks for: the path's, else the body's, else the one that the router chose."""
    route = exchange.route
    if route.kind is not Kind.CREATE:
        return ""
    asked = (exchange.request_fields[path] for path in route.model_fields if path in exchange.request_fields)
    return route.model or model_id(next(asked, nested(document, "routing", "model")))
