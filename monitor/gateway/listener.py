"""What the listeners that others' programs call have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from monitor.metrics import SelfMetrics

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
MakeConnection = Callable[[web.Server, asyncio.AbstractEventLoop, SelfMetrics], web.RequestHandler]


class Listener(web.Server):
    """Gives each client a connection of the listener's own kind. With `cancels`, a client that leaves ends its call."""

    def __init__(
        self, handler: Handler, own: SelfMetrics, connection: MakeConnection, *, cancels: bool = False
    ) -> None:
        super().__init__(handler, handler_cancellation=cancels)
        self._own = own
        self._connection = connection

    def __call__(self) -> web.RequestHandler:
        return self._connection(self, self._loop, self._own)
