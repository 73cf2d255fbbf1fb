"""The interface of a provider: a pure reader of its bytes.

A provider does no I/O and reads no clock. The gateway, the account reads and the task follow-up each hand it an
`Exchange` and get observations back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from monitor.observations import AnyObservation, Kind
from monitor.providers.http import Call, Exchange, Failure, Item, Route
from monitor.providers.prices import PriceList
from monitor.providers.tiers import TierTables

MAX_UNANSWERED_TASKS = 1000


@dataclass(frozen=True, slots=True)
class CapacityAdvice:
    """The documented capacity of a provider without limits. It holds until the account's own baseline is known.

    A task that takes at most `healthy_seconds` is healthy. `concurrency` is the smallest and largest recommended number
    of open tasks.
    """

    healthy_seconds: float
    concurrency: tuple[int, int]


class AccountReader(Protocol):
    """One scheduled read of the account.

    `name` is its label. It runs at most once per `minimum_interval_seconds`.
    """

    name: str
    minimum_interval_seconds: float

    def call(self, now: float) -> Call:
        """The request to send at `now`, in Unix seconds."""
        ...

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        """One `ReadFinished`, after any `UnknownSeen`. Never raises, whatever the provider answers."""
        ...


class UnansweredTasks:
    """The newest 1,000 tasks that WebSockets of one account left without an answer.

    A provider may answer them later, on another socket. What is kept of a task is up to the provider.
    """

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, Any] = OrderedDict()

    def add(self, task: str, state: Any) -> None:
        """Keep the state of a task."""
        self._tasks[task] = state
        self._tasks.move_to_end(task)
        if len(self._tasks) > MAX_UNANSWERED_TASKS:
            self._tasks.popitem(last=False)

    def pop(self, task: str) -> Any | None:
        """Remove a task and return its state, None if it is not here."""
        return self._tasks.pop(task, None)


class SocketReader(Protocol):
    """Follows one WebSocket between the application and the provider. Its memory of pending requests is bounded.

    The gateway hands it every message in order, and gets observations back. `fields` are the fields to read from each
    element of a client's message, as in `Route.item_fields`. `pending` is the number of requests without an answer.
    Times are Unix seconds.
    """

    fields: tuple[str, ...]

    @property
    def pending(self) -> int: ...

    def sent(self, items: Sequence[Item], repeated: frozenset[str], now: float) -> list[AnyObservation]:
        """The application sent a message. `repeated` has the meaning of `Exchange.repeated`."""
        ...

    def received(self, message: bytes, now: float) -> list[AnyObservation]:
        """The provider sent a message. Strings of many kilobytes in it are cut."""
        ...

    def ended(self, failure: Failure, now: float) -> list[AnyObservation]:
        """The client or the provider ended the connection."""
        ...


@dataclass(frozen=True, slots=True)
class AutobillingPace:
    """The schedule by which a provider buys credits for an account automatically.

    The provider checks the balance every `check` seconds. It repeats a failed charge after `retry` seconds, up to
    `attempts` charges in all. Then it stops until somebody buys credits.
    """

    check: float
    retry: float
    attempts: int


class Provider(Protocol):
    """A provider. Implementations are stateless, derive from this class and are listed in `PROVIDERS`.

    - `base_url` and `ws_url` are the origins of HTTP and WebSocket. An empty `ws_url` means no WebSocket.
    - `key_env` is the environment variable with the key of an account that no file configures.
    - `models` are the ids that are known in advance.
    - `reads` are the scheduled account reads.
    - `has_credits` is false for a provider with prices in US dollars. Its "credits" are dollars everywhere.
    - `tiers` are the tables of usage tiers, None for a provider without tiers.
    - `capacity` marks a provider that queues instead of limiting. Its latency shows how full the queues are.
    - `prices` and `autobilling` are None if they are unknown. An unknown `smallest_purchase_credits` is 0.
    - `has_webhooks` says that the provider can call the application when a task ends.
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
        """Classify a request. Every method and path has a route."""
        ...

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        """Read an exchange: one `RequestSeen`, then observations of tasks. Never raises."""
        ...

    def is_dry_run(self, query: str) -> bool:  # noqa: ARG002
        """Whether requests with this query only validate. `query` is empty or begins with a question mark."""
        return False

    def task_call(self, task: str, endpoint: str) -> Call:
        """The request that polls a task, which was created at `endpoint`."""
        ...

    def named_tasks(self, items: Sequence[Item]) -> tuple[str, ...]:  # noqa: ARG002
        """The ids that a request gives to its own tasks. A repeated id marks a retry."""
        return ()

    def creates(self, route: Route, items: Sequence[Item]) -> bool:  # noqa: ARG002
        """Whether a request asks for a generation. `items` are those that were read from its body so far."""
        return route.kind is Kind.CREATE

    def keeps_event(self, data: bytes) -> bool:  # noqa: ARG002
        """Whether `decode` needs this event of a stream. It always gets the first one. `data` is the event's data."""
        return False

    def socket(self, account: str, unanswered_tasks: UnansweredTasks) -> SocketReader | None:  # noqa: ARG002
        """A reader for one new WebSocket of the account, None if `ws_url` is empty.

        All readers of the account share `unanswered_tasks`, which outlive the socket.
        """
        return None

    def decode_webhook(self, account: str, body: bytes, now: float) -> list[AnyObservation]:  # noqa: ARG002
        """Read a webhook that came at `now`, in Unix seconds. Never raises. Strings of many kilobytes in it are cut."""
        return []

    def upstream(self, model: str) -> str:  # noqa: ARG002
        """The company behind a model, from a closed set. Empty if it is unknown."""
        return ""
