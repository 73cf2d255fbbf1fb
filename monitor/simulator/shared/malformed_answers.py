"""The answers of faults: malformed bodies, wrong framing, broken connections."""

from __future__ import annotations

import gzip
import socket
import struct
from functools import cache
from http import HTTPStatus
from http.client import responses

import msgspec
from aiohttp import web

from monitor.simulator.shared.faults import Fault, FaultKind

_JSON = "application/json; charset=utf-8"
_LOGIN = "https://login.example/"
_BOMB_BYTES = 64 * 2**20
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_SOME_BODY = b'{"id":"00000000-0000-4000-8000-000000000000"}'


async def send_malformed(request: web.Request, fault: Fault, body: bytes, status: int) -> web.StreamResponse:
    """Answer with `fault` instead of `body`. An empty body is replaced by a small JSON document."""
    body = body or _SOME_BODY
    match fault.fault:
        case FaultKind.HALF_BODY:
            return await _half(request, body, status)
        case FaultKind.RESET:
            return await _reset(request, body, status, after_headers=fault.after_headers)
        case FaultKind.ODD_FRAMING:
            return _framed_twice(request, body, status)
    return _whole(fault, body, status)


def _whole(fault: Fault, body: bytes, status: int) -> web.Response:
    """Return an answer with correct framing and wrong content."""
    match fault.fault:
        case FaultKind.HTML:
            page = _PAGE.format(f"{fault.status} {_phrase(fault.status)}")
            return web.Response(status=fault.status, text=page, content_type="text/html", headers=fault.headers)
        case FaultKind.REDIRECT:
            return web.Response(status=HTTPStatus.FOUND, headers={"Location": _LOGIN})
        case FaultKind.BOMB:
            headers = {"Content-Type": _JSON, "Content-Encoding": "gzip"}
            return web.Response(status=status, body=_bomb(), headers=headers)
        case FaultKind.BROKEN_JSON:
            return web.Response(status=status, body=body[: len(body) - 1] + b',"', headers={"Content-Type": _JSON})
    text = fault.body
    if text is None:
        text = msgspec.json.encode({"message": _phrase(fault.status)}).decode()
    return web.Response(status=fault.status, body=text, headers={"Content-Type": _JSON, **fault.headers})


def _phrase(status: int) -> str:
    return responses.get(status, "Error")


@cache
def _bomb() -> bytes:
    """Return a small compressed JSON document that grows to 64 MiB."""
    return gzip.compress(b'{"id":"' + bytes(_BOMB_BYTES) + b'"}')


def _framed_twice(request: web.Request, body: bytes, status: int) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        head = f"HTTP/1.1 {status} {_phrase(status)}\r\nContent-Type: {_JSON}\r\nContent-Length: {len(body)}\r\n"
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        transport.write(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        transport.close()
    return web.Response(status=status)


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
    reset_connection(request)
    return response


def reset_connection(request: web.Request) -> None:
    """Reset the TCP connection of a request."""
    transport = request.transport
    if transport is not None:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
