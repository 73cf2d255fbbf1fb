"""HTTP as all providers use it: routes, exchanges, and what a status means by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TypeAlias

import msgspec

from monitor.observations import Kind, Outcome

EVENT_STREAM = "text/event-stream"
Item: TypeAlias = Mapping[str, str]
"""The selected fields of one element of a message. Numbers and booleans are in their JSON spelling."""


class Failure(StrEnum):
    """Why an exchange has no complete reply."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    CLIENT_GONE = "client_gone"


class Route(msgspec.Struct, frozen=True):
    """What a method and a path mean.

    - `endpoint` is a template from a closed set, `other` for unknown paths.
    - `model_fields` are dotted paths of JSON strings in the request's body that name the model, best first.
    - `item_fields` are the fields to keep of each element, for a body that is an array of objects. For a name with a
      final `?` no value is kept: its presence becomes `true` under the name without the `?`.
    - `model` and `task` are the model and the task id that the path names.
    - `makes_task` says that a success creates a task.
    - `reads_reply` says that `decode` needs the body of a 2xx. It always gets the body of an error.
    - `cuts_reply` says that `decode` does not need strings of many kilobytes in it, such as media in base64.
    """

    endpoint: str
    kind: Kind
    model_fields: tuple[str, ...] = ()
    item_fields: tuple[str, ...] = ()
    model: str = ""
    task: str = ""
    makes_task: bool = False
    reads_reply: bool = False
    cuts_reply: bool = False


class Exchange(msgspec.Struct, frozen=True):
    """One HTTP exchange as it was on the wire, without secrets.

    - `path` starts at the provider's root. `started_at` is Unix seconds.
    - `request_fields` are the strings under `route.model_fields`. `request_items` are the `route.item_fields` of each
      element of the body.
    - `repeated` are those of the request's `Provider.named_tasks` that an earlier request named, too.
    - `status` is None if no status came.
    - `body` is the decompressed reply, empty if it was not kept. Of a stream of events it holds one line for each kept
      event.
    - `is_unread` says that the body passed but was too large, or in an unknown coding.
    - `failure` is why the reply is missing or incomplete. `problem` says the same in words, for the log.
    - `by_client` tells the application's exchanges from our own.
    """

    account: str
    method: str
    path: str
    route: Route
    started_at: float
    duration_seconds: float
    request_headers: Mapping[str, str] = {}
    request_fields: Mapping[str, str] = {}
    request_items: Sequence[Item] = ()
    repeated: frozenset[str] = frozenset()
    status: int | None = None
    response_headers: Mapping[str, str] = {}
    body: bytes = b""
    is_unread: bool = False
    failure: Failure | None = None
    problem: str = ""
    by_client: bool = True

    @property
    def ended_at(self) -> float:
        """Time of the last byte, in Unix seconds."""
        return self.started_at + self.duration_seconds

    @property
    def is_stream(self) -> bool:
        """Whether the reply is a stream of server-sent events."""
        return media_type(self.response_headers) == EVENT_STREAM


def media_type(headers: Mapping[str, str]) -> str:
    """The `Content-Type` without its parameters, in lower case. Empty if the header is missing."""
    stated = headers.get("Content-Type")
    if stated is None:
        stated = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return stated.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Call:
    """A request of our own to the provider, without a key. The caller adds authentication."""

    method: str
    path: str
    json: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """The strings of each element of an array body, as in `Exchange.request_items`."""
        elements = () if self.json is None or isinstance(self.json, Mapping) else self.json
        return tuple({name: value for name, value in each.items() if isinstance(value, str)} for each in elements)


RETRY_HEADER = "x-stainless-retry-count"
"""The attempt, counted from 0, in requests of SDKs that Stainless generates: those of Runway (Python 5.24.0, Node
4.20.1), and those of OpenAI and Anthropic (Python 3.54.0 and 2.12.0), whose formats other providers speak, too."""

STATUS_CODES = range(100, 600)
SUCCESSES = range(200, 300)
REDIRECTIONS = range(300, 400)
CLIENT_ERRORS = range(400, 500)
FIRST_ERROR_STATUS = 400
READ_METHODS = frozenset({"GET", "HEAD"})
UNKNOWN_ENDPOINT = "other"
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

STATUS_OUTCOMES = {
    400: Outcome.INVALID_REQUEST,
    401: Outcome.UNAUTHORIZED,
    403: Outcome.FORBIDDEN,
    404: Outcome.NOT_FOUND,
    429: Outcome.RATE_LIMITED,
    502: Outcome.OVERLOADED,
    503: Outcome.OVERLOADED,
    504: Outcome.OVERLOADED,
}
"""Outcomes of statuses with a meaning of their own (RFC 9110; RFC 6585 for 429)."""

FAILURE_OUTCOMES = {
    Failure.UNREACHABLE: Outcome.UNREACHABLE,
    Failure.TIMEOUT: Outcome.TIMEOUT,
    Failure.TRUNCATED: Outcome.TRUNCATED,
    Failure.CLIENT_GONE: Outcome.CLIENT_GONE,
}


def error_outcome(status: int) -> Outcome:
    """The outcome of an error status by itself."""
    default = Outcome.CLIENT_ERROR if status in CLIENT_ERRORS else Outcome.SERVER_ERROR
    return STATUS_OUTCOMES.get(status, default)


def is_redirected(exchange: Exchange, kind: Kind) -> bool:
    """Whether the reply redirects the client. Providers never do; a login page or a proxy in their place does.

    A 304 to a poll, or to another read by the application, is no redirect: it says that nothing has changed (RFC 9110,
    15.4.5).
    """
    if exchange.status not in REDIRECTIONS:
        return False
    is_read = kind is Kind.POLL or (exchange.by_client and exchange.method.upper() in READ_METHODS)
    return not (exchange.status == HTTPStatus.NOT_MODIFIED and is_read)


def is_interim(status: int) -> bool:
    """Whether a status announces a reply that never came. 101 is the complete reply to a WebSocket handshake."""
    return status < SUCCESSES.start and status != HTTPStatus.SWITCHING_PROTOCOLS


def is_html_page(exchange: Exchange) -> bool:
    """Whether a known endpoint answers with an HTML page, so that something else answered in the provider's place."""
    is_known = exchange.route.endpoint != UNKNOWN_ENDPOINT
    return is_known and exchange.status in SUCCESSES and media_type(exchange.response_headers) in HTML_TYPES


def is_marked_retry(exchange: Exchange) -> bool:
    """Whether the client marks the request as a retry."""
    for name, value in exchange.request_headers.items():
        if name.lower() == RETRY_HEADER:
            return value.isdecimal() and value.strip("0") != ""
    return False


def code_label(status: int | None) -> str:
    """A status as a label. `none` if it is missing or no status of HTTP."""
    return str(status) if status is not None and status in STATUS_CODES else "none"
