"""The server side of HTTP, shared by all listeners: connections, and replies to what is not HTTP or fails.

aiohttp logs each failure with its traceback, which quotes the request's line, headers and body. Here such a request
leaves one line that quotes nothing of it.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from monitor.errors import places
from monitor.http.aiohttp_internals import HttpProcessingError, RequestConnection
from monitor.runtime.descriptors import OWN_SHORTAGES
from monitor.runtime.logs import Seldom

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
IDLE_SECONDS = 20.0
"""How long a bounded listener waits for the head of a request. A trickle of bytes does not extend it."""
BY_CLIENT = (HttpProcessingError, web.RequestPayloadError)

log = structlog.get_logger()
_seldom = Seldom()


@dataclass(frozen=True)
class Answers:
    """A listener's own replies: to what is not HTTP, given a status, and to a request on which it failed."""

    malformed: Callable[[int], web.Response]
    failed: Callable[[web.BaseRequest], web.Response]


class Listener(web.Server):
    """Gives each client a `Connection`; `name` stands in the log.

    With `cancels`, a client that leaves cancels its request. `limits` are those of `web.RequestHandler`. At most `most`
    connections are open: one more closes the oldest idle one, or else the oldest whose request is still arriving.
    """

    def __init__(
        self,
        name: str,
        handler: Handler,
        answers: Answers,
        *,
        cancels: bool = False,
        most: int | None = None,
        request_factory: Callable[..., web.BaseRequest] | None = None,
        **limits: Any,
    ) -> None:
        super().__init__(self._served, handler_cancellation=cancels, request_factory=request_factory)
        self._handler = handler
        self._most = most
        self._open: dict[web.RequestHandler, asyncio.Transport] = {}
        self._busy: dict[web.RequestHandler, web.BaseRequest] = {}
        self.name = name
        self.answers = answers
        self.limits = limits if most is None else {"keepalive_timeout": IDLE_SECONDS, **limits}
        self._seldom = Seldom()

    def __call__(self) -> web.RequestHandler:
        return Connection(self, asyncio.get_running_loop())

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Accept a connection, and close another if there are too many."""
        super().connection_made(handler, transport)
        self._open[handler] = transport
        if self._most is not None and len(self._open) > self._most:
            self._open.pop(self._least_missed(handler)).abort()
            if self._seldom("full"):
                log.warning("listener.full", listener=self.name, connections=self._most)

    def _least_missed(self, newest: web.RequestHandler) -> web.RequestHandler:
        """The connection to close: the newest if every other one has a complete request to be answered."""
        idle = (one for one in self._open if one not in self._busy and one is not newest)
        sending = (one for one, asks in self._busy.items() if one in self._open and not asks.content.is_eof())
        return next(idle, None) or next(sending, newest)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection that is gone."""
        super().connection_lost(handler, exc)
        self._open.pop(handler, None)

    def close_if_idle(self, handler: web.RequestHandler) -> None:
        """Close a connection that has no request."""
        if handler in self._open and handler not in self._busy:
            self._open.pop(handler).abort()

    async def _served(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        self._busy[connection] = request
        try:
            return await self._handler(request)
        finally:
            del self._busy[connection]

    def note(self, error: BaseException | None, status: int) -> None:
        """Log what went wrong: each fault of ours, a client's at most once a minute."""
        kind = type(error or TimeoutError()).__name__
        if not isinstance(error, BY_CLIENT):
            log.error("request.failed", listener=self.name, status=status, error=kind, at=places(error))
        elif self._seldom():
            why = "not well-formed HTTP/1.1"
            log.info("request.malformed", listener=self.name, status=status, error=kind, why=why)


class Connection(RequestConnection):
    """One client's connection. Bodies stay compressed; the reader decompresses them within bounds."""

    __slots__ = ("_listener", "is_short")

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        unlogged: Any = None
        super().__init__(listener, loop=loop, access_log=unlogged, auto_decompress=False, **listener.limits)
        self._listener = listener
        self.is_short = False  # whether it took one of the last file descriptors

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - the base class's
        """End. What is under way has `timeout` seconds; aiohttp waits for that long twice."""
        await super().shutdown(None if timeout is None else timeout / 2)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """The reply to a request that is not HTTP, or that we failed to handle."""
        is_malformed = isinstance(exc, BY_CLIENT)
        status = 400 if is_malformed else 500
        if self.transport is not None:  # a client that has left needs no reply
            self._listener.note(exc, status)
        if request.writer.output_size > 0:
            raise ConnectionError("part of the answer is sent already")
        answers = self._listener.answers
        answer = answers.malformed(status) if is_malformed else answers.failed(request)
        answer.force_close()
        return answer

    def log_exception(self, *_: object, exc_info: BaseException | None = None, **__: object) -> None:
        """Log a failure outside of a handler, such as in the rest of an unread body."""
        self._listener.note(exc_info, 400)


def note_in_loop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log a failure in the event loop outside of our tasks. This is the loop's exception handler."""
    error = context.get("exception")
    # After this word, asyncio shows the callback with its arguments.
    what = str(context.get("message", "")).partition(" callback ")[0]
    if isinstance(error, OSError) and error.errno in OWN_SHORTAGES:
        if _seldom():
            log.error("connections.lost", what=what, why=errno.errorcode.get(error.errno))
        return
    log.error("loop.failed", what=what, error=type(error).__name__ if error else None, at=places(error))
