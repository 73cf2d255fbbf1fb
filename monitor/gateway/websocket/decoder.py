"""What passes on one WebSocket in both directions, read beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from monitor.gateway.observe.json_fields import ItemScanner
from monitor.gateway.websocket.frames import FrameReader, agreed_compression
from monitor.http.body_copies import CutText
from monitor.observations import AnyObservation
from monitor.providers.base import Provider, SocketReader
from monitor.providers.http import Failure, Item


class WebSocketDecoder:
    """Shows a vendor's `SocketReader` each message: of the client's the wanted fields, of the vendor's the text, cut.

    `extensions` is what the vendor's handshake agreed to. `repeated` gives those of the tasks that were named before,
    `tell` takes what each message says, `attempt` runs the reading of one, which may raise: that message is lost then.
    Where a method raises itself, no more can be learnt from this connection.
    """

    def __init__(
        self,
        reader: SocketReader,
        provider: Provider,
        extensions: str,
        repeated: Callable[[tuple[str, ...]], frozenset[str]],
        tell: Callable[[list[AnyObservation]], None],
        now: Callable[[], float],
        attempt: Callable[[Callable[[], None]], None],
    ) -> None:
        deflate, parameters = agreed_compression(extensions)
        self._reader = reader
        self._provider = provider
        self._repeated = repeated
        self._tell = tell
        self._now = now
        self._attempt = attempt
        fresh = {side: f"{side}_no_context_takeover" in parameters for side in ("client", "server")}
        self._from_client = FrameReader(self._sending, self._sent, deflate=deflate, fresh=fresh["client"])
        self._from_provider = FrameReader(self._receiving, self._received, deflate=deflate, fresh=fresh["server"])
        self._scanner = ItemScanner(reader.fields)
        self._message = CutText()
        self._closed_by: Failure | None = None

    @property
    def pending(self) -> int:
        """How many requests await their answer."""
        return self._reader.pending

    def client_bytes(self, data: bytes) -> Iterator[None]:
        """The next bytes from the application, in short steps."""
        yield from self._from_client.feed(data)
        if self._from_client.closing:
            self._closed_by = self._closed_by or Failure.CLIENT_GONE

    def provider_bytes(self, data: bytes) -> Iterator[None]:
        """The next bytes from the vendor, in short steps."""
        yield from self._from_provider.feed(data)
        if self._from_provider.closing:
            self._closed_by = self._closed_by or Failure.TRUNCATED

    def end(self, failure: Failure) -> None:
        """The connection is gone. Who sent a close frame first has ended it."""
        self._tell(self._reader.ended(self._closed_by or failure, self._now()))

    def _sending(self, part: bytes) -> None:
        if self._scanner.wants_more:
            self._scanner.feed(part)

    def _sent(self) -> None:
        items, self._scanner = self._scanner.items, ItemScanner(self._reader.fields)
        self._attempt(lambda: self._read_sent(items))

    def _read_sent(self, items: Sequence[Item]) -> None:
        again = self._repeated(self._provider.named_tasks(items))
        self._tell(self._reader.sent(items, again, self._now()))

    def _receiving(self, part: bytes) -> None:
        self._message.add(part)

    def _received(self) -> None:
        message, self._message = self._message, CutText()
        self._attempt(lambda: self._tell(self._reader.received(message.text(), self._now())))
