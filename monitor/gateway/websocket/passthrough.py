"""Passes a WebSocket on: once both handshakes are made, the bytes of each side go to the other as they come.

No frame is taken apart and put together again, so fragments, masks, compression, control frames and close codes stay as
they are, and no message is held. An observer reads beside the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import ClientResponse, web

from monitor.gateway.http.headers import response_head
from monitor.gateway.websocket.observer import SocketObserver
from monitor.http.aiohttp_internals import SocketConnection, connection_of, receive_raw, room_to_write
from monitor.providers.http import Failure

UPGRADE_FIELDS = {"Connection": "Upgrade", "Upgrade": "websocket"}


def wants_socket(request: web.BaseRequest) -> bool:
    """Whether a request asks for an upgrade to WebSocket (RFC 6455, 4.1)."""
    options = request.headers.get("Connection", "").lower().split(",")
    upgrades = "upgrade" in (option.strip() for option in options)
    return upgrades and request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket"


class Upgraded(web.StreamResponse):
    """Stands for the reply by which the provider switched to WebSocket."""

    def __init__(self, response: ClientResponse) -> None:
        super().__init__()
        self.response = response


class WebSocketPassthrough:
    """Joins two connections that have switched to WebSocket. `drain` lets it end once no request awaits an answer."""

    def __init__(self, request: web.BaseRequest, response: ClientResponse, observer: SocketObserver) -> None:
        self._request = request
        self._response = response
        self._observer = observer
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drains = False
        observer.after_turn = self._end_if_idle

    async def run(self) -> None:
        """Pass on whatever comes until one side is gone, then close the other."""
        failure = Failure.CLIENT_GONE
        try:
            self._join()
            await self._over
            failure = Failure.TRUNCATED
        finally:
            self._observer.end(failure)
            self._response.close()

    def drain(self) -> None:
        """End once no request awaits an answer."""
        self._drains = True
        self._end_if_idle()

    def _join(self) -> None:
        client, provider = self._request.protocol, connection_of(self._response)
        if client.transport is None or provider is None:
            raise ConnectionError("gone before it began")
        client.transport.write(response_head(101, self._response.reason or "", self._response.raw_headers))
        receive_raw(provider, Pipe(provider, client, self._observer.provider_bytes).send, self._end)
        receive_raw(client, Pipe(client, provider, self._observer.client_bytes).send, self._end)

    def _end_if_idle(self) -> None:
        if self._drains and self._observer.is_idle:
            self._end()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)


class Pipe:
    """Sends to `target` what `source` received, no faster than `target` takes it, and shows it to `see`."""

    def __init__(self, source: SocketConnection, target: SocketConnection, see: Callable[[bytes], None]) -> None:
        self._source = source
        self._target = target
        self._see = see
        self._waiting: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        """Pass bytes on."""
        transport = self._target.transport
        if transport is not None and not transport.is_closing():
            transport.write(data)
            if self._target.writing_paused and self._waiting is None:
                self._source.pause_reading()
                self._waiting = asyncio.ensure_future(self._wait())
        self._see(data)

    async def _wait(self) -> None:
        await room_to_write(self._target)
        self._waiting = None
        self._source.resume_reading()
