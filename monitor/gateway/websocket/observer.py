"""Follows one WebSocket beside the traffic, in turns, and never lets a fault of its own touch the traffic."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from prometheus_client import Gauge

from monitor.config import Account
from monitor.gateway.observe.observer import Observer
from monitor.gateway.websocket.decoder import STAGE, WebSocketDecoder
from monitor.http.turns import FIRST_SECONDS, TURN_SECONDS, is_done_within
from monitor.providers.base import Provider, UnansweredTasks
from monitor.providers.http import Failure

MOST_TURNS_BEHIND = 400
MOST_BYTES_BEHIND = 16 * 1024 * 1024


class FellBehindError(Exception):
    """More comes than can be read beside the traffic."""


class SocketObserver:
    """Is shown the bytes of both directions in order. No method raises.

    `query` is that of the handshake, `extensions` what the provider agreed to there. `in_flight` counts the requests
    that await their answer. What cannot be read within one turn waits while the bytes themselves pass; `after_turn` is
    called after each turn. After a fault, or once it has been behind for seconds, it reads no further.
    """

    def __init__(
        self, observer: Observer, account: Account, provider: Provider, query: str, extensions: str, in_flight: Gauge
    ) -> None:
        self._observer = observer
        self._in_flight = in_flight
        self.after_turn: Callable[[], None] = lambda: None
        self._pending = 0
        self._backlog: deque[tuple[int, Iterator[None]]] = deque()
        self._bytes_behind = 0
        self._turns_behind = 0
        self._reading: Iterator[None] | None = None
        self._decoder = observer.attempt(STAGE, _decoder, observer, account.name, provider, query, extensions)

    @property
    def is_idle(self) -> bool:
        """Whether no request is known to await its answer."""
        return not self._pending and not self.is_behind

    @property
    def is_behind(self) -> bool:
        """Whether bytes wait to be read."""
        return self._reading is not None

    def client_bytes(self, data: bytes) -> None:
        """The next bytes from the application pass."""
        if self._decoder is not None:
            self._read(len(data), self._decoder.client_bytes(data))

    def provider_bytes(self, data: bytes) -> None:
        """The next bytes from the provider pass."""
        if self._decoder is not None:
            self._read(len(data), self._decoder.provider_bytes(data))

    def end(self, failure: Failure) -> None:
        """The connection is gone."""
        if self._decoder is not None:
            self._read(0, self._decoder.end(failure))

    def _read(self, size: int, steps: Iterator[None]) -> None:
        """Take `steps` after those that wait, at once if none do."""
        self._backlog.append((size, steps))
        self._bytes_behind += size
        if self._reading is None:
            self._reading = self._steps()
            self._turn(FIRST_SECONDS)

    def _steps(self) -> Iterator[None]:
        """The steps of all that waits, and of what comes meanwhile."""
        while self._backlog:
            size, steps = self._backlog.popleft()
            yield from steps
            self._bytes_behind -= size

    def _turn(self, seconds: float = TURN_SECONDS) -> None:
        """Read for one turn, and ask for another one if steps are left."""
        is_done = self._observer.attempt(STAGE, self._take_steps, seconds)
        if is_done is None:
            self._decoder = None
            self._backlog.clear()
        self._count_pending()
        if is_done is False:
            self._observer.turns.later(self._turn)
        else:
            self._reading = None
            self._turns_behind = 0
        self.after_turn()

    def _take_steps(self, seconds: float) -> bool:
        """Read for `seconds`, and return whether nothing waits any more.

        Raises:
            FellBehindError: too much waits, or has waited for too long.
        """
        if self._reading is None or is_done_within(seconds, self._reading):
            return True
        self._turns_behind += 1
        if self._turns_behind > MOST_TURNS_BEHIND or self._bytes_behind > MOST_BYTES_BEHIND:
            raise FellBehindError
        return False

    def _count_pending(self) -> None:
        pending = self._decoder.pending if self._decoder else 0
        if pending != self._pending:
            self._in_flight.inc(pending - self._pending)
            self._pending = pending


def _decoder(
    observer: Observer, account: str, provider: Provider, query: str, extensions: str
) -> WebSocketDecoder | None:
    """A decoder for a new socket, None for a provider whose sockets are not read."""
    is_dry_run = provider.is_dry_run(query)
    reader = provider.socket(account, UnansweredTasks() if is_dry_run else observer.unanswered_tasks[account])
    if reader is None:
        return None
    return WebSocketDecoder(observer, account, provider, reader, extensions, is_dry_run=is_dry_run)
