from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import runwayml
from runwayml import AsyncRunwayML

from monitor.runtime.clock import ManualClock
from monitor.simulator.runway.app import SERVER, build_app
from monitor.simulator.runway.server import DEFAULT_KEY
from monitor.simulator.shared.faults import Fault, FaultKind, Faults
from monitor.simulator.shared.requests import Kind
from monitor.simulator.shared.server import serve

Until = Callable[[str, int], Awaitable[None]]
HEADERS = {"Authorization": f"Bearer {DEFAULT_KEY}", "X-Runway-Version": "2024-11-06"}


async def last(control: httpx.AsyncClient) -> dict[str, Any]:
    record: dict[str, Any] = (await control.get("/requests")).json()[-1]
    return record


async def read_all(reply: httpx.Response, into: bytearray) -> None:
    async for chunk in reply.aiter_raw():
        into += chunk


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_storm_answers_with_its_status_until_it_is_cleared(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, status: int
) -> None:
    fault = (await control.post("/faults", json={"fault": "status", "status": status})).json()
    for _ in range(3):
        with pytest.raises(runwayml.APIStatusError) as stormy:
            await sdk.organization.retrieve()
        assert stormy.value.status_code == status
    await control.delete(f"/faults/{fault['id']}")
    await sdk.organization.retrieve()


async def test_a_status_can_carry_headers_and_a_body(sdk: AsyncRunwayML, control: httpx.AsyncClient) -> None:
    fault = {"fault": "status", "status": 429, "headers": {"Retry-After": "3"}, "body": "slow down"}
    await control.post("/faults", json=fault)
    with pytest.raises(runwayml.RateLimitError) as limited:
        await sdk.organization.retrieve()
    assert (limited.value.response.headers["retry-after"], limited.value.response.text) == ("3", "slow down")


async def test_an_html_page_comes_with_its_status(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "html", "status": 502})
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        reply = await client.get("/v1/organization")
    assert (reply.status_code, reply.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "<h1>502 Bad Gateway</h1>" in reply.text


async def test_broken_json_is_whole_on_the_wire_but_does_not_parse(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "broken_json"})
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        reply = await client.get("/v1/organization")
    assert (reply.status_code, len(reply.content)) == (200, int(reply.headers["content-length"]))
    with pytest.raises(ValueError, match="Unterminated"):
        reply.json()


async def test_a_redirect_leads_to_a_login_page_and_makes_no_task(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "redirect"})
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        reply = await client.get("/v1/organization")
    assert (reply.status_code, reply.headers["location"]) == (302, "https://login.example/")
    assert (await last(control))["status"] == 302


async def test_a_bomb_is_small_on_the_wire_and_large_once_inflated(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "bomb"})
    client = httpx.AsyncClient(base_url=url, headers=HEADERS)
    async with client, client.stream("GET", "/v1/organization") as reply:
        wire = b"".join([chunk async for chunk in reply.aiter_raw()])
    assert (reply.status_code, reply.headers["content-encoding"]) == (200, "gzip")
    assert (len(wire) < 2**17, len(gzip.decompress(wire)) > 2**26) == (True, True)


async def test_odd_framing_declares_a_length_and_chunks(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "odd_framing"})
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    headers = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    writer.write(f"GET /v1/organization HTTP/1.1\r\nHost: {address.netloc}\r\n{headers}\r\n".encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    assert b"Transfer-Encoding: chunked" in head
    assert body.startswith(b"%x\r\n" % int(length[1]))
    assert body.endswith(b"\r\n0\r\n\r\n")


async def test_half_a_body_ends_before_its_declared_length(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "half_body"})
    got = bytearray()
    client = httpx.AsyncClient(base_url=url, headers=HEADERS)
    async with client, client.stream("GET", "/v1/organization") as reply:
        with pytest.raises(httpx.RemoteProtocolError):
            await read_all(reply, got)
        declared = int(reply.headers["content-length"])
    assert len(got) == declared // 2
    assert (await last(control))["fault"] == "half_body"


