"""What HTTP itself says of an exchange, the same at every vendor."""

from __future__ import annotations

from http import HTTPStatus

from monitor.observations import Kind, Outcome
from monitor.providers.base import Exchange, Failure, media_type

RETRY_HEADER = "x-stainless-retry-count"
"""How SDKs that Stainless generates count attempts, from 0: those of Runway (Python 5.24.0, Node 4.20.1), and those of
OpenAI and Anthropic (Python 3.54.0 and 2.12.0), whose formats other vendors speak too."""

STATUS_CODES = range(100, 600)
SUCCESSES = range(200, 300)
REDIRECTIONS = range(300, 400)
CLIENT_ERRORS = range(400, 500)
READING_METHODS = frozenset({"GET", "HEAD"})
UNKNOWN_ENDPOINT = "other"
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})

OUTCOMES = {
    400: Outcome.INVALID_REQUEST,
    401: Outcome.UNAUTHORIZED,
    403: Outcome.FORBIDDEN,
    404: Outcome.NOT_FOUND,
    429: Outcome.RATE_LIMITED,
    502: Outcome.OVERLOADED,
    503: Outcome.OVERLOADED,
    504: Outcome.OVERLOADED,
}
"""Statuses with a meaning of their own (RFC 9110; RFC 6585 for 429)."""

BROKEN_OFF = {
    Failure.UNREACHABLE: Outcome.UNREACHABLE,
    Failure.TIMEOUT: Outcome.TIMEOUT,
    Failure.TRUNCATED: Outcome.TRUNCATED,
    Failure.CLIENT_GONE: Outcome.CLIENT_GONE,
}


def error_outcome(status: int) -> Outcome:
    """What an error status says by itself."""
    plain = Outcome.CLIENT_ERROR if status in CLIENT_ERRORS else Outcome.SERVER_ERROR
    return OUTCOMES.get(status, plain)


def is_redirected(exchange: Exchange, kind: Kind) -> bool:
    """Whether the answer sends the client elsewhere: no vendor does so, a login page or a proxy in its place does.

    A 304 is an answer to a poll, or to any other read by the application: nothing has changed (RFC 9110, 15.4.5).
    """
    if exchange.status not in REDIRECTIONS:
        return False
    is_read = kind is Kind.POLL or (exchange.by_client and exchange.method.upper() in READING_METHODS)
    return not (exchange.status == HTTPStatus.NOT_MODIFIED and is_read)


def is_interim(status: int) -> bool:
    """Whether a status announces an answer that never came; 101 is what a WebSocket was asked to begin with."""
    return status < SUCCESSES.start and status != HTTPStatus.SWITCHING_PROTOCOLS


def is_page(exchange: Exchange) -> bool:
    """Whether a known endpoint answers with a page for people: somebody has answered in the vendor's place."""
    is_known = exchange.route.endpoint != UNKNOWN_ENDPOINT
    return is_known and exchange.status in SUCCESSES and media_type(exchange.response_headers) in PAGE_TYPES


def is_marked_retry(exchange: Exchange) -> bool:
    """Whether the client marks the request as a repeated attempt."""
    for name, value in exchange.request_headers.items():
        if name.lower() == RETRY_HEADER:
            return value.isdecimal() and value.strip("0") != ""
    return False


def code_label(status: int | None) -> str:
    """A status as a label; `none` where there is none, or none that HTTP has."""
    return str(status) if status is not None and status in STATUS_CODES else "none"
