"""Tasks over WebSocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import pytest
from runware_api.conftest import AUTHENTICATION, Socket, Taken, image, poll, task

from monitor.runtime.clock import ManualClock

Connect = Callable[..., Awaitable[tuple[Socket, str]]]


async def test_ping_is_answered_and_compression_agreed(connect: Connect) -> None:
    socket, _ = await connect()
    await socket.send({"taskType": "ping", "ping": True})
    assert await socket.frame() == {"data": [{"taskType": "ping", "pong": True}]}


async def test_a_refused_key_is_told_and_the_socket_stays(
    url: str, session: aiohttp.ClientSession, control: httpx.AsyncClient
) -> None:
    socket = Socket(await session.ws_connect(f"{url}/v1"))
    await socket.send({"taskType": "authentication", "apiKey": "wrong"})
    error = (await socket.frame())["errors"][0]
    assert (error["code"], error["taskType"], "taskUUID" in error) == ("invalidApiKey", "authentication", False)
    await socket.send(image())
    assert (await socket.frame())["errors"][0]["code"] == "missingApiKey"
    await socket.send(AUTHENTICATION)
    assert "data" in await socket.frame()
    handshake, *messages = (await control.get("/requests")).json()
    assert (handshake["status"], handshake["account"]) == (101, "simulated")
    assert [one["tasks"][0]["verdict"] for one in messages] == ["refused", "refused", "answered"]


async def test_results_come_one_by_one_or_packed(
    connect: Connect, control: httpx.AsyncClient, clock: ManualClock, taken: Taken
) -> None:
    socket, _ = await connect()
    one = image(deliveryMethod="sync", numberResults=2)
    await socket.send(one)
    await taken(1)
    clock.advance(2)
    frames = [await socket.frame() for _ in range(2)]
    assert [[item["taskUUID"] for item in frame["data"]] for frame in frames] == [[one["taskUUID"]]] * 2

    await control.patch("/accounts/simulated", json={"packing": "packed"})
    await socket.send(image(deliveryMethod="sync", numberResults=2), image(deliveryMethod="async"), image(model="no"))
    first = await socket.frame()
    assert (len(first["data"]), first["errors"][0]["code"]) == (1, "invalidModel")
    clock.advance(2)
    assert len((await socket.frame())["data"]) == 2


async def test_acknowledgement_and_polls_have_the_same_id_and_type(connect: Connect, clock: ManualClock) -> None:
    socket, _ = await connect()
    one = task("videoInference", model="klingai:5@3", deliveryMethod="async")
    await socket.send(one)
    assert await socket.frame() == {"data": [{"taskType": "videoInference", "taskUUID": one["taskUUID"]}]}
    await socket.send(poll(one))
    item = (await socket.frame())["data"][0]
    assert (item["taskType"], item["taskUUID"], item["status"]) == ("videoInference", one["taskUUID"], "processing")
    clock.advance(100)
    await socket.send(poll(one))
    assert (await socket.frame())["data"][0]["status"] == "success"


@pytest.mark.parametrize(("abnormal", "code"), [(False, 1000), (False, 1011), (True, 1006)])
async def test_work_in_flight_survives_a_close_and_is_told_to_who_resumes(
    connect: Connect,
    control: httpx.AsyncClient,
    clock: ManualClock,
    taken: Taken,
    abnormal: bool,
    code: int,
) -> None:
    socket, previous = await connect()
    one = image(deliveryMethod="sync")
    await socket.send(one)
    await taken(1)
    ending = {"account": "simulated", "code": code if code != 1006 else 1000, "abnormal": abnormal}
    assert (await control.request("DELETE", "/sockets", json=ending)).json() == {"ended": 1}
    assert await socket.close_code() == code
    clock.advance(30)
    again, resumed = await connect(previous)
    assert resumed != previous
    assert (await again.frame())["data"][0]["taskUUID"] == one["taskUUID"]
    faults = {one["kind"]: one["fault"] for one in (await control.get("/requests")).json()}
    assert faults == {"other": "", "create": "closed"}


async def test_after_120_seconds_there_is_nothing_to_resume(
    connect: Connect, control: httpx.AsyncClient, clock: ManualClock, taken: Taken
) -> None:
    socket, previous = await connect()
    await socket.send(image(deliveryMethod="sync"))
    await taken(1)
    await control.request("DELETE", "/sockets", json={})
    await socket.close_code()
    clock.advance(121)
    again, _ = await connect(previous)
    await again.send({"taskType": "ping", "ping": True})
    assert (await again.frame())["data"][0]["taskType"] == "ping"


async def test_an_idle_socket_is_closed(connect: Connect, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"idle_seconds": 0.1, "idle_code": 1001})
    socket, _ = await connect()
    assert await socket.close_code() == 1001


async def test_frames_may_be_larger_than_a_mebibyte(
    connect: Connect, control: httpx.AsyncClient, clock: ManualClock, taken: Taken
) -> None:
    await control.patch("/accounts/simulated", json={"payload_bytes": 2_000_000})
    socket, _ = await connect()
    await socket.send(image(deliveryMethod="sync", outputType="base64Data"))
    await taken(1)
    clock.advance(2)
    assert len((await socket.frame())["data"][0]["imageBase64Data"]) == 2_000_000


async def test_a_message_that_is_no_array_is_an_error_about_no_task(connect: Connect) -> None:
    socket, _ = await connect()
    await socket.wire.send_str("{")
    assert (await socket.frame())["errors"][0]["code"] == "invalidJson"


async def test_a_message_can_hang_and_a_socket_break_off(connect: Connect, control: httpx.AsyncClient) -> None:
    socket, _ = await connect()
    await control.post("/faults", json={"fault": "hang", "method": "WS", "kind": "poll"})
    await socket.send(poll(image()))
    await socket.send({"taskType": "ping", "ping": True})
    assert (await socket.frame())["data"][0]["taskType"] == "ping"
    await control.delete("/faults")
    assert (await socket.frame())["errors"][0]["code"] == "taskNotFound"
    await control.post("/faults", json={"fault": "reset", "method": "WS"})
    await socket.send({"taskType": "ping", "ping": True})
    assert await socket.close_code() == 1006


async def test_open_sockets_are_listed(connect: Connect, control: httpx.AsyncClient) -> None:
    socket, _ = await connect()
    found: Any = (await control.get("/sockets")).json()
    assert found == [{"account": "simulated"}]
    await socket.wire.close()
