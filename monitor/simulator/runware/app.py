"""The application that serves the simulated Runware."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from aiohttp import WSCloseCode, web

from monitor.runtime.clock import Clock
from monitor.simulator.runware.control import Control
from monitor.simulator.runware.errors import error
from monitor.simulator.runware.server import InitialAccount, Server
from monitor.simulator.runware.transports.compatible import FORMATS, answer_compatible
from monitor.simulator.runware.transports.http import answer_tasks
from monitor.simulator.runware.transports.serverless import add_serverless
from monitor.simulator.runware.transports.sockets import answer_socket

SERVER = web.AppKey("runware", Server)


def build_app(clock: Clock, accounts: Sequence[InitialAccount] = (InitialAccount(),), seed: int = 0) -> web.Application:
    """Return the simulated Runware: its API at `/v1`, the control API at `/_control`. The `Server` is `app[SERVER]`."""
    server = Server(clock, accounts, seed)
    app = web.Application(client_max_size=0)
    app[SERVER] = server
    app.add_subapp("/_control", Control(server).app())
    app.router.add_get("/v1", partial(answer_socket, server))
    app.router.add_post("/v1", partial(answer_tasks, server))
    for path in FORMATS:
        app.router.add_post(path, partial(answer_compatible, server))
    add_serverless(app, server)
    app.router.add_route("*", "/{path:.*}", partial(_not_found, server))
    app.cleanup_ctx.append(_run_clock)
    app.on_shutdown.append(_release)
    return app


async def _not_found(server: Server, request: web.Request) -> web.Response:
    record = server.record(request, "other")
    record.status = HTTPStatus.NOT_FOUND
    server.log_request(server.world, record)
    return web.json_response({"errors": [error("notFound")]}, status=404)


async def _run_clock(app: web.Application) -> AsyncIterator[None]:
    """Let time pass while the application is served."""
    life = asyncio.create_task(app[SERVER].run())
    yield
    life.cancel()
    with suppress(asyncio.CancelledError):
        await life
    await app[SERVER].webhooks.close()


async def _release(app: web.Application) -> None:
    world = app[SERVER].world
    world.faults.clear()
    for connection in tuple(world.sessions.connections):
        connection.close(WSCloseCode.GOING_AWAY)
