"""What a vendor is to the rest of the program: a pure reading of its bytes.

A provider does no I/O and reads no clock. The gateway, the account reads and the task follow-up all hand it an
`Exchange`, and get observations back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from monitor.model import AnyObservation, Kind
from monitor.providers.tiers import TierTables


class Failure(StrEnum):
    """Why an exchange has no whole answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    CLIENT_GONE = "client_gone"


@dataclass(frozen=True, slots=True)
class Route:
    """What a method and a path mean.

    `endpoint` is a template from a closed set, `other` for unknown paths. `model_fields` are the dotted paths of JSON
    strings in the request body that name the model, best first; `model` is a model known from the path alone.
    `task` is the id that the path names. `reads_reply` says that a 2xx body is worth keeping for `decode`; bodies of
    other statuses always are.
    """

    endpoint: str
    kind: Kind
    model_fields: tuple[str, ...] = ()
    model: str = ""
    task: str = ""
    makes_task: bool = False
    reads_reply: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange as it was on the wire, less everything secret.

    `path` starts at the vendor's root. `request_fields` holds the strings found under `route.model_fields`.
    `body` is the reply decompressed, empty where it was not kept. `status` is None where no status came;
    `failure` tells why an answer is missing or broken. `started_at` is Unix seconds.
    """

    account: str
    method: str
    path: str
    route: Route
    started_at: float
    duration_seconds: float
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_fields: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: Failure | None = None
    by_client: bool = True

    @property
    def ended_at(self) -> float:
        """Unix seconds of the last byte."""
        return self.started_at + self.duration_seconds


@dataclass(frozen=True, slots=True)
class Call:
    """A request of our own to the vendor: no key in it, the caller adds authentication."""

    method: str
    path: str
    json: Mapping[str, object] | None = None


class AccountReader(Protocol):
    """One scheduled read of the account."""

    name: str
    minimum_interval_seconds: float

    def call(self, now: float) -> Call:
        """The request to send at `now`."""
        ...

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        """One `ReadFinished`, after any `UnknownSeen`; never raises for what a vendor may answer."""
        ...


class Provider(Protocol):
    """A vendor. Implementations are stateless and listed in `monitor.providers.PROVIDERS`.

    `tiers` are its tables of usage tiers, None for a vendor without any.
    `smallest_purchase_credits` is what one purchase buys at least.
    """

    name: str
    base_url: str
    key_env: str
    models: frozenset[str]
    reads: tuple[AccountReader, ...]
    dollars_per_credit: float
    tiers: TierTables | None
    smallest_purchase_credits: float

    def headers(self, key: str) -> dict[str, str]:
        """Headers that authenticate a request of our own."""
        ...

    def route(self, method: str, path: str) -> Route:
        """Classify a request. Total: any method and path give a route."""
        ...

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        """What the exchange says: one `RequestSeen` and what it tells of tasks."""
        ...

    def task_call(self, task: str, endpoint: str) -> Call:
        """The request that reads the task which `endpoint` created."""
        ...
