"""Event streams, endpoints in other formats, account reads and faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from runware_api.conftest import Post, image, task

from monitor.runtime.clock import ManualClock
from monitor.simulator.runware.settings import DEFAULT_KEY

STREAM = {"accept": "text/event-stream"}


@pytest.fixture
async def passing(clock: ManualClock) -> AsyncIterator[None]:
    """Time that passes by itself."""

    async def pass_on() -> None:
        while True:
            await asyncio.sleep(0.005)
            clock.advance(0.5)

    passing = asyncio.create_task(pass_on())
    yield
    passing.cancel()


def text(**fields: Any) -> dict[str, Any]:
    return task("textInference", model="minimax:m2@0", deliveryMethod="stream", **fields)


def events(reply: httpx.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


async def test_a_text_is_told_bit_by_bit(post: Post, passing: None) -> None:
    reply = await post(text(includeCost=True), **STREAM)
    sent = events(reply)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert [one["finishReason"] for one in sent[:-1]] == [None, None, None, "stop"]
    assert (sent[-1], sent[-2]["cost"], sent[-2]["usage"]["totalTokens"]) == ("[DONE]", 0.002, 27)
    assert ": ping" in reply.text


async def test_a_stream_may_end_in_an_error_or_be_filtered(
    post: Post, control: httpx.AsyncClient, passing: None
) -> None:
    await control.patch("/accounts/simulated", json={"script": ["providerError", "content_filter"]})
    failed, filtered = events(await post(text(), **STREAM)), events(await post(text(), **STREAM))
    assert failed[-2]["errors"][0]["code"] == "providerError"
    assert filtered[-2]["finishReason"] == "content_filter"


async def test_a_stream_that_is_refused_is_one_error(post: Post, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"balance": 0})
    one = text()
    reply = await post(one, **STREAM)
    assert (reply.status_code, reply.json()["error"]["code"]) == (402, "insufficientCredits")
    assert reply.json()["taskUUID"] == one["taskUUID"]


async def test_a_stream_may_break_off(post: Post, control: httpx.AsyncClient, passing: None) -> None:
    await control.post("/faults", json={"fault": "half_body", "kind": "create"})
    with pytest.raises(httpx.RemoteProtocolError):
        await post(text(), **STREAM)
    (record,) = (await control.get("/requests")).json()
    assert (record["fault"], record["transport"], record["tasks"][0]["verdict"]) == (
        "half_body",
        "stream",
        "acknowledged",
    )


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/decisions"])
async def test_other_formats_are_answered(url: str, control: httpx.AsyncClient, path: str) -> None:
    body = {"model": "minimax:m2@0", "messages": [{"role": "user", "content": "hi"}]}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {DEFAULT_KEY}"}) as client:
        assert (await client.post(url + path, json=body)).status_code == 200
        assert (await client.post(url + path, json={})).status_code == 400
        assert (await client.post(url + path, json=body, headers={"Authorization": "Bearer no"})).status_code == 401
    records = (await control.get("/requests")).json()
    assert [(one["template"], one["kind"], one["status"]) for one in records] == [
        (path, "create", 200),
        (path, "create", 400),
        (path, "create", 401),
    ]


async def test_a_chat_completion_may_be_streamed(url: str) -> None:
    body = {"model": "minimax:m2@0", "messages": [], "stream": True}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {DEFAULT_KEY}"}) as client:
        sent = events(await client.post(f"{url}/v1/chat/completions", json=body))
    assert sent[-2]["choices"][0]["finish_reason"] == "stop"
    assert sent[-1] == "[DONE]"


def account(operation: str, **fields: Any) -> dict[str, Any]:
    return task("accountManagement", operation=operation, **fields)


@pytest.mark.parametrize(
    ("shape", "balance"), [("number", 1000.0), ("object", {"amount": 1000.0, "freeBalance": 0, "currency": "USD"})]
)
async def test_the_balance_is_a_number_or_an_object(
    post: Post, control: httpx.AsyncClient, shape: str, balance: object
) -> None:
    await control.patch("/accounts/simulated", json={"balance_shape": shape})
    assert (await post(account("getDetails"))).json()["data"][0]["balance"] == balance


async def test_usage_is_told_by_model_and_day(post: Post, control: httpx.AsyncClient, clock: ManualClock) -> None:
    await control.patch("/accounts/simulated", json={"script": [None, "timeoutProvider"], "seconds": 2})
    for model in ("runware:100@1", "runware:101@1", "no"):
        await post(image(deliveryMethod="async", model=model))
    clock.advance(5)
    today = datetime.fromtimestamp(clock.now(), UTC).date().isoformat()
    span = {"startDate": today, "endDate": today, "groupBy": ["date", "model"]}

    async def read(operation: str) -> Any:
        found = (await post(account(operation, **span))).json()["data"][0]
        return found["usage"]

    activity, performance, errors = [await read(f"getUsage{name}") for name in ("Activity", "Performance", "Errors")]
    assert activity["model"]["data"][0] == {"model": "runware:100@1", "count": 1, "spend": 0.0006}
    assert activity["timeseries"]["data"] == [{"date": today, "count": 2, "spend": 0.0006}]
    assert activity["model"]["meta"]["totalRequests"] == 2
    assert performance["model"]["data"][0]["p90InferenceTime"] == pytest.approx(2)
    assert [(row["clientErrors"], row["serverErrors"]) for row in errors["model"]["data"]] == [(0, 0), (0, 1)]


@pytest.mark.parametrize(
    "fields",
    [
        {"operation": "nonsense"},
        {"startDate": "never"},
        {"endDate": "2020-01-01"},
        {"groupBy": ["nonsense"]},
        {"endDate": "2025-07-15"},
    ],
)
async def test_wrong_account_reads_are_refused(post: Post, fields: dict[str, Any]) -> None:
    usual = {"operation": "getUsageActivity", "startDate": "2025-06-10", "endDate": "2025-06-15"}
    reply = await post(task("accountManagement", **{**usual, **fields}))
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "invalidValue")


async def test_faults_speak_as_the_vendor_does(post: Post, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "status", "status": 503, "kind": "create", "count": 1})
    reply = await post(image())
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (503, "serviceUnavailable")
    await control.post("/faults", json={"fault": "html", "status": 503, "count": 1})
    reply = await post(image())
    assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (503, "text/html")
    assert (await control.get("/tasks")).json() == []


async def test_a_reset_restores_the_start(post: Post, control: httpx.AsyncClient) -> None:
    await post(image(deliveryMethod="async"))
    await control.post("/accounts", json={"name": "other", "key": "k", "capacity": 1})
    assert len((await control.get("/accounts")).json()) == 2
    await control.post("/reset")
    assert len((await control.get("/accounts")).json()) == 1
    assert (await control.get("/tasks")).json() == (await control.get("/requests")).json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/accounts/simulated", {"nonsense": 1}, 400),
        ("PATCH", "/accounts/simulated", {"capacity": 0}, 400),
        ("PATCH", "/accounts/simulated", {"failure_rate": 0.5, "failures": {}}, 400),
        ("PATCH", "/accounts/nobody", {}, 404),
        ("POST", "/accounts", {"name": "simulated", "key": "x"}, 400),
        ("DELETE", "/sockets", {"code": 5}, 400),
        ("POST", "/faults", {"fault": "nonsense"}, 400),
        ("DELETE", "/faults/7", None, 404),
    ],
)
async def test_the_control_api_says_what_is_wrong(
    control: httpx.AsyncClient, method: str, path: str, body: object, status: int
) -> None:
    reply = await control.request(method, path, json=body)
    assert (reply.status_code, "error" in reply.json()) == (status, True)
