"""Everything that the program takes from inside aiohttp, beyond its documented interface.

A pass-through needs what aiohttp has but does not publish: its connections, to repair the head of a reply before it is
parsed and to join two sockets without reading their frames; and the hook where a runner makes its server. This file
alone knows their names. It gives them public ones, so that nothing else depends on how aiohttp works inside.

pyproject.toml keeps aiohttp below its next minor version. When that cap is raised, `test_aiohttp_internals.py` fails
first and says which of these names has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
from aiohttp import ClientResponse, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_proto import ResponseHandler
from aiohttp.compression_utils import BrotliDecompressor, ZLibDecompressor, ZSTDDecompressor
from aiohttp.helpers import _EXC_SENTINEL, set_exception
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_writer import StreamWriter
from aiohttp.streams import EMPTY_PAYLOAD

__all__ = [
    "AppRunner",
    "BrotliDecompressor",
    "HttpProcessingError",
    "PatientRequest",
    "ReplyConnection",
    "ReplyConnector",
    "RequestConnection",
    "Runner",
    "SocketConnection",
    "ZLibDecompressor",
    "ZSTDDecompressor",
    "connection_of",
    "receive_raw",
    "room_to_write",
]

CONTINUE_SECONDS = 1.0
"""How long a client waits for `100 Continue` is its own choice (RFC 9110, 10.1.1); curl waits a second."""

SocketConnection = BaseProtocol
"""One end of a WebSocket: the connection of a client or of a provider."""


class Runner(web.BaseRunner):
    """Runs the server that `open_server` makes."""

    async def open_server(self) -> web.Server:
        """Make the server, in the event loop that it will run in."""
        raise NotImplementedError

    async def close_server(self) -> None:
        """Release what the server used, after its last connection."""

    async def _make_server(self) -> web.Server:
        return await self.open_server()

    async def _cleanup_server(self) -> None:
        await self.close_server()


class AppRunner(web.AppRunner):
    """Runs an application behind the server that `serve` makes for it."""

    def serve(self, server: web.Server) -> web.Server:
        """The server to listen with, given the one that aiohttp would take."""
        raise NotImplementedError

    async def _make_server(self) -> web.Server:
        return self.serve(await super()._make_server())


class RequestConnection(web.RequestHandler):
    """A client's connection on which a malformed body fails at once."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        super().data_received(data)
        request = self._current_request
        # While a body is unfinished, a new message can only be the parser's error. Otherwise the body never ends.
        if self._messages and request is not None and not request.content.is_eof():
            request.content.set_exception(web.RequestPayloadError("malformed"))
            request.content.feed_eof()


class PatientRequest(aiohttp.ClientRequest):
    """A request that sends its body after a second to a server that ignores `Expect: 100-continue`."""

    def update_expect_continue(self, expect: bool = False) -> None:
        super().update_expect_continue(expect)
        if self._continue is not None:
            self.loop.call_later(CONTINUE_SECONDS, _stop_waiting, self._continue)


def _stop_waiting(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(True)


class ReplyConnector(aiohttp.TCPConnector):
    """Opens connections of the class `connection`."""

    def __init__(self, connection: type[ReplyConnection], **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(connection, loop=asyncio.get_running_loop())  # type: ignore[assignment]


class ReplyConnection(ResponseHandler):
    """A connection to a provider. Subclasses see every byte before aiohttp parses it."""

    def reply_expected(self) -> None:
        """A request is about to be sent."""

    def received(self, data: bytes) -> None:
        """Take bytes from the provider. Empty `data` means that aiohttp has room for bytes it holds back."""
        self.parse(data)

    def parse(self, data: bytes) -> None:
        """Hand bytes to aiohttp's parser."""
        super().data_received(data)

    def await_more(self) -> None:
        """Start the read timeout again."""
        self.start_timeout()

    def fail(self, why: Exception) -> None:
        """Close the connection; its reply is malformed for the reason `why`."""
        if self.transport is not None:
            self.transport.close()
        self.set_exception(HttpProcessingError(message=str(why)), why)

    def set_response_params(self, **params: Any) -> None:
        """Prepare for a reply."""
        self.reply_expected()
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the provider."""
        self.received(data)

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """End the reply. A body that turns out to be malformed ends too; aiohttp alone would wait on."""
        super().set_exception(exc, exc_cause)
        if isinstance(exc, HttpProcessingError) and self._payload is not None and not self._payload.is_eof():
            set_exception(self._payload, aiohttp.ClientPayloadError("malformed"), exc_cause)


def connection_of(response: ClientResponse) -> SocketConnection | None:
    """The connection that a reply came on, None if it is gone."""
    return response.connection.protocol if response.connection else None


def receive_raw(connection: SocketConnection, received: Callable[[bytes], None], ended: Callable[[], None]) -> None:
    """Call `received` with all bytes from now on, in place of a reader of WebSocket frames, and `ended` at the end."""
    reader: Any = _RawReader(received, ended)
    if isinstance(connection, ResponseHandler):
        connection.read_timeout = None
        connection.set_parser(reader, EMPTY_PAYLOAD)
    elif isinstance(connection, web.RequestHandler):
        connection.set_parser(reader)


async def room_to_write(connection: SocketConnection) -> None:
    """Wait until the peer has taken what was written, or is gone."""
    with suppress(ConnectionError):
        await StreamWriter(connection, asyncio.get_running_loop()).drain()


class _RawReader:
    """Stands where aiohttp puts its reader of WebSocket frames."""

    def __init__(self, received: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._received = received
        self.feed_eof = ended

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Pass bytes on. The result tells aiohttp that there was no protocol error and that nothing is left."""
        self._received(data)
        return False, b""
