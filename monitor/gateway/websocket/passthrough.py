"""WebSocket on its way: once both handshakes are made, the bytes of each side go to the other as they come.

Nothing is unpacked and packed again, so fragments, masks, compression, control frames and close codes stay what they
are, and no message is ever held. A watch reads beside the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiohttp import ClientResponse, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_writer import StreamWriter
from aiohttp.streams import EMPTY_PAYLOAD

from monitor.gateway.http.headers import response_head
from monitor.gateway.websocket.observer import SocketWatch
from monitor.providers.base import Failure

UPGRADE_FIELDS = {"Connection": "Upgrade", "Upgrade": "websocket"}


def wants_socket(request: web.BaseRequest) -> bool:
    """Whether a request asks to go on as a WebSocket (RFC 6455, 4.1)."""
    options = request.headers.get("Connection", "").lower().split(",")
    upgrades = "upgrade" in (option.strip() for option in options)
    return upgrades and request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket"


class Switched(web.StreamResponse):
    """Stands for an answer by which the vendor has switched to WebSocket."""

    def __init__(self, response: ClientResponse) -> None:
        super().__init__()
        self.response = response


class Socket:
    """Two connections that have switched to WebSocket, joined. `drain` lets it end once nothing is under way."""

    def __init__(self, request: web.BaseRequest, response: ClientResponse, watch: SocketWatch) -> None:
        self._request = request
        self._response = response
        self._watch = watch
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drains = False
        watch.after_turn = self._end_if_idle

    async def run(self) -> None:
        """Pass on whatever comes, until one side is gone; then the other is let go too."""
        failure = Failure.CLIENT_GONE
        try:
            self._join()
            await self._over
            failure = Failure.TRUNCATED
        finally:
            self._watch.end(failure)
            self._response.close()

    def drain(self) -> None:
        """End as soon as no request is under way."""
        self._drains = True
        self._end_if_idle()

    def _join(self) -> None:
        client, connection = self._request.protocol, self._response.connection
        vendor = connection.protocol if connection else None
        if client.transport is None or vendor is None:
            raise ConnectionError("gone before it began")
        client.transport.write(response_head(101, self._response.reason or "", self._response.raw_headers))
        vendor.read_timeout = None
        to_client = Pipe(vendor, client, self._watch.vendor_bytes, self._end)
        vendor.set_parser(to_client, EMPTY_PAYLOAD)
        to_vendor = Pipe(client, vendor, self._watch.client_bytes, self._end)
        client.set_parser(to_vendor)  # type: ignore[arg-type]

    def _end_if_idle(self) -> None:
        if self._drains and self._watch.is_idle:
            self._end()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)


class Pipe:
    """What `source` receives goes out at `target`, no faster than `target` takes it; `end` is called when it stops.

    It stands where the library puts its reader of frames.
    """

    def __init__(
        self, source: BaseProtocol, target: BaseProtocol, see: Callable[[bytes], None], end: Callable[[], None]
    ) -> None:
        self._source = source
        self._target = target
        self._see = see
        self._end = end
        self._waiting: asyncio.Task[None] | None = None

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Pass bytes on; the answer is the library's: no error, nothing left."""
        transport = self._target.transport
        if transport is not None and not transport.is_closing():
            transport.write(data)
            if self._target.writing_paused and self._waiting is None:
                self._source.pause_reading()
                self._waiting = asyncio.ensure_future(self._wait())
        self._see(data)
        return False, b""

    def feed_eof(self) -> None:
        """The source is gone."""
        self._end()

    async def _wait(self) -> None:
        """Read on once the target has room again, or is gone."""
        with suppress(ConnectionError):
            await StreamWriter(self._target, asyncio.get_running_loop()).drain()
        self._waiting = None
        self._source.resume_reading()
