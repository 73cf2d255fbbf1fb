"""Tasks over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from aiohttp import web
from runware_api.conftest import AUTHENTICATION, Post, Taken, image, poll, task

from monitor.runtime.clock import ManualClock
from monitor.simulator.runware.settings import DEFAULT_KEY
from monitor.simulator.shared.server import serve


async def test_a_synchronous_task_is_answered_with_its_results_when_it_is_over(
    post: Post, clock: ManualClock, taken: Taken
) -> None:
    one = image(deliveryMethod="sync", numberResults=2, includeCost=True)
    posting = asyncio.create_task(post(one))
    await taken(1)
    assert not posting.done()
    clock.advance(1.4)
    reply = await asyncio.wait_for(posting, 5)
    assert reply.status_code == 200
    items = reply.json()["data"]
    assert [item["taskUUID"] for item in items] == [one["taskUUID"]] * 2
    assert [item["cost"] for item in items] == [0.0006] * 2
    assert len({item["imageURL"] for item in items}) == 2


async def test_an_asynchronous_task_is_acknowledged_and_polled(post: Post, clock: ManualClock) -> None:
    one = task("videoInference", model="klingai:5@3", deliveryMethod="async", numberResults=2)
    assert (await post(one)).json() == {"data": [{"taskType": "videoInference", "taskUUID": one["taskUUID"]}]}
    assert [item["status"] for item in (await post(poll(one))).json()["data"]] == ["processing"]
    clock.advance(45)
    assert [item["status"] for item in (await post(poll(one))).json()["data"]] == ["success", "processing"]
    clock.advance(45)
    items = (await post(poll(one))).json()["data"]
    assert [item["status"] for item in items] == ["success", "success"]
    assert all("videoURL" in item and "cost" not in item for item in items)


async def test_siblings_succeed_beside_refusals_in_one_200(post: Post) -> None:
    good, bad = image(deliveryMethod="async"), image(model="nonsense", deliveryMethod="async")
    reply = await post(good, bad)
    assert reply.status_code == 200
    document = reply.json()
    assert [item["taskUUID"] for item in document["data"]] == [good["taskUUID"]]
    assert [(one["code"], one["taskUUID"]) for one in document["errors"]] == [("invalidModel", bad["taskUUID"])]


async def test_results_and_errors_of_one_task_stand_side_by_side(
    post: Post, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    await control.patch("/accounts/simulated", json={"script": [[None, "timeoutProvider"]]})
    one = image(deliveryMethod="async", numberResults=2, includeCost=True)
    await post(one)
    clock.advance(2)
    reply = await post(poll(one))
    assert (reply.status_code, len(reply.json()["data"])) == (200, 1)
    assert [(error["code"], error["status"]) for error in reply.json()["errors"]] == [("timeoutProvider", "error")]


@pytest.mark.parametrize(("verdict_status", "expected"), [(200, 200), (504, 504), (None, 504)])
async def test_a_verdict_comes_in_a_200_or_in_a_504(
    post: Post, control: httpx.AsyncClient, clock: ManualClock, verdict_status: int | None, expected: int
) -> None:
    await control.patch("/accounts/simulated", json={"script": ["timeoutProvider"], "verdict_status": verdict_status})
    one = image(deliveryMethod="async")
    await post(one)
    clock.advance(2)
    reply = await post(poll(one))
    assert reply.status_code == expected
    assert reply.json()["errors"][0]["taskUUID"] == one["taskUUID"]


async def test_a_task_sent_twice_is_a_conflict_and_one_task(post: Post, control: httpx.AsyncClient) -> None:
    one = image(deliveryMethod="async")
    await post(one)
    again = await post(one)
    assert (again.status_code, again.json()["errors"][0]["code"]) == (400, "conflictTaskUUID")
    (known,) = (await control.get("/tasks")).json()
    assert (known["uuid"], known["conflicts"]) == (one["taskUUID"], 1)
    assert [(one["kind"], one["repeated"]) for one in (await control.get("/requests")).json()] == [
        ("create", False),
        ("create", True),
    ]


async def test_the_key_may_stand_in_the_body(post: Post) -> None:
    reply = await post(AUTHENTICATION, image(deliveryMethod="async"), key="")
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("key", "state", "status", "code"),
    [
        ("", "valid", 401, "missingApiKey"),
        ("wrong", "valid", 401, "invalidApiKey"),
        (DEFAULT_KEY, "revoked", 401, "invalidApiKey"),
        (DEFAULT_KEY, "powerless", 403, "insufficientPermissions"),
    ],
)
async def test_a_bad_key_opens_nothing(
    post: Post, control: httpx.AsyncClient, key: str, state: str, status: int, code: str
) -> None:
    await control.patch("/accounts/simulated", json={"keys": state})
    reply = await post(image(), key=key)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"taskUUID": "x"}, "taskUUID"),
        ({"model": 7}, "model"),
        ({"numberResults": 0}, "numberResults"),
        ({"deliveryMethod": "pigeon"}, "deliveryMethod"),
        ({"deliveryMethod": "stream"}, "deliveryMethod"),
        ({"taskType": "nonsense"}, "taskType"),
    ],
)
async def test_a_wrong_task_is_refused_by_name(post: Post, fields: dict[str, object], parameter: str) -> None:
    reply = await post({**image(), **fields})
    assert (reply.status_code, reply.json()["errors"][0]["parameter"]) == (400, parameter)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[1]", b"{", b"[" * 100_000])
async def test_what_is_no_array_of_tasks_is_refused(url: str, body: bytes) -> None:
    async with httpx.AsyncClient() as client:
        reply = await client.post(f"{url}/v1", content=body, headers={"Authorization": f"Bearer {DEFAULT_KEY}"})
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "invalidJson")


async def test_refusals_come_in_a_200_if_so_chosen(post: Post, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"refusal_status": 200, "balance": 0})
    reply = await post(image())
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (200, "insufficientCredits")


async def test_first_polls_may_say_nothing(post: Post, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"empty_polls": 1})
    one = image(deliveryMethod="async")
    await post(one)
    assert (await post(poll(one))).json() == {"data": []}
    assert (await post(poll(one))).json()["data"][0]["status"] == "processing"


async def test_a_result_may_be_larger_than_a_mebibyte(
    post: Post, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    await control.patch("/accounts/simulated", json={"payload_bytes": 1_500_000})
    one = image(deliveryMethod="async", outputType="base64Data")
    await post(one)
    clock.advance(2)
    assert len((await post(poll(one))).json()["data"][0]["imageBase64Data"]) == 1_500_000


async def test_a_synchronous_request_that_takes_too_long_gets_a_page_and_the_task_goes_on(
    post: Post, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    await control.patch("/accounts/simulated", json={"sync_seconds": 0.05})
    one = image(deliveryMethod="sync")
    reply = await post(one)
    assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (504, "text/html")
    clock.advance(2)
    assert (await post(poll(one))).json()["data"][0]["status"] == "success"


async def test_details_of_a_task_tell_what_was_asked_and_answered(post: Post, clock: ManualClock) -> None:
    one = image(deliveryMethod="async")
    await post(one)
    read = {"taskType": "getTaskDetails", "taskUUID": one["taskUUID"]}
    assert (await post(read)).json()["data"][0]["response"] is None
    clock.advance(2)
    found = (await post(read)).json()["data"][0]
    assert found["request"][0]["positivePrompt"] == "a"
    assert found["response"]["data"][0]["imageURL"]


async def test_an_unknown_task_is_not_found(post: Post) -> None:
    reply = await post(poll(image()))
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (404, "taskNotFound")


async def test_ping_and_utilities_are_answered(post: Post) -> None:
    assert (await post({"taskType": "ping", "ping": True})).json() == {"data": [{"taskType": "ping", "pong": True}]}
    for kind in ("modelSearch", "modelUpload", "mediaStorage", "imageUpload"):
        reply = await post(task(kind))
        assert (reply.status_code, reply.json()["data"][-1]["taskType"]) == (200, kind)


async def test_money_is_spent_on_results_only(post: Post, control: httpx.AsyncClient, clock: ManualClock) -> None:
    await control.patch("/accounts/simulated", json={"script": [None, "providerError"], "balance": 1})
    for _ in range(2):
        await post(image(deliveryMethod="async", numberResults=3))
    clock.advance(2)
    assert (await control.get("/accounts/simulated")).json()["balance"] == pytest.approx(1 - 0.0018)
    costs = {one["status"]: one["cost"] for one in (await control.get("/counts")).json()["tasks"]}
    assert costs == {"success": pytest.approx(0.0018), "error": 0}


async def test_results_are_sent_to_the_webhook_until_it_takes_them(
    post: Post, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    taken: asyncio.Queue[Any] = asyncio.Queue()
    statuses = [503, 204, 204]

    async def take(request: web.Request) -> web.Response:
        status = statuses.pop(0)
        if status < 300:
            taken.put_nowait(await request.json())
        return web.Response(status=status)

    hooks = web.Application()
    hooks.router.add_post("/hook", take)
    await control.patch("/accounts/simulated", json={"script": [None, "providerError"]})
    async with serve(hooks) as address:
        good, bad = (image(webhookURL=f"{address}/hook", includeCost=True) for _ in range(2))
        assert set((await post(good)).json()["data"][0]) == {"taskType", "taskUUID"}
        clock.advance(2)
        first = await asyncio.wait_for(taken.get(), 5)
        await post(bad)
        clock.advance(2)
        second = await asyncio.wait_for(taken.get(), 5)
    assert (first["data"][0]["taskUUID"], first["data"][0]["cost"]) == (good["taskUUID"], 0.0006)
    assert (second["errors"][0]["taskUUID"], second["errors"][0]["code"]) == (bad["taskUUID"], "providerError")
    assert statuses == []
