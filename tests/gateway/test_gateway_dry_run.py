"""What Runware only checks makes no task, over HTTP and on a WebSocket, whatever is answered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fake_runware import KEY
from runware_stage import Front, stage
from wire import TASK, answers, between, post, reply, until

from monitor.observations import Kind, Outcome, RequestSeen
from monitor.providers import PROVIDERS

AUTH = {"taskType": "authentication", "apiKey": KEY}
U = "5f1c2f8a-7a7e-4c1b-9d55-000000000001"
IMAGE = {"taskType": "imageInference", "taskUUID": U, "model": "runware:100@1", "includeCost": True}
POLL = {"taskType": "getResponse", "taskUUID": U}
MADE_NOTHING = {Kind.OTHER, Kind.POLL}

NODE_TESTS = Path(__file__).parent.parent / "node"
SDK = """
import { RunwareServer } from "@runware/sdk-js";
const [url, apiKey] = process.argv.slice(1);
const runware = new RunwareServer({ apiKey, url, dryRun: true });
await runware.ensureConnection();
await runware.imageInference({ positivePrompt: "a", model: "runware:100@1", width: 512, height: 512 });
await runware.disconnect();
process.exit(0);
"""


def told(gateway: Front) -> list[tuple[Kind, str, Outcome, bool]]:
    return [(seen.kind, seen.model, seen.outcome, seen.retry) for seen in gateway.sink.requests]


async def said(ws: aiohttp.ClientWebSocketResponse, *items: dict[str, object]) -> Any:
    await ws.send_json(items)
    return await ws.receive_json()


@pytest.mark.parametrize(
    ("query", "is_dry"),
    [
        ("?dryRun=1", True),
        ("?sdk=js&version=1.3.2&dryRun=1", True),
        ("?dryRun=true", True),
        ("?dryRun=%31", True),
        ("?dryRun=0&dryRun=1", True),
        ("?dryRun=0", False),
        ("?dryRun=false", False),
        ("?dryRun=", False),
        ("?dryRun", False),
        ("?notdryRun=1", False),
        ("?q=dryRun%3D1", False),
        ("?sdk=js&version=1.3.2", False),
        ("", False),
    ],
)
def test_a_dry_run_is_known_by_the_query(query: str, is_dry: bool) -> None:
    assert PROVIDERS["runware"].is_dry_run(query) is is_dry
    assert PROVIDERS["runway"].is_dry_run(query) is False


@pytest.mark.parametrize("query", ["?dryRun=1", "?sdk=js&version=1.3.2&dryRun=1"])
async def test_a_socket_opened_for_a_dry_run_makes_no_task_and_leaves_none(query: str) -> None:
    async with stage() as (fake, gateway), aiohttp.ClientSession() as session:
        async with session.ws_connect(gateway.ws_url + query) as ws:
            assert (await said(ws, AUTH))["data"]
            assert (await said(ws, IMAGE))["data"]
            await said(ws, POLL)
            await said(ws, {**IMAGE, "model": "refuse:model@1", "taskUUID": U[:-1] + "9"})
            fake.mute = True
            await ws.send_json([{**IMAGE, "taskUUID": U[:-1] + "8"}])
            await until(lambda: len(fake.frames) == 5)
        await until(lambda: len(gateway.sink.requests) == 6)
        assert {seen.kind for seen in gateway.sink.requests} == MADE_NOTHING
        assert told(gateway)[-2:] == [
            (Kind.OTHER, "", Outcome.INVALID_REQUEST, False),
            (Kind.OTHER, "", Outcome.CLIENT_GONE, False),
        ]
        assert {type(seen) for seen in gateway.sink.observations} == {RequestSeen}


async def test_a_dry_run_over_http_makes_no_task_and_the_real_run_after_it_is_no_retry() -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with stage() as (fake, gateway), aiohttp.ClientSession(headers=headers) as session:
        for query in ("?dryRun=1", ""):
            fake.tasks.clear()
            async with session.post(gateway.http_url + query, json=[IMAGE]) as answer:
                assert answer.status == 200
        assert told(gateway) == [
            (Kind.OTHER, "", Outcome.SUCCESS, False),
            (Kind.CREATE, "runware:100@1", Outcome.SUCCESS, False),
        ]
        assert [seen.task for seen in gateway.sink.tasks] == [U, U]


async def test_runways_routers_dry_run_makes_no_task() -> None:
    routed = reply(json.dumps({"routing": {"model": "gen4.5"}, "estimatedCost": {"credits": 60}}).encode())
    async with between(answers(routed)) as (gateway, _):
        body = b'{"promptText":"a","dryRun":true}'
        await gateway.ask(post(body, path="/runway/v1/generate/video"))
        assert [seen.outcome for seen in gateway.sink.requests] == [Outcome.SUCCESS]
        assert not gateway.sink.tasks
    async with between(answers(reply(b'{"id":"%s"}' % TASK.encode()))) as (gateway, _):
        await gateway.ask(post(b'{"model":"gen4.5"}', path="/runway/v1/text_to_video?dryRun=1"))
        assert len(gateway.sink.tasks) == 1


async def test_the_vendors_sdk_in_dry_run_makes_no_task(node: str) -> None:
    async with stage() as (fake, gateway):
        command = [node, "--input-type=module", "--eval", SDK, gateway.ws_url, KEY]
        player = await asyncio.create_subprocess_exec(*command, cwd=NODE_TESTS)
        try:
            async with asyncio.timeout(30):
                assert await player.wait() == 0
        finally:
            if player.returncode is None:
                player.kill()
                await player.wait()
        assert fake.frames[-1][0]["taskType"] == "imageInference"
        assert not gateway.sink.tasks
        assert Kind.CREATE not in {seen.kind for seen in gateway.sink.requests}
