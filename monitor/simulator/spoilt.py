"""Answers that go wrong on the wire."""

from __future__ import annotations

import socket
import struct
from http.client import responses

import msgspec
from aiohttp import web

from monitor.simulator.faults import Fault, FaultKind

_JSON = "application/json; charset=utf-8"
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_SOME_BODY = b'{"id":"00000000-0000-4000-8000-000000000000"}'


async def spoil(request: web.Request, fault: Fault, body: bytes, status: int) -> web.StreamResponse:
    """Answer with `fault` instead of `body`; an empty body is replaced by some other."""
    body = body or _SOME_BODY
    match fault.fault:
        case FaultKind.STATUS:
            return _status(fault)
        case FaultKind.HTML:
            page = _PAGE.format(f"{fault.status} {_phrase(fault.status)}")
            return web.Response(status=fault.status, text=page, content_type="text/html", headers=fault.headers)
        case FaultKind.BROKEN_JSON:
            return web.Response(status=status, body=body[: len(body) - 1] + b',"', headers={"Content-Type": _JSON})
        case FaultKind.HALF_BODY:
            return await _half(request, body, status)
        case _:
            return await _reset(request, body, status, after_headers=fault.after_headers)


def _phrase(status: int) -> str:
    return responses.get(status, "Error")


def _status(fault: Fault) -> web.Response:
    body = fault.body
    if body is None:
        body = msgspec.json.encode({"message": _phrase(fault.status)}).decode()
    return web.Response(status=fault.status, body=body, headers={"Content-Type": _JSON, **fault.headers})


async def _headers(request: web.Request, body: bytes, status: int) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Type": _JSON})
    response.content_length = len(body)
    await response.prepare(request)
    return response


async def _half(request: web.Request, body: bytes, status: int) -> web.StreamResponse:
    response = await _headers(request, body, status)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _reset(request: web.Request, body: bytes, status: int, *, after_headers: bool) -> web.StreamResponse:
    response: web.StreamResponse = web.Response(status=status)
    if after_headers:
        response = await _headers(request, body, status)
        await response.write(b"")
    transport = request.transport
    if transport is not None:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    return response
