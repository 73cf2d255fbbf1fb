"""Follows one WebSocket, and never lets a fault of its own touch the traffic."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Gauge

from monitor.config import Account
from monitor.gateway.conversation import Conversation
from monitor.gateway.dry_run import without_generations
from monitor.gateway.observer import Observer
from monitor.metrics import Stage
from monitor.model import AnyObservation
from monitor.providers.base import Failure, Leftovers, Provider

STAGE: Stage = "socket"


class SocketWatch:
    """Is shown the bytes of both directions, in order; no method of it raises.

    `query` is that of the handshake, `extensions` what the vendor agreed to there, `in_flight` counts the requests
    under way. After a fault it looks no more.
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
        self._pending = 0
        self._conversation = observer.attempt(STAGE, lambda: self._begin(query, extensions))

    @property
    def pending(self) -> int:
        """How many requests await their answer, as far as is known."""
        return self._pending

    def client_bytes(self, data: bytes) -> None:
        """The next bytes from the application pass."""
        self._look(lambda conversation: conversation.client_bytes(data))

    def vendor_bytes(self, data: bytes) -> None:
        """The next bytes from the vendor pass."""
        self._look(lambda conversation: conversation.vendor_bytes(data))

    def end(self, failure: Failure) -> None:
        """The connection is gone."""
        self._look(lambda conversation: conversation.end(failure))
        self._conversation = None

    def _begin(self, query: str, extensions: str) -> Conversation | None:
        name, observer = self._account.name, self._observer
        is_dry_run = self._provider.is_dry_run(query)
        reader = self._provider.socket(name, Leftovers() if is_dry_run else observer.leftovers[name])
        if reader is None:
            return None

        def repeated(tasks: tuple[str, ...]) -> frozenset[str]:
            return frozenset() if is_dry_run else observer.recent.repeated(name, tasks, observer.clock.now())

        def tell(told: list[AnyObservation]) -> None:
            observer.tell(without_generations(told) if is_dry_run else told)

        def attempt(work: Callable[[], None]) -> None:
            observer.attempt(STAGE, work)

        return Conversation(reader, self._provider, extensions, repeated, tell, observer.clock.now, attempt)

    def _look(self, work: Callable[[Conversation], None]) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        pending = self._observer.attempt(STAGE, lambda: _worked(work, conversation))
        if pending is None:
            self._conversation, pending = None, 0
        if pending != self._pending:
            self._in_flight.inc(pending - self._pending)
            self._pending = pending


def _worked(work: Callable[[Conversation], None], conversation: Conversation) -> int:
    work(conversation)
    return conversation.pending
