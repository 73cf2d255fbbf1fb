"""One case, true messages to start from, and how either engine makes cases of them."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass

from hypothesis import strategies as st

TASK = "17f20503-6c24-4c16-946b-35dbbce2af2f"
OTHER_TASK = "5f1c2f8a-7a7e-4c1b-9d55-000000000001"
STATUSES = (200, 201, 204, 302, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 101, 0)
METHODS = ("POST", "GET", "DELETE", "PUT")
TYPES = ("application/json", "text/event-stream", "text/html", "")
CODINGS = ("", "gzip", "deflate", "br", "zstd", "gzip, gzip", "nonsense")
PATHS = (
    "/v1",
    "/v1/text_to_video",
    "/v1/image_to_video",
    f"/v1/tasks/{TASK}",
    "/v1/organization",
    "/v1/organization/usage",
    "/v1/generate/video",
    "/v1/recipes/product_ad",
    f"/v1/workflows/{TASK}",
    f"/v1/workflow_invocations/{TASK}",
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/apps/a/invoke-async/run",
    "/v1/apps/a/tasks/t",
)
NAMED = {"taskType": "imageInference", "taskUUID": TASK}
MESSAGES: tuple[object, ...] = (
    {"model": "gen4.5", "promptText": "p", "from": {"model": "tts"}},
    [{**NAMED, "model": "runware:100@1", "numberResults": 2, "deliveryMethod": "async"}],
    [{"taskType": "authentication", "apiKey": "k"}, {"taskType": "ping", "ping": True}],
    [{"taskType": "getResponse", "taskUUID": TASK}],
    {"id": TASK, "estimatedCost": {"credits": 60}},
    {"id": TASK, "routing": {"model": "veo3.1_fast", "estimatedCost": {"credits": 50}}},
    {"id": TASK, "status": "SUCCEEDED", "output": ["https://x/y.mp4"], "cost": {"credits": 60}},
    {"id": TASK, "status": "FAILED", "failureCode": "SAFETY.INPUT.TEXT"},
    {"id": TASK, "status": "FAILED", "nodeErrors": {"n": {"failureCode": "ASSET.INVALID"}}},
    {"error": "You do not have enough credits to run this task.", "issues": [{"path": ["a", 0]}]},
    {
        "creditBalance": 5000,
        "tier": {
            "maxMonthlyCreditSpend": 10000,
            "models": {"gen4.5": {"maxConcurrentGenerations": None, "maxDailyGenerations": 0}},
        },
        "usage": {"models": {"gen4.5": {"dailyGenerations": 12}}},
    },
    {"results": [{"date": "2026-03-16", "usedCredits": [{"model": "gen4.5", "amount": -120}]}]},
    {
        "data": [{**NAMED, "imageURL": "u", "cost": 0.1}],
        "errors": [{"code": "timeoutProvider", "taskUUID": OTHER_TASK}],
    },
    {"data": [{**NAMED, "status": "processing", "progress": 4}, {"taskType": "ping", "pong": True}]},
    {"error": {"code": "providerError", "message": "moderation"}, **NAMED},
    {"error": True, "errorId": 19, "errorMessage": "Invalid api key"},
    {**NAMED, "delta": {"text": "a"}, "finishReason": "stop", "usage": {"promptTokens": 1}, "cost": 0.1},
    {
        "data": [
            {"operation": "getDetails", "balance": {"amount": 5}, "usage": {"today": {"credits": 1, "requests": 2}}}
        ]
    },
    {
        "data": [
            {
                "startDate": "2026-11-21",
                "endDate": "2026-11-21",
                "usage": {
                    "model": {"data": [{"model": "runware:100@1", "count": 1, "spend": 0.5, "avgInferenceTime": 2}]},
                    "timeseries": {"data": [{"date": "2026-11-21", "clientErrors": 1}], "meta": {"totalErrors": 1}},
                },
            }
        ]
    },
)
TEXTS = tuple(json.dumps(message).encode() for message in MESSAGES)
STREAM = b": ping\n\ndata: " + TEXTS[16] + b"\n\ndata: [DONE]\n\n"
WORDS = sorted(set(re.findall(r'"([^"]{1,40})"', "".join(text.decode() for text in TEXTS))))


@dataclass(frozen=True, slots=True)
class Case:
    """An exchange, and bytes for every other reader: the vendor's are `reply`, the application's `request`.

    Bodies come in pieces of `chunk` bytes. `is_whole` says that the reply did not break off.
    """

    method: str
    path: str
    status: int
    content_type: str
    coding: str
    chunk: int
    is_whole: bool
    request: bytes
    reply: bytes


def _packed(text: bytes, coding: str) -> bytes:
    """The text in that coding, where it can be had here; the reader is as much tested by what is not in it."""
    if coding == "gzip":
        return gzip.compress(text, 1)
    return zlib.compress(text, 1) if coding == "deflate" else text


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(), inner, max_size=6),
    max_leaves=25,
)


@st.composite
def drifted(draw: st.DrawFn) -> bytes:
    """A true message with one value replaced, or a few bytes."""
    whole = draw(st.sampled_from(TEXTS)).decode()
    places = [match.span() for match in re.finditer(r'"[^"]*"|[0-9.]+|true|null|\[[^\[\]]*\]|\{[^{}]*\}', whole)]
    start, end = draw(st.sampled_from(places))
    new = draw(values.map(json.dumps) | st.text(max_size=5))
    return (whole[:start] + new + whole[end:]).encode("utf-8", "replace")


lines = st.lists(drifted() | st.binary(max_size=20), max_size=5).map(
    lambda some: b"\n\n".join(b"data: " + x for x in some)
)
PIECES = (
    b"[",
    b'"',
    b"{",
    b"\n",
    b"data:\n",
    b"{},",
    b'{"a":',
    b'"a":"b",',
    rb"\ud83d",
    b"1",
    b"\\",
    b"\x81\x00",
    b"\x89\x80",
)
floods = st.builds(
    lambda head, piece, times: head + piece * times,
    st.sampled_from((b"", b'{"data":[', b'[{"taskUUID":"')),
    st.sampled_from(PIECES),
    st.integers(1, 5000),
)
"""Little said very often."""

texts = drifted() | floods | lines | values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=400)
cases = st.builds(
    lambda packs, **more: Case(**{**more, "reply": _packed(more["reply"], more["coding"]) if packs else more["reply"]}),
    packs=st.booleans(),
    method=st.sampled_from(METHODS),
    path=st.sampled_from(PATHS) | st.text(max_size=40),
    status=st.sampled_from(STATUSES) | st.integers(),
    content_type=st.sampled_from(TYPES),
    coding=st.sampled_from(CODINGS),
    chunk=st.integers(1, 5000),
    is_whole=st.booleans(),
    request=texts,
    reply=texts,
)


def case_of(data: bytes) -> Case:
    """A case from any bytes: seven that choose, then the request, a zero byte, and the reply."""
    chosen, rest = data[:7].ljust(7, b"\0"), data[7:]
    request, _, reply = rest.partition(b"\0")
    return Case(
        method=METHODS[chosen[0] % len(METHODS)],
        path=PATHS[chosen[1] % len(PATHS)],
        status=STATUSES[chosen[2] % len(STATUSES)],
        content_type=TYPES[chosen[3] % len(TYPES)],
        coding=CODINGS[chosen[4] % len(CODINGS)],
        chunk=1 + 17 * chosen[5],
        is_whole=bool(chosen[6] & 1),
        request=request,
        reply=_packed(reply, CODINGS[chosen[4] % len(CODINGS)]) if chosen[6] & 2 else reply,
    )


def seeds() -> list[bytes]:
    """Bytes for `case_of` that make true exchanges."""
    paths = [0, 1, 3, 4, 5, 10]
    plain = [bytes([0, path, 0, 0, 0, 255, 1]) + TEXTS[1] + b"\0" + text for path in paths for text in TEXTS]
    streams = [bytes([0, path, 0, 1, 0, 9, 1]) + TEXTS[0] + b"\0" + STREAM for path in paths]
    return [*plain, *streams]
