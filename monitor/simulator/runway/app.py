"""Puts the simulated Runway together and serves it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from monitor.errors import ListenError
from monitor.runtime.clock import Clock
from monitor.simulator.runway.control import control_app
from monitor.simulator.runway.server import InitialAccount, Server

SERVER = web.AppKey("server", Server)
_STOP_SECONDS = 2.0


async def _take_upload(request: web.Request) -> web.Response:
    """The object store behind an upload's address: takes the file and forgets it."""
    async for _ in request.content.iter_chunked(1 << 16):
        pass
    return web.Response(status=204)


def build_app(clock: Clock, accounts: Sequence[InitialAccount] = (InitialAccount(),), seed: int = 0) -> web.Application:
    """The simulated Runway: its API at `/v1`, the control API at `/_control`. The `Server` is at `app[SERVER]`."""
    server = Server(clock, accounts, seed)
    app = web.Application(client_max_size=0)
    app[SERVER] = server
    app.add_subapp("/_control", control_app(server))
    app.router.add_post("/_upload/{id}", _take_upload)
    app.router.add_route("*", "/{path:.*}", server.answer)

    async def release(_: web.Application) -> None:
        server.world.faults.clear()

    app.on_shutdown.append(release)
    return app


@asynccontextmanager
async def serve(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve while the context lasts; gives the base URL, with the port that was free if `port` is 0.

    Raises:
        ListenError: the address cannot be bound.
    """
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_STOP_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise ListenError(
                f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}; choose another address"
            ) from error
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
