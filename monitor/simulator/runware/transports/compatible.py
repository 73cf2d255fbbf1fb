"""Endpoints in the formats of other providers. Their requests make no task, and their answers tell no cost."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from monitor.simulator.runware.errors import Refusal, status_of
from monitor.simulator.runware.request_log import Record
from monitor.simulator.runware.server import Server
from monitor.simulator.runware.transports.documents import answer_document
from monitor.simulator.runware.transports.replies import Document, Reply
from monitor.simulator.runware.transports.streams import event
from monitor.simulator.shared.requests import Kind, bearer_token

_WORDS = ("A ", "lighthouse", ".")


def _chat(model: str) -> Document:
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(_WORDS)}, "finish_reason": "stop"}
    tokens = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {"id": "chat-1", "object": "chat.completion", "model": model, "choices": [choice], "usage": tokens}


def _message(model: str) -> Document:
    content = [{"type": "text", "text": "".join(_WORDS)}]
    head = {"id": "msg-1", "type": "message", "role": "assistant", "model": model}
    return {**head, "content": content, "stop_reason": "end_turn", "usage": {"input_tokens": 7, "output_tokens": 3}}


def _response(model: str) -> Document:
    return {"id": "resp-1", "object": "response", "status": "completed", "model": model, "output": []}


_CHAT = "/v1/chat/completions"
FORMATS: dict[str, Callable[[str], Document]] = {
    _CHAT: _chat,
    "/v1/messages": _message,
    "/v1/responses": _response,
    "/v1/decisions": _response,
}


def _chunks(model: str) -> tuple[bytes, ...]:
    """Return the events of a streamed chat completion."""
    head = {"id": "chat-1", "object": "chat.completion.chunk", "model": model}
    ends = [*[None] * len(_WORDS), "stop"]
    deltas: list[Document] = [*({"content": word} for word in _WORDS), {}]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        for delta, end in zip(deltas, ends, strict=True)
    ]
    return (*map(event, chunks), b"data: [DONE]\n\n")


async def answer_compatible(server: Server, request: web.Request) -> web.StreamResponse:
    """Answer a POST to one of `FORMATS`."""

    async def work(body: Document, record: Record) -> Reply:
        record.model = str(body.get("model", ""))
        try:
            server.world.platform.authenticate(bearer_token(request.headers))
        except Refusal as refusal:
            return _refusal(refusal.code)
        if "messages" not in body and "input" not in body:
            return _refusal("missingParameter")
        streams = body.get("stream") is True and request.path == _CHAT
        events = _chunks(record.model) if streams else ()
        return Reply(HTTPStatus.OK, FORMATS[request.path](record.model), events=events)

    return await answer_document(server, request, request.path, Kind.CREATE, work)


def _refusal(code: str) -> Reply:
    return Reply(status_of(code), {"error": {"type": code, "code": code, "message": code}})
