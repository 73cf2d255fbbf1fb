"""The part of the control API that both vendors share: faults, and how it says what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from monitor.simulator.shared.faults import Fault, Faults

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_reply(value: Any, status: int = 200) -> web.Response:
    """A reply of the control API."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


@web.middleware
async def report_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turn a wrong value into a 400, and an unknown name into a 404."""
    try:
        return await handler(request)
    except ValueError as error:  # msgspec's errors among them
        return json_reply({"error": f"{request.method} {request.path}: {error}"}, 400)
    except KeyError as error:
        return json_reply({"error": f"{request.method} {request.path}: there is no {error}"}, 404)


def add_fault_routes(app: web.Application, faults: Callable[[], Faults]) -> None:
    """Let `app` list, set and clear `faults`."""

    async def show(_: web.Request) -> web.Response:
        return json_reply(faults().all)

    async def add(request: web.Request) -> web.Response:
        fault = msgspec.json.decode(await request.read(), type=Fault)
        return json_reply(faults().add(fault), 201)

    async def clear(_: web.Request) -> web.Response:
        faults().clear()
        return web.Response(status=204)

    async def clear_one(request: web.Request) -> web.Response:
        if not faults().remove(request.match_info["id"]):
            raise KeyError(request.match_info["id"])
        return web.Response(status=204)

    app.router.add_get("/faults", show)
    app.router.add_post("/faults", add)
    app.router.add_delete("/faults", clear)
    app.router.add_delete("/faults/{id}", clear_one)
