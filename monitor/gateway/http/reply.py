"""The provider's reply on its way to the client, byte for byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import ClientResponse, HttpVersion11, web

from monitor.gateway.http.headers import end_to_end, response_head
from monitor.gateway.http.upstream import next_chunk
from monitor.providers.http import EVENT_STREAM, media_type

# Linger for 0 s: closing sends a reset.
NO_LINGER = struct.pack("ii", 1, 0)
See = Callable[[bytes], Awaitable[None]]
NO_BODY_STATUSES = frozenset({204, 304})
LONGEST_HELD_BYTES = 64 * 1024
LONGEST_HELD_SECONDS = 1.0


class AlreadySent(web.StreamResponse):
    """A reply that is on the wire already, so that aiohttp has nothing to write."""

    def __init__(self, keep_alive: bool) -> None:
        super().__init__()
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: the head is on the wire."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the body is on the wire."""


class Relay:
    """Passes one reply on, framed for the client's connection. `begun` says whether the client has received any of it.

    With `holds`, a short reply that comes within a second passes whole or not at all. An event stream is never held.
    """

    def __init__(
        self, request: web.BaseRequest, response: ClientResponse, keep_alive: bool, *, holds: bool = False
    ) -> None:
        fields = end_to_end(response.raw_headers)
        has_body = request.method != "HEAD" and response.status not in NO_BODY_STATUSES
        unframed = has_body and not any(name.lower() == b"content-length" for name, _ in fields)
        modern = request.version >= HttpVersion11
        self._request = request
        self._response = response
        self._holds = holds and media_type(response.headers) != EVENT_STREAM
        self._chunked = unframed and modern
        self._ends_with_connection = unframed and not modern
        self.keep_alive = keep_alive and not self._ends_with_connection
        if self._chunked:
            fields.append((b"Transfer-Encoding", b"chunked"))
        if not self.keep_alive:
            fields.append((b"Connection", b"close"))
        elif not modern:
            fields.append((b"Connection", b"keep-alive"))
        self._head = response_head(response.status, response.reason or "", fields)
        self.begun = False

    async def run(self, see: See) -> None:
        """Write the whole reply, and show its body to `see`.

        Raises:
            ProviderFailure: the reply broke off.
            ConnectionError: the client is gone.
        """
        content = self._response.content
        out = self._head
        if self._holds:
            chunk = await self._held(see)
        else:
            # Body bytes that came with the head leave with it. A head that came alone must not wait for a body.
            chunk = await self._next(see) if content.total_bytes or content.is_eof() else b""
        while True:
            ended = content.at_eof()
            out += self._frame(chunk, ended)
            if out:
                self.begun = True
                await self._request.writer.write(out)
            if ended:
                return
            out = b""
            chunk = await self._next(see)

    async def _next(self, see: See) -> bytes:
        chunk = await next_chunk(self._response)
        await see(chunk)
        return chunk

    async def _held(self, see: See) -> bytes:
        """The whole reply, or the beginning of a long or slow one."""
        content, held = self._response.content, b""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_HELD_SECONDS):
                    while not content.at_eof() and len(held) < LONGEST_HELD_BYTES:
                        held += await next_chunk(self._response)
        finally:
            await see(held)
        return held

    def _frame(self, chunk: bytes, ended: bool) -> bytes:
        if not self._chunked:
            return chunk
        framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunk else b""
        return framed + b"0\r\n\r\n" if ended else framed

    def break_off(self) -> None:
        """Send what is written, then end the client's connection so that the reply is seen to be broken off."""
        transport = self._request.transport
        if self._ends_with_connection and transport is not None:
            # An orderly close would say that the reply is complete.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            transport.abort()
        self._request.protocol.force_close()
