"""The vendor's answer on its way to the client, byte for byte."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from aiohttp import ClientResponse, HttpVersion11, web

from monitor.gateway.headers import end_to_end, response_head
from monitor.gateway.upstream import next_chunk

# On, for 0 s: closing sends a reset.
NO_LINGER = struct.pack("ii", 1, 0)
NO_BODY_STATUSES = frozenset({204, 304})


class Relayed(web.StreamResponse):
    """An answer of which nothing is left to write."""

    def __init__(self, keep_alive: bool) -> None:
        super().__init__()
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: the head is on the wire."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the body is on the wire."""


class Relay:
    """Passes one answer on, framed for the client's connection. `begun` tells whether the client has seen any of it."""

    def __init__(self, request: web.BaseRequest, response: ClientResponse, keep_alive: bool) -> None:
        fields = end_to_end(response.raw_headers)
        has_body = request.method != "HEAD" and response.status not in NO_BODY_STATUSES
        unframed = has_body and not any(name.lower() == b"content-length" for name, _ in fields)
        modern = request.version >= HttpVersion11
        self._request = request
        self._response = response
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

    async def run(self, see: Callable[[bytes], None]) -> None:
        """Write the whole answer; `see` is shown the body.

        Raises:
            VendorFailure: the answer broke off.
            ConnectionError: the client is gone.
        """
        content = self._response.content
        out = self._head
        # What came with the head leaves with it; a head that came alone must not wait for a body.
        chunk = await next_chunk(self._response) if content.total_bytes or content.is_eof() else b""
        while True:
            see(chunk)
            ended = content.at_eof()
            out += self._frame(chunk, ended)
            if out:
                self.begun = True
                await self._request.writer.write(out)
            if ended:
                return
            out = b""
            chunk = await next_chunk(self._response)

    def _frame(self, chunk: bytes, ended: bool) -> bytes:
        if not self._chunked:
            return chunk
        framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunk else b""
        return framed + b"0\r\n\r\n" if ended else framed

    def break_off(self) -> None:
        """End the client's connection so that it sees an answer that broke off, after all that came of it."""
        transport = self._request.transport
        if self._ends_with_connection and transport is not None:
            # Here an orderly close would say that the answer is whole.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            transport.abort()
        self._request.protocol.force_close()
