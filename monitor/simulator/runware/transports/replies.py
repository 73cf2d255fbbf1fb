"""Replies over HTTP, and the faults that replace them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from monitor.simulator.runware.errors import error
from monitor.simulator.runware.request_log import HTTP, STREAM, Record
from monitor.simulator.runware.server import Server, World
from monitor.simulator.runware.transports.streams import HEADERS
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.simulator.shared.malformed_answers import send_malformed

Document = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What to send: a status and a document, or a stream of `events`."""

    status: int
    document: Document
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json; charset=utf-8"})
    events: tuple[bytes, ...] = ()


async def send(
    server: Server, world: World, request: web.Request, record: Record, reply: Reply, fault: Fault | None
) -> web.StreamResponse:
    """Log a request, then send its reply or the malformed answer of a fault."""
    fault = None if fault is None else _in_runware_format(fault)
    record.status = reply.status if fault is None else fault.status_sent(reply.status)
    record.fault = "" if fault is None else fault.fault.value
    record.transport = STREAM if reply.events else HTTP
    server.log_request(world, record)
    body = msgspec.json.encode(reply.document)
    if fault is not None:
        return await send_malformed(request, fault, body, reply.status)
    if not reply.events:
        return web.Response(status=reply.status, body=body, headers=reply.headers)
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    for event in reply.events:
        await response.write(event)
    return response


def _in_runware_format(fault: Fault) -> Fault:
    """Return a `status` fault with an error of Runware as its body, unless it has a body."""
    if fault.fault is not FaultKind.STATUS or fault.body is not None:
        return fault
    code = {429: "rateLimitExceeded", 503: "serviceUnavailable", 504: "requestTimeout"}.get(fault.status)
    body = {"errors": [error(code or "internalServerError")]}
    return msgspec.structs.replace(fault, body=msgspec.json.encode(body).decode())
