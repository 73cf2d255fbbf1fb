"""Follows one WebSocket, and never lets a fault of its own touch the traffic."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from prometheus_client import Gauge

from monitor.config import Account
from monitor.gateway.observe.dry_run import without_generations
from monitor.gateway.observe.observer import Observer
from monitor.gateway.websocket.decoder import WebSocketDecoder
from monitor.http.turns import FIRST_SECONDS, TURN_SECONDS, is_done_within
from monitor.metrics import Stage
from monitor.observations import AnyObservation
from monitor.providers.base import Provider, UnansweredTasks
from monitor.providers.http import Failure

STAGE: Stage = "socket"
MOST_TURNS_BEHIND = 400
MOST_BYTES_BEHIND = 16 * 1024 * 1024
Work = Callable[[WebSocketDecoder], Iterator[None]]


class FellBehindError(Exception):
    """More comes than can be looked at beside the traffic."""


class SocketObserver:
    """Is shown the bytes of both directions, in order; no method of it raises.

    `query` is that of the handshake, `extensions` what the vendor agreed to there, `in_flight` counts the requests
    under way. What cannot be read in one turn waits, in order, while the bytes themselves pass; `after_turn` is called
    each time. After a fault, or when it has been behind for seconds, it looks no more.
    """

    def __init__(
        self,
        observer: Observer,
        account: Account,
        provider: Provider,
        query: str,
        extensions: str,
        in_flight: Gauge,
    ) -> None:
        self._observer = observer
        self._account = account
        self._provider = provider
        self._in_flight = in_flight
        self.after_turn: Callable[[], None] = lambda: None
        self._pending = 0
        self._waiting: deque[tuple[int, Work]] = deque()
        self._bytes_behind = 0
        self._turns_behind = 0
        self._reading: Iterator[None] | None = None
        self._conversation = observer.attempt(STAGE, lambda: self._begin(query, extensions))

    @property
    def is_idle(self) -> bool:
        """Whether no request awaits its answer, as far as is known."""
        return not self._pending and not self.is_behind

    @property
    def is_behind(self) -> bool:
        """Whether bytes wait to be looked at."""
        return self._reading is not None

    def client_bytes(self, data: bytes) -> None:
        """The next bytes from the application pass."""
        self._add(len(data), lambda conversation: conversation.client_bytes(data))

    def provider_bytes(self, data: bytes) -> None:
        """The next bytes from the vendor pass."""
        self._add(len(data), lambda conversation: conversation.provider_bytes(data))

    def end(self, failure: Failure) -> None:
        """The connection is gone."""
        self._add(0, lambda conversation: self._ended(conversation, failure))

    def _begin(self, query: str, extensions: str) -> WebSocketDecoder | None:
        name, observer = self._account.name, self._observer
        is_dry_run = self._provider.is_dry_run(query)
        reader = self._provider.socket(name, UnansweredTasks() if is_dry_run else observer.unanswered_tasks[name])
        if reader is None:
            return None

        def repeated(tasks: tuple[str, ...]) -> frozenset[str]:
            return frozenset() if is_dry_run else observer.recent.repeated(name, tasks, observer.clock.now())

        def tell(told: list[AnyObservation]) -> None:
            observer.tell(without_generations(told) if is_dry_run else told)

        def attempt(work: Callable[[], None]) -> None:
            observer.attempt(STAGE, work)

        return WebSocketDecoder(reader, self._provider, extensions, repeated, tell, observer.clock.now, attempt)

    def _ended(self, conversation: WebSocketDecoder, failure: Failure) -> Iterator[None]:
        conversation.end(failure)
        self._conversation = None
        yield

    def _add(self, size: int, work: Work) -> None:
        if self._conversation is None:
            return
        self._waiting.append((size, work))
        self._bytes_behind += size
        if self._reading is None:
            self._reading = self._read(self._conversation)
            self._turn(FIRST_SECONDS)

    def _read(self, conversation: WebSocketDecoder) -> Iterator[None]:
        """Look at all that waits, and at what comes meanwhile."""
        while self._waiting:
            size, work = self._waiting.popleft()
            yield from work(conversation)
            self._bytes_behind -= size

    def _turn(self, seconds: float = TURN_SECONDS) -> None:
        """Look for a turn, and for another one later if that was not enough."""
        done = self._observer.attempt(STAGE, self._look, seconds)
        if done is None:
            self._conversation = None
            self._waiting.clear()
        self._note_pending()
        if done is False:
            self._observer.turns.later(self._turn)
        else:
            self._reading = None
            self._turns_behind = 0
        self.after_turn()

    def _look(self, seconds: float) -> bool:
        """Whether nothing waits after this turn.

        Raises:
            FellBehindError: too much does, or has for too long.
        """
        if self._reading is None or is_done_within(seconds, self._reading):
            return True
        self._turns_behind += 1
        if self._turns_behind > MOST_TURNS_BEHIND or self._bytes_behind > MOST_BYTES_BEHIND:
            raise FellBehindError
        return False

    def _note_pending(self) -> None:
        pending = self._conversation.pending if self._conversation else 0
        if pending != self._pending:
            self._in_flight.inc(pending - self._pending)
            self._pending = pending
