"""Tasks and results on the wire: the elements of `data` and `errors`. Pure."""

from __future__ import annotations

from typing import Any

from monitor.simulator.runware.catalog import RESULTS
from monitor.simulator.runware.errors import SUCCESS_WITHOUT_CONTENT, error
from monitor.simulator.runware.platform.tasks import Part, Status, Task

Item = dict[str, Any]
_TEXT = "A lighthouse in a storm."
_ENDINGS = {"base64Data": "Base64Data", "dataURI": "DataURI"}


def acknowledgement(task: Task) -> Item:
    """Return the immediate answer to an asynchronous task. There is one, whatever the number of results."""
    return {"taskType": task.request.type, "taskUUID": task.request.uuid}


def result(task: Task, part: Part, payload_bytes: int) -> Item:
    """Return one successful result."""
    head = acknowledgement(task)
    cost = {"cost": task.price} if task.request.fields.get("includeCost") is True else {}
    return {**head, **_content(task, part, payload_bytes), **cost}


def _content(task: Task, part: Part, payload_bytes: int) -> Item:
    name = RESULTS.get(task.request.type, "image")
    address = f"https://outputs.simulator.invalid/{part.id}"
    match name:
        case "text":
            reason = SUCCESS_WITHOUT_CONTENT if part.code == SUCCESS_WITHOUT_CONTENT else "stop"
            return {"text": _TEXT, "finishReason": reason, "usage": usage(1)}
        case "outputs":
            return {"outputs": {"files": [{"uuid": part.id, "url": address}]}}
        case "air":
            return {"air": f"trained:{part.id[:8]}@1"}
    wanted = _ENDINGS.get(str(task.request.fields.get("outputType")))
    identity = {f"{name}UUID": part.id, "seed": part.index + 1}
    if wanted is None:
        return {**identity, f"{name}URL": address}
    prefix = "data:image/png;base64," if wanted == "DataURI" else ""
    return {**identity, f"{name}{wanted}": prefix + "A" * payload_bytes}


def usage(pieces: int) -> Item:
    """Return the token counts of a text of so many pieces."""
    return {"promptTokens": 7, "completionTokens": 5 * pieces, "totalTokens": 7 + 5 * pieces}


def failure(task: Task, code: str) -> Item:
    """Return the error of a task that was accepted."""
    return error(code, status="error", taskType=task.request.type, taskUUID=task.request.uuid)


def result_items(task: Task, parts: list[Part], payload_bytes: int) -> tuple[list[Item], list[Item]]:
    """Return parts as elements of `data` and of `errors`."""
    data = [result(task, part, payload_bytes) for part in parts if part.code in {None, SUCCESS_WITHOUT_CONTENT}]
    bad = [part.code for part in parts if part.code not in {None, SUCCESS_WITHOUT_CONTENT}]
    return data, [failure(task, code) for code in bad if code is not None]


def polled(task: Task, payload_bytes: int, now: float) -> tuple[list[Item], list[Item]]:
    """Return the answer to a poll: the results so far, and an element while the task is still processing."""
    parts = task.parts[-1:] if task.is_stream else task.parts
    data, errors = result_items(task, parts if task.is_finished or not task.is_stream else [], payload_bytes)
    data = [{**item, "status": Status.SUCCESS.value} for item in data]
    if not task.is_finished:
        data.append({**acknowledgement(task), "status": Status.PROCESSING.value, **_progress(task, now)})
    return data, errors


def _progress(task: Task, now: float) -> Item:
    """Return the progress in percent. Only few task types report it, `training` among them."""
    if task.request.type != "training" or task.started_at is None or not task.seconds:
        return {}
    return {"progress": min(99, int(100 * (now - task.started_at) / task.seconds))}
