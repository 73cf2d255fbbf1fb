"""Reads bodies sent to the daemon itself, within bounds that hold while a body is decompressed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from aiohttp import web

from monitor.http.inflate import Inflater, content_codings
from monitor.http.turns import Turns

MOST_TOGETHER_BYTES = 32 * 2**20
READ_SECONDS = 30.0


class BodyTooLargeError(Exception):
    """The body is larger than the largest that is accepted."""


class NoRoomError(Exception):
    """The bodies of all present requests are too large together. The sender should try again later."""


class BrokenBodyError(Exception):
    """The body is malformed, or breaks off."""


class SlowBodyError(Exception):
    """The body did not arrive in time."""


class Bodies:
    """Reads and decompresses the bodies of one listener, each of at most `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._held = 0
        self._turns = Turns()

    @asynccontextmanager
    async def read(self, request: web.BaseRequest) -> AsyncIterator[bytearray]:
        """Yield the whole body, its content codings undone. It counts as held until the context ends.

        Raises:
            BodyTooLargeError, NoRoomError, BrokenBodyError, SlowBodyError: as the classes say.
            UndecodedError, BrokenCodingError: as `Inflater.feed`.
        """
        body, plain = bytearray(), Inflater(content_codings(request.headers))
        try:
            await self._collect(request, plain, body)
            yield body
        finally:
            self._held -= len(body)

    async def _collect(self, request: web.BaseRequest, plain: Inflater, body: bytearray) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for chunk in request.content.iter_any():
                    await self._turns.do(self._taken(plain.feed(chunk), body))
        except TimeoutError:
            raise SlowBodyError from None
        except (web.RequestPayloadError, ConnectionError):
            request.content.feed_eof()  # otherwise aiohttp reads on
            raise BrokenBodyError from None

    def _taken(self, pieces: Iterator[bytes], body: bytearray) -> Iterator[None]:
        for piece in pieces:
            body += piece
            self._held += len(piece)
            if len(body) > self._largest:
                raise BodyTooLargeError
            if self._held > MOST_TOGETHER_BYTES:
                raise NoRoomError
            yield
