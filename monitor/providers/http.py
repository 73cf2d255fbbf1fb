"""What HTTP itself says of an exchange, the same at every vendor."""

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
"""What is kept of an element of a message: its wanted strings, and its wanted numbers and truths as JSON has them."""


class Failure(StrEnum):
    """Why an exchange has no whole answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    CLIENT_GONE = "client_gone"


class Route(msgspec.Struct, frozen=True):
    """What a method and a path mean.

    `endpoint` is a template from a closed set, `other` for unknown paths. `model_fields` are the dotted paths of JSON
    strings in the request body that name the model, best first; `model` is a model known from the path alone.
    `item_fields` are the same for a body that is an array of objects, where they are kept of each element; of one whose
    name ends in `?` no value is kept, only that there is a string, as `true` under the name without that.
    `task` is the id that the path names. `reads_reply` says that a 2xx body is worth keeping for `decode`; bodies of
    other statuses always are. `cuts_reply` says that strings of many kilobytes in it, media in base64, need not be.
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
    """One HTTP exchange as it was on the wire, less everything secret.

    `path` starts at the vendor's root. `request_fields` holds the strings found under `route.model_fields`,
    `request_items` what each element of the body has under `route.item_fields`; `repeated` are those of its
    `Provider.named_tasks` that an earlier request named too. `body` is the reply decompressed, empty where it was not
    kept; of a stream of events it holds one line for each that was kept; `is_unread` says that it passed, but
    could not be kept: it was too large, or in a coding that is not known. `status` is None where no status came;
    `failure` tells why an answer is missing or broken, `problem` the same in words, for the log. `started_at` is Unix
    seconds.
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
        """Unix seconds of the last byte."""
        return self.started_at + self.duration_seconds

    @property
    def is_stream(self) -> bool:
        """Whether the reply is a stream of events."""
        return media_type(self.response_headers) == EVENT_STREAM


def media_type(headers: Mapping[str, str]) -> str:
    """The `Content-Type` among `headers` without its parameters, in lower case; empty where there is none."""
    types = (value for name, value in headers.items() if name.lower() == "content-type")
    return next(types, "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Call:
    """A request of our own to the vendor: no key in it, the caller adds authentication."""

    method: str
    path: str
    json: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """The strings of each element, where the body is an array."""
        elements = () if self.json is None or isinstance(self.json, Mapping) else self.json
        return tuple({name: value for name, value in each.items() if isinstance(value, str)} for each in elements)


RETRY_HEADER = "x-stainless-retry-count"
"""How SDKs that Stainless generates count attempts, from 0: those of Runway (Python 5.24.0, Node 4.20.1), and those of
OpenAI and Anthropic (Python 3.54.0 and 2.12.0), whose formats other vendors speak too."""

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
"""Statuses with a meaning of their own (RFC 9110; RFC 6585 for 429)."""

FAILURE_OUTCOMES = {
    Failure.UNREACHABLE: Outcome.UNREACHABLE,
    Failure.TIMEOUT: Outcome.TIMEOUT,
    Failure.TRUNCATED: Outcome.TRUNCATED,
    Failure.CLIENT_GONE: Outcome.CLIENT_GONE,
}


def error_outcome(status: int) -> Outcome:
    """What an error status says by itself."""
    plain = Outcome.CLIENT_ERROR if status in CLIENT_ERRORS else Outcome.SERVER_ERROR
    return STATUS_OUTCOMES.get(status, plain)


def is_redirected(exchange: Exchange, kind: Kind) -> bool:
    """Whether the answer sends the client elsewhere: no vendor does so, a login page or a proxy in its place does.

    A 304 is an answer to a poll, or to any other read by the application: nothing has changed (RFC 9110, 15.4.5).
    """
    if exchange.status not in REDIRECTIONS:
        return False
    is_read = kind is Kind.POLL or (exchange.by_client and exchange.method.upper() in READ_METHODS)
    return not (exchange.status == HTTPStatus.NOT_MODIFIED and is_read)


def is_interim(status: int) -> bool:
    """Whether a status announces an answer that never came; 101 is what a WebSocket was asked to begin with."""
    return status < SUCCESSES.start and status != HTTPStatus.SWITCHING_PROTOCOLS


def is_html_page(exchange: Exchange) -> bool:
    """Whether a known endpoint answers with a page for people: somebody has answered in the vendor's place."""
    is_known = exchange.route.endpoint != UNKNOWN_ENDPOINT
    return is_known and exchange.status in SUCCESSES and media_type(exchange.response_headers) in HTML_TYPES


def is_marked_retry(exchange: Exchange) -> bool:
    """Whether the client marks the request as a repeated attempt."""
    for name, value in exchange.request_headers.items():
        if name.lower() == RETRY_HEADER:
            return value.isdecimal() and value.strip("0") != ""
    return False


def code_label(status: int | None) -> str:
    """A status as a label; `none` where there is none, or none that HTTP has."""
    return str(status) if status is not None and status in STATUS_CODES else "none"
