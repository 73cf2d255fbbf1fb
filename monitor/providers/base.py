"""What a vendor is to the rest of the program: a pure reading of its bytes.

A provider does no I/O and reads no clock. The gateway, the account reads and the task follow-up all hand it an
`Exchange`, and get observations back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

import msgspec

from monitor.observations import AnyObservation, Kind
from monitor.providers.prices import PriceList
from monitor.providers.tiers import TierTables

MOST_LEFT = 1000
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
class CapacityAdvice:
    """What a vendor without limits says of its capacity, which holds where nothing is learnt yet.

    A task that takes up to `healthy_seconds` is healthy; `concurrency` is the least and the most to have open at once.
    """

    healthy_seconds: float
    concurrency: tuple[int, int]


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


class Leftovers:
    """What the sockets of one account left unanswered, by task, for one that is told of it later; the newest 1,000."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, Any] = OrderedDict()

    def leave(self, task: str, what: Any) -> None:
        """Keep what a reader knows of a task."""
        self._left[task] = what
        self._left.move_to_end(task)
        if len(self._left) > MOST_LEFT:
            self._left.popitem(last=False)

    def take(self, task: str) -> Any | None:
        """What was kept of a task, once."""
        return self._left.pop(task, None)


class SocketReader(Protocol):
    """Follows one WebSocket from the application to the vendor; it keeps a bounded memory of what was asked there.

    The gateway shows it every message in order; each method gives what that tells. `fields` are what it wants of every
    element of a client's message, as in `Route.item_fields`. `pending` is how many requests await their answer.
    """

    fields: tuple[str, ...]

    @property
    def pending(self) -> int: ...

    def sent(self, items: Sequence[Item], repeated: frozenset[str], now: float) -> list[AnyObservation]:
        """The application sent a message; `repeated` as in `Exchange`."""
        ...

    def received(self, message: bytes, now: float) -> list[AnyObservation]:
        """The vendor sent a message; strings of many kilobytes in it are cut."""
        ...

    def ended(self, failure: Failure, now: float) -> list[AnyObservation]:
        """The connection is gone, by the client or by the vendor."""
        ...


@dataclass(frozen=True, slots=True)
class AutobillingPace:
    """How a vendor buys credits for an account by itself, in seconds.

    The balance is checked every `check`; a charge that fails is tried again after `retry`, `attempts` times in all, and
    then no more until somebody buys.
    """

    check: float
    retry: float
    attempts: int


class Provider(Protocol):
    """A vendor. Implementations are stateless, derive from this and are listed in `monitor.providers.PROVIDERS`.

    `models` are the ids known beforehand. A vendor that prices in US dollars has no credits of its own: then
    `has_credits` is false, and what other places call credits are dollars. `ws_url` is empty where there is no
    WebSocket to pass on. `tiers` are its tables of usage tiers, None for a vendor without any.
    `prices` is what generations cost, `autobilling` how it buys credits by itself, None where that is not known.
    `smallest_purchase_credits` is what one purchase buys at least, 0 where that is not known. `has_webhooks` says that
    it can tell of a task's end by calling the application. A vendor that declares its `capacity` has queues in place of
    limits: how full they are is judged from how fast it answers.
    """

    name: str
    base_url: str
    key_env: str
    models: frozenset[str]
    reads: tuple[AccountReader, ...]
    dollars_per_credit: float = 1.0
    has_credits: bool = True
    ws_url: str = ""
    tiers: TierTables | None = None
    capacity: CapacityAdvice | None = None
    prices: PriceList | None = None
    autobilling: AutobillingPace | None = None
    smallest_purchase_credits: float = 0.0
    has_webhooks: bool = False

    def headers(self, key: str) -> dict[str, str]:
        """Headers that authenticate a request of our own."""
        ...

    def route(self, method: str, path: str) -> Route:
        """Classify a request. Total: any method and path give a route."""
        ...

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        """What the exchange says: one `RequestSeen` and what it tells of tasks."""
        ...

    def is_dry_run(self, query: str) -> bool:  # noqa: ARG002
        """Whether requests with this query, empty or with its question mark, are checked and generate nothing."""
        return False

    def task_call(self, task: str, endpoint: str) -> Call:
        """The request that reads the task which `endpoint` created."""
        ...

    def named_tasks(self, items: Sequence[Item]) -> tuple[str, ...]:  # noqa: ARG002
        """Ids that a request itself gives to the tasks it asks for: sent again, they mark a retry."""
        return ()

    def creates(self, route: Route, items: Sequence[Item]) -> bool:  # noqa: ARG002
        """Whether a request asks for a generation. `items` are as far as its body was read."""
        return route.kind is Kind.CREATE

    def keeps_event(self, data: bytes) -> bool:  # noqa: ARG002
        """Whether `decode` needs an event of a stream, besides the first; `data` is what it carries."""
        return False

    def socket(self, account: str, leftovers: Leftovers) -> SocketReader | None:  # noqa: ARG002
        """A reader for one new WebSocket of the account; None where `ws_url` is empty.

        `leftovers` outlive the socket: all readers of the account share them.
        """
        return None

    def decode_webhook(self, account: str, body: bytes, now: float) -> list[AnyObservation]:  # noqa: ARG002
        """What a webhook that came at `now` tells of tasks; never raises. Strings of many kilobytes in it are cut."""
        return []

    def upstream(self, model: str) -> str:  # noqa: ARG002
        """Whose model it is that the vendor serves, from a closed set; empty where that is not known."""
        return ""
