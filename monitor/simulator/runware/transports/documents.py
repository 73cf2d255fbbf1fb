"""Requests whose body is one JSON object, not an array of tasks: their faults, and their records in the request log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from monitor.simulator.runware.request_log import Record
from monitor.simulator.runware.server import Server
from monitor.simulator.runware.transports.replies import Document, Reply, send
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.simulator.shared.requests import Kind, bearer_token

Work = Callable[[Document, Record], Awaitable[Reply]]
"""Carries out a request. Takes its body, empty if it is not a JSON object, and its record."""


async def answer_document(
    server: Server, request: web.Request, template: str, kind: Kind, work: Work
) -> web.StreamResponse:
    """Answer a request with the reply of `work`, and log it."""
    world, owner = server.world, server.world.platform.owner(bearer_token(request.headers))
    record = server.record(request, template, kind)
    record.account = owner.name if owner else ""
    with server.tracked(world, record):
        reply, fault = await _carry_out(server, request, record, work)
        return await send(server, world, request, record, reply, fault)


async def _carry_out(server: Server, request: web.Request, record: Record, work: Work) -> tuple[Reply, Fault | None]:
    """Return the reply to a request, and the fault that replaces it."""
    body = _object(await request.read())
    latency, fault = server.world.faults.draw(
        request.method, record.template, request.path, Kind(record.kind), record.own, record.account
    )
    hangs = fault is not None and fault.fault is FaultKind.HANG
    await server.apply_delay(server.world, latency, fault if hangs else None)
    if fault is None or hangs or fault.takes_effect:
        reply = await work(body, record)
    else:
        reply = Reply(HTTPStatus.OK, {})
    return reply, None if hangs else fault


def _object(body: bytes) -> Document:
    try:
        return msgspec.json.decode(body, type=Document)
    except msgspec.MsgspecError:
        return {}
