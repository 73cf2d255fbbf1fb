"""Event streams: a text that is sent piece by piece while it is generated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from monitor.simulator.runware.api.generations import Answer
from monitor.simulator.runware.api.messages import acknowledgement, failure, usage
from monitor.simulator.runware.errors import SUCCESS_WITHOUT_CONTENT
from monitor.simulator.runware.platform.tasks import Part, Task

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}


def event(document: Any) -> bytes:
    """Return one server-sent event."""
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


async def stream(
    request: web.Request, answer: Answer, task: Task, finish: Callable[[Answer], None], *, is_broken: bool
) -> web.StreamResponse:
    """Send the parts of a task as they finish.

    Before the last event, `answer` is completed and `finish` is called. A broken stream ends half-way without an error.
    """
    parts: asyncio.Queue[Part] = asyncio.Queue()
    task.watchers.append(lambda _, part: parts.put_nowait(part))
    for part in task.parts:
        parts.put_nowait(part)
    answer.verdict = "acknowledged"
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    await response.write(b": ping\n\n")
    for sent in range(len(task.plan)):
        if is_broken and sent * 2 >= len(task.plan):
            finish(answer)
            break
        await response.write(_event(task, await parts.get(), answer, finish))
    else:
        await response.write(b"data: [DONE]\n\n")
        return response
    if request.transport is not None:
        request.transport.close()
    return response


def _event(task: Task, part: Part, answer: Answer, finish: Callable[[Answer], None]) -> bytes:
    if task.is_finished and part is task.parts[-1]:
        answer.conclude(task)
        finish(answer)
    if part.code not in {None, SUCCESS_WITHOUT_CONTENT}:
        return event({"errors": [failure(task, str(part.code))]})
    chunk: dict[str, Any] = {**acknowledgement(task), "delta": {"text": f"word{part.index} "}, "finishReason": None}
    if task.is_finished and part is task.parts[-1]:
        chunk["finishReason"] = part.code or "stop"
        chunk["usage"] = usage(len(task.parts))
        if task.request.fields.get("includeCost") is True:
            chunk["cost"] = task.price
    return event(chunk)