async def test_a_reset_comes_before_the_headers_or_after(url: str, control: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        fault = (await control.post("/faults", json={"fault": "reset"})).json()
        with pytest.raises(httpx.ReadError):
            await client.get("/v1/organization")
        assert (await last(control))["status"] is None
        await control.delete(f"/faults/{fault['id']}")
        await control.post("/faults", json={"fault": "reset", "after_headers": True})
        with pytest.raises(httpx.ReadError):
            await client.get("/v1/organization")
        assert (await last(control))["status"] == 200


@pytest.mark.parametrize(("processed", "tasks"), [(None, 0), (True, 1)])
async def test_a_create_with_a_malformed_answer_takes_effect_as_its_fault_says(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, processed: bool | None, tasks: int
) -> None:
    await control.post("/faults", json={"fault": "status", "status": 504, "processed": processed})
    with pytest.raises(runwayml.InternalServerError):
        await sdk.text_to_image.create(model="gen4_image", prompt_text="x", ratio="1280:720")
    assert len((await control.get("/tasks")).json()) == tasks


async def test_a_hang_lasts_until_it_is_cleared_and_then_answers(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, until: Until
) -> None:
    fault = (await control.post("/faults", json={"fault": "hang", "count": 1})).json()
    hanging = asyncio.create_task(sdk.organization.retrieve())
    await until("in_flight", 1)
    await sdk.organization.retrieve()
    assert not hanging.done()
    await control.delete(f"/faults/{fault['id']}")
    assert (await hanging).credit_balance == 10_000
    assert [(row["fault"], row["status"]) for row in (await control.get("/requests")).json()] == [("", 200)] * 2


async def test_a_client_that_leaves_a_hang_is_logged_with_the_task_it_made(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, until: Until
) -> None:
    await control.post("/faults", json={"fault": "hang"})
    creating = asyncio.create_task(sdk.text_to_image.create(model="gen4_image", prompt_text="x", ratio="1280:720"))
    await until("in_flight", 1)
    assert len((await control.get("/tasks")).json()) == 1
    creating.cancel()
    await asyncio.wait([creating])
    assert creating.cancelled()
    await until("total", 1)
    record, tasks = await last(control), (await control.get("/tasks")).json()
    assert (record["fault"], record["status"], record["task"]) == ("client_gone", None, tasks[0]["id"])


async def test_stopping_releases_what_hangs(clock: ManualClock) -> None:
    app = build_app(clock)
    async with httpx.AsyncClient() as client:
        async with serve(app) as url:
            await client.post(f"{url}/_control/faults", json={"fault": "hang"})
            hanging = asyncio.create_task(client.get(f"{url}/v1/organization", headers=HEADERS))
            async with asyncio.timeout(5):
                while not app[SERVER].in_flight:
                    await asyncio.sleep(0.01)
        assert (await hanging).status_code == 200


async def test_latency_delays_the_answer_not_the_effect(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, clock: ManualClock, until: Until
) -> None:
    await control.post("/faults", json={"fault": "latency", "seconds": 0.3, "kind": "create"})
    creating = asyncio.create_task(sdk.text_to_image.create(model="gen4_image", prompt_text="x", ratio="1280:720"))
    await until("in_flight", 1)
    assert len((await control.get("/tasks")).json()) == 1
    assert not creating.done()
    assert (await control.get("/counts")).json()["total"] == 0
    await creating


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ({}, True),
        ({"method": "GET"}, True),
        ({"method": "POST"}, False),
        ({"kind": Kind.POLL}, True),
        ({"kind": Kind.CREATE}, False),
        ({"path": "/v1/tasks/*"}, True),
        ({"path": "/v1/tasks/{id}"}, True),
        ({"path": "/v1/tasks/abc"}, True),
        ({"path": "/v1/organization"}, False),
        ({"own": True}, False),
        ({"own": False}, True),
        ({"account": "simulated"}, True),
        ({"account": "another"}, False),
        ({"probability": 0.0}, False),
    ],
)
def test_a_fault_hits_only_whom_it_is_meant_for(rule: dict[str, Any], hit: bool) -> None:
    faults = Faults(seed=1)
    faults.add(Fault(fault=FaultKind.RESET, **rule))
    _, drawn = faults.draw("GET", "/v1/tasks/{id}", "/v1/tasks/abc", Kind.POLL, own=False, account="simulated")
    assert (drawn is not None) == hit


def test_a_count_ends_a_fault_and_probability_repeats_with_the_seed() -> None:
    def draws() -> list[bool]:
        faults = Faults(seed=3)
        faults.add(Fault(fault=FaultKind.STATUS, probability=0.5, count=10))
        return [faults.draw("GET", "t", "p", Kind.OTHER, own=False, account="")[1] is not None for _ in range(100)]

    assert draws() == draws()
    assert sum(draws()) == 10


def test_latencies_add_up_within_their_jitter_and_another_fault_may_follow() -> None:
    faults = Faults(seed=1)
    faults.add(Fault(fault=FaultKind.LATENCY, seconds=1, jitter=0.5))
    faults.add(Fault(fault=FaultKind.LATENCY, seconds=2))
    faults.add(Fault(fault=FaultKind.HTML))
    for _ in range(50):
        seconds, fault = faults.draw("GET", "t", "p", Kind.OTHER, own=False, account="")
        assert 2.5 <= seconds <= 3.5
        assert fault is not None
        assert fault.fault is FaultKind.HTML
