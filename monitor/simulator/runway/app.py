"""The application that serves the simulated Runway."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from monitor.runtime.clock import Clock
from monitor.simulator.runway.control import Control
from monitor.simulator.runway.server import InitialAccount, Server

SERVER = web.AppKey("server", Server)


async def _take_upload(request: web.Request) -> web.Response:
    """Accept an uploaded file and discard it."""
    async for _ in request.content.iter_chunked(1 << 16):
        pass
    return web.Response(status=204)


def build_app(clock: Clock, accounts: Sequence[InitialAccount] = (InitialAccount(),), seed: int = 0) -> web.Application:
    """Return the simulated Runway: its API at `/v1`, the control API at `/_control`. The `Server` is `app[SERVER]`."""
    server = Server(clock, accounts, seed)
    app = web.Application(client_max_size=0)
    app[SERVER] = server
    app.add_subapp("/_control", Control(server).app())
    app.router.add_post("/_upload/{id}", _take_upload)
    app.router.add_route("*", "/{path:.*}", server.answer)

    async def release(_: web.Application) -> None:
        server.world.faults.clear()

    app.on_shutdown.append(release)
    return app
