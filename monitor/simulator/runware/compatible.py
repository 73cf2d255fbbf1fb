"""Endpoints in other vendors' formats, and the applications of one's own: no task to follow, no cost told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from monitor.simulator.faults import FaultKind
from monitor.simulator.kinds import CLIENT_GONE, Kind
from monitor.simulator.runware.http import JSON, bearer, in_vendor_s_words, spoilt_status
from monitor.simulator.runware.refusals import Refusal, status_of
from monitor.simulator.runware.server import Server, is_own
from monitor.simulator.runware.streams import HEADERS, event
from monitor.simulator.runware.witness import HTTP, STREAM, Record
from monitor.simulator.spoilt import spoil

_WORDS = ("A ", "lighthouse", ".")
_Document = dict[str, Any]


def _chat(model: str) -> _Document:
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(_WORDS)}, "finish_reason": "stop"}
    tokens = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {"id": "chat-1", "object": "chat.completion", "model": model, "choices": [choice], "usage": tokens}


def _message(model: str) -> _Document:
    content = [{"type": "text", "text": "".join(_WORDS)}]
    head = {"id": "msg-1", "type": "message", "role": "assistant", "model": model}
    return {**head, "content": content, "stop_reason": "end_turn", "usage": {"input_tokens": 7, "output_tokens": 3}}


def _response(model: str) -> _Document:
    return {"id": "resp-1", "object": "response", "status": "completed", "model": model, "output": []}


_CHAT = "/v1/chat/completions"
FORMATS: dict[str, Callable[[str], _Document]] = {
    _CHAT: _chat,
    "/v1/messages": _message,
    "/v1/responses": _response,
    "/v1/decisions": _response,
}


def _chunks(model: str) -> list[bytes]:
    """A streamed chat completion."""
    head = {"id": "chat-1", "object": "chat.completion.chunk", "model": model}
    ends = [*[None] * len(_WORDS), "stop"]
    deltas: list[_Document] = [*({"content": word} for word in _WORDS), {}]
    told = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        for delta, end in zip(deltas, ends, strict=True)
    ]
    return [*map(event, told), b"data: [DONE]\n\n"]


async def answer_compatible(server: Server, request: web.Request) -> web.StreamResponse:
    """Answer a POST to one of `FORMATS`."""
    world, own = server.world, is_own(request)
    record = Record("", HTTP, request.path, Kind.CREATE.value, own, server.clock.now())
    try:
        body = _object(await request.read())
        record.model = str(body.get("model", ""))
        latency, fault = world.faults.draw("POST", request.path, request.path, Kind.CREATE, own)
        hanging = fault if fault is not None and fault.fault is FaultKind.HANG else None
        await server.endure(world, latency, hanging)
    except (asyncio.CancelledError, ConnectionError):
        record.fault = CLIENT_GONE
        server.write_down(world, record)
        raise
    status, document = _answered(server, request, record, body)
    spoilt = None if fault is None or hanging else in_vendor_s_words(fault)
    record.status = status if spoilt is None else spoilt_status(status, spoilt)
    record.fault = "" if spoilt is None else spoilt.fault.value
    streams = status == HTTPStatus.OK and body.get("stream") is True and request.path == _CHAT
    record.transport = STREAM if streams else HTTP
    server.write_down(world, record)
    if spoilt is not None:
        return await spoil(request, spoilt, msgspec.json.encode(document), status)
    if streams:
        return await _stream(request, record.model)
    return web.Response(status=status, body=msgspec.json.encode(document), headers={"Content-Type": JSON})


def _object(body: bytes) -> _Document:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _answered(server: Server, request: web.Request, record: Record, body: _Document) -> tuple[int, _Document]:
    try:
        account = server.world.platform.open_door(bearer(request))
        record.account = account.name
    except Refusal as refusal:
        return _refusal(refusal.code)
    if "messages" not in body and "input" not in body:
        return _refusal("missingParameter")
    return HTTPStatus.OK, FORMATS[request.path](record.model)


def _refusal(code: str) -> tuple[int, _Document]:
    return status_of(code), {"error": {"type": code, "code": code, "message": code}}


async def _stream(request: web.Request, model: str) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    for chunk in _chunks(model):
        await response.write(chunk)
    return response
