"""The request body on its way to the provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import Payload, StreamReader
from aiohttp.abc import AbstractStreamWriter

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Upload(Payload):
    """Writes a client's body to the provider as it comes, no faster than the provider takes it.

    `client` receives `100 Continue` once the provider is ready; None if the client does not wait for it. `peek` is
    shown every chunk. `timeout` is how many seconds the provider may take nothing. Afterwards `started` says whether
    the body was asked for, `broken` whether the client's side broke off.
    """

    def __init__(
        self,
        content: StreamReader,
        client: AbstractStreamWriter | None,
        peek: Callable[[bytes], Awaitable[None]],
        timeout: float,
    ) -> None:
        super().__init__(content)
        self._content = content
        self._client = client
        self._peek = peek
        self._timeout = timeout
        self.started = False
        self.broken = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - the base class's
        """Raise TypeError: the body is not kept."""
        raise TypeError("a body on its way cannot be read twice")

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,  # noqa: ARG002 - the client's own framing has bounded the body already
    ) -> None:
        """Write the whole body."""
        self.started = True
        try:
            if self._client is not None:
                await self._client.write(CONTINUE)
            while chunk := await self._next():
                await self._peek(chunk)
                async with asyncio.timeout(self._timeout):
                    await writer.write(chunk)
        except BaseException:
            # Closing would first wait for a provider that may never take the rest.
            if writer.transport is not None:
                writer.transport.abort()
            raise

    async def show_buffered(self) -> None:
        """Show the part that has come of a body that nobody asked for."""
        await self._peek(self._content.read_nowait())

    async def _next(self) -> bytes:
        try:
            return await self._content.readany()
        except Exception:
            self.broken = True
            raise
