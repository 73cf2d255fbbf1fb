"""Reads both directions of one WebSocket beside the traffic, and publishes what the messages say.

The bytes have passed already when they come here (`passthrough`), in the pieces in which they came, which say nothing
about where a message begins. Three steps lead from them to observations:

1. `FrameReader` takes the frames apart, one reader for each direction.
2. Of a client's message only the wanted fields are kept, found by a scanner while it streams by. Of a provider's
   message the text is kept with its long strings cut (`CutText`). Both are small, however large the media in a message
   are.
3. When a message is complete, the provider's `SocketReader` is given it. The reader alone knows which answer belongs to
   which request.

All of that happens in short steps, so that a message of many megabytes does not hold up the event loop;
`SocketObserver` decides when the next steps are taken. The order of the two directions is kept, because an answer means
nothing before its request.

A message that cannot be understood is lost alone: it is counted, and the next one is read. Frames that cannot be read
end the reading of this socket, because nobody can tell where the next frame begins; the traffic still passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.gateway.observe.json_fields import ItemScanner
from monitor.gateway.observe.observer import Observer
from monitor.gateway.websocket.frames import FrameReader, agreed_compression
from monitor.http.body_copies import CutText
from monitor.metrics import Stage
from monitor.providers.base import Provider, SocketReader
from monitor.providers.http import Failure, Item

STAGE: Stage = "socket"


class WebSocketDecoder:
    """Decodes one WebSocket of `account` for `reader`. `extensions` is what the provider's handshake agreed to.

    Raises:
        ValueError: the provider agreed to an extension that cannot be read.
    """

    def __init__(
        self,
        observer: Observer,
        account: str,
        provider: Provider,
        reader: SocketReader,
        extensions: str,
        *,
        is_dry_run: bool,
    ) -> None:
        self._observer = observer
        self._account = account
        self._provider = provider
        self._reader = reader
        self._is_dry_run = is_dry_run
        deflate, parameters = agreed_compression(extensions)
        self._client = FrameReader(deflate=deflate, fresh="client_no_context_takeover" in parameters)
        self._server = FrameReader(deflate=deflate, fresh="server_no_context_takeover" in parameters)
        self._scanner = ItemScanner(self._reader.fields)
        self._text = CutText()
        self._closed_by: Failure | None = None
        self._has_ended = False

    @property
    def pending(self) -> int:
        """How many requests await their answer."""
        return 0 if self._has_ended else self._reader.pending

    def client_bytes(self, data: bytes) -> Iterator[None]:
        """Read the next bytes from the application in short steps."""
        for piece in self._client.feed(data):
            if piece is None:
                items, self._scanner = self._scanner.items, ItemScanner(self._reader.fields)
                self._observer.attempt(STAGE, self._sent, items)
            elif self._scanner.wants_more:
                self._scanner.feed(piece)
            yield
        if self._client.closing:
            self._closed_by = self._closed_by or Failure.CLIENT_GONE

    def provider_bytes(self, data: bytes) -> Iterator[None]:
        """Read the next bytes from the provider in short steps."""
        for piece in self._server.feed(data):
            if piece is None:
                text, self._text = self._text, CutText()
                self._observer.attempt(STAGE, self._received, text)
            else:
                self._text.add(piece)
            yield
        if self._server.closing:
            self._closed_by = self._closed_by or Failure.TRUNCATED

    def end(self, failure: Failure) -> Iterator[None]:
        """The connection is gone. The side that sent a close frame first has ended it."""
        self._has_ended = True
        seen = self._reader.ended(self._closed_by or failure, self._observer.clock.now())
        self._observer.publish(seen, is_dry_run=self._is_dry_run)
        yield

    def _sent(self, items: Sequence[Item]) -> None:
        now = self._observer.clock.now()
        named = () if self._is_dry_run else self._provider.named_tasks(items)
        repeated = self._observer.retries.repeated(self._account, named, now)
        self._observer.publish(self._reader.sent(items, repeated, now), is_dry_run=self._is_dry_run)

    def _received(self, text: CutText) -> None:
        seen = self._reader.received(text.text(), self._observer.clock.now())
        self._observer.publish(seen, is_dry_run=self._is_dry_run)
