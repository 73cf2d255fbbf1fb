"""Exchanges and messages of Runware in short form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.observations import AnyObservation, RequestSeen, TaskMissing, TaskSeen, UnknownSeen
from monitor.providers import PROVIDERS
from monitor.providers.http import Exchange

RUNWARE = PROVIDERS["runware"]
U, V, W = (f"5f1c2f8a-7a7e-4c1b-9d55-00000000000{n}" for n in range(1, 4))
AIR = "runware:100@1"
IMAGE, VIDEO = "imageInference", "videoInference"


def task(kind: str = IMAGE, uuid: str = U, **more: str) -> dict[str, str]:
    """What is kept of one task of a request."""
    given = {"model": AIR} if kind in {IMAGE, VIDEO} else {}
    return {"taskType": kind, "taskUUID": uuid} | given | more


def poll(uuid: str = U) -> dict[str, str]:
    return {"taskType": "getResponse", "taskUUID": uuid}


def result(uuid: str = U, kind: str = IMAGE, **more: object) -> dict[str, object]:
    """A finished result."""
    return {"taskType": kind, "taskUUID": uuid, "imageUUID": "i", "imageURL": "https://im.runware.ai/i"} | more


def ack(uuid: str = U, kind: str = IMAGE) -> dict[str, object]:
    return {"taskType": kind, "taskUUID": uuid}


def error(code: str, uuid: str | None = U, kind: str | None = IMAGE, **more: object) -> dict[str, object]:
    named = {"taskUUID": uuid, "taskType": kind}
    return {"code": code, "message": "m"} | {key: value for key, value in named.items() if value} | more


def exchange(
    items: Sequence[Mapping[str, str]], body: object, status: int | None = 200, path: str = "/v1", **more: Any
) -> Exchange:
    """An exchange from 1000 to 1010; a `body` that is no bytes is sent as JSON."""
    return Exchange(
        account="a",
        method="POST",
        path=path,
        route=RUNWARE.route("POST", path),
        started_at=1000.0,
        duration_seconds=10.0,
        request_items=items,
        status=status,
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        **more,
    )


def stream(*events: object) -> dict[str, Any]:
    """The reply's part of a stream of events."""
    lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in events]
    return {"body": b"\n".join(lines), "response_headers": {"Content-Type": "text/event-stream; charset=utf-8"}}


def request(told: Sequence[AnyObservation]) -> RequestSeen:
    """The one request among what was told."""
    [found] = [each for each in told if isinstance(each, RequestSeen)]
    return found


def story(told: Sequence[AnyObservation]) -> list[tuple[Any, ...]]:
    """Of each task the status and the reason, `accepted` at its acceptance and `missing` at a 404."""
    said: list[tuple[Any, ...]] = []
    for each in told:
        if isinstance(each, TaskSeen):
            said.append((each.task, "accepted" if each.accepted else each.status.value, each.reason.value))
        elif isinstance(each, TaskMissing):
            said.append((each.task, "missing", ""))
    return said


def unknown(told: Sequence[AnyObservation]) -> list[str]:
    return [each.field for each in told if isinstance(each, UnknownSeen)]
