"""Requests whose body is one JSON object, not an array of tasks: their faults, and their records in the request log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from monitor.simulator.runware.request_log import HTTP, STREAM, Record
from monitor.simulator.runware.server import Server
from monitor.simulator.runware.transports.http import JSON, in_runware_format
from monitor.simulator.runware.transports.streams import HEADERS
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.simulator.shared.malformed_answers import send_malformed
from monitor.simulator.shared.requests import Kind, bearer_token

Document = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What to send: a status and a document, or a stream of `events`."""

    status: int
    document: Document
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    events: tuple[bytes, ...] = ()


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
        record.status = reply.status if fault is None else fault.status_sent(reply.status)
        record.fault = "" if fault is None else fault.fault.value
        record.transport = STREAM if reply.events else HTTP
        server.log_request(world, record)
        if fault is not None:
            return await send_malformed(request, fault, msgspec.json.encode(reply.document), reply.status)
        if not reply.events:
            return web.Response(status=reply.status, body=msgspec.json.encode(reply.document), headers=reply.headers)
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        for event in reply.events:
            await response.write(event)
        return response


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
    return reply, None if fault is None or hangs else in_runware_format(fault)


def _object(body: bytes) -> Document:
    try:
        return msgspec.json.decode(body, type=Document)
    except msgspec.MsgspecError:
        return {}
