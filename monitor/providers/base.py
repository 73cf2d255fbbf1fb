"""What a vendor is to the rest of the program: a pure reading of its bytes.

A provider does no I/O and reads no clock. The gateway, the account reads and the task follow-up all hand it an
`Exchange`, and get observations back.
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
    """What a vendor without limits says of its capacity, which holds where nothing is learnt yet.

    A task that takes up to `healthy_seconds` is healthy; `concurrency` is the least and the most to have open at once.
    """

    healthy_seconds: float
    concurrency: tuple[int, int]


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


class UnansweredTasks:
    """What the sockets of one account left unanswered, by task, for one that is told of it later; the newest 1,000."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, Any] = OrderedDict()

    def add(self, task: str, what: Any) -> None:
        """Keep what a reader knows of a task."""
        self._tasks[task] = what
        self._tasks.move_to_end(task)
        if len(self._tasks) > MAX_UNANSWERED_TASKS:
            self._tasks.popitem(last=False)

    def pop(self, task: str) -> Any | None:
        """What was kept of a task, once."""
        return self._tasks.pop(task, None)


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

    def socket(self, account: str, unanswered_tasks: UnansweredTasks) -> SocketReader | None:  # noqa: ARG002
        """A reader for one new WebSocket of the account; None where `ws_url` is empty.

        `unanswered_tasks` outlive the socket: all readers of the account share them.
        """
        return None

    def decode_webhook(self, account: str, body: bytes, now: float) -> list[AnyObservation]:  # noqa: ARG002
        """What a webhook that came at `now` tells of tasks; never raises. Strings of many kilobytes in it are cut."""
        return []

    def upstream(self, model: str) -> str:  # noqa: ARG002
        """Whose model it is that the vendor serves, from a closed set; empty where that is not known."""
        return ""
