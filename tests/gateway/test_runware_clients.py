"""The real clients through the real gateway: every figure must equal what the vendor itself has seen."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_runware import COST, KEY, FakeRunware
from runware import Runware
from runware.errors import RunwareError
from runware_stage import Front, stage
from wire import until

from monitor.model import Kind, Outcome, TaskStatus

LEGACY = Path(sys.prefix) / "legacy" / "bin" / "python"
PLAY = Path(__file__).parent / "legacy_play.py"
STATUS = {"success": TaskStatus.SUCCEEDED, "contentPolicyViolation": TaskStatus.FAILED}
CONTROL = {
    "getResponse": Kind.POLL,
    "authentication": Kind.OTHER,
    "ping": Kind.OTHER,
    "accountManagement": Kind.ACCOUNT,
}


def client(gateway: Front, transport: str, key: str = KEY) -> Runware:
    urls = {"http_base_url": gateway.http_url, "ws_base_url": gateway.ws_url}
    return Runware(api_key=key, transport=transport, **urls)


def image(model: str = "runware:100@1", **more: object) -> Any:
    return {"taskType": "imageInference", "model": model, "positivePrompt": "a cat", "includeCost": True} | more


def last_seen(gateway: Front) -> dict[str, TaskStatus]:
    return {seen.task: seen.status for seen in gateway.sink.tasks}


def check_tasks(fake: FakeRunware, gateway: Front) -> None:
    """Each task of the vendor ended here as it did there, and was accepted once or more often, but is one task."""
    assert last_seen(gateway) == {task: STATUS[end] for task, end in fake.ends.items()}
    assert {seen.task for seen in gateway.sink.tasks if seen.accepted} == set(fake.tasks)
    models = {seen.task: seen.model for seen in gateway.sink.tasks if seen.accepted}
    assert models == {task: item["model"] for task, item in fake.tasks.items()}


def kinds(messages: list[list[dict[str, Any]]]) -> Counter[Kind]:
    """What the vendor was asked for, by message."""
    return Counter(CONTROL.get(message[0]["taskType"], Kind.CREATE) for message in messages)


@pytest.mark.parametrize("transport", ["websocket", "rest"])
async def test_runware_sdk_completes_fails_and_is_refused_as_without_the_gateway(transport: str) -> None:
    async with stage() as (fake, gateway), asyncio.timeout(60):
        async with client(gateway, transport) as runware:
            results = await runware.run(image(numberResults=2))
            assert [result["cost"] for result in results] == [COST, COST]
            with pytest.raises(RunwareError) as failed:
                await runware.run(image("fail:moderation@1"))
            assert failed.value.code == "safety"
            with pytest.raises(RunwareError) as refused:
                await runware.run(image("refuse:model@1"))
            assert refused.value.code == "validation"
            [details] = await runware.account_management({"operation": "getDetails"})
            assert details["balance"] == 42.5
        messages = fake.frames if transport == "websocket" else fake.posts
        handshakes = len(fake.handshakes)
        await until(lambda: len(gateway.sink.requests) == len(messages) + handshakes)
        check_tasks(fake, gateway)
        seen = Counter(request.kind for request in gateway.sink.requests if request.code != "101")
        assert seen == kinds(messages)
        creates = [request for request in gateway.sink.requests if request.kind is Kind.CREATE]
        assert Counter(request.outcome for request in creates) == {Outcome.SUCCESS: 2, Outcome.INVALID_REQUEST: 1}
        costs = [seen.credits for seen in gateway.sink.tasks if seen.status is TaskStatus.SUCCEEDED]
        assert costs == [pytest.approx(2 * COST)]
        assert gateway.observer_errors("socket") == gateway.observer_errors("decode") == 0


async def test_runware_sdk_streams_through_the_gateway() -> None:
    async with stage() as (fake, gateway), asyncio.timeout(30), client(gateway, "rest") as runware:
        messages = [{"role": "user", "content": "a story"}]
        task = {"taskType": "textInference", "model": "alibaba:qwen@3", "messages": messages}
        stream = await runware.stream(task)
        assert "".join([text async for text in stream.text_stream]) == "Once upon a time"
        assert (await stream.result()).cost == COST
        await until(lambda: len(gateway.sink.requests) == 1)
        assert gateway.sink.requests[0].outcome is Outcome.SUCCESS
        check_tasks(fake, gateway)


@pytest.mark.parametrize("transport", ["websocket", "rest"])
async def test_runware_sdk_is_told_of_a_wrong_key(transport: str) -> None:
    async with stage() as (_, gateway), asyncio.timeout(30):
        runware = client(gateway, transport, "f" * 32)
        with pytest.raises(RunwareError) as refused:
            await runware.run(image())
        assert refused.value.code == "auth"
        await runware.close()
        assert Outcome.UNAUTHORIZED in {request.outcome for request in gateway.sink.requests}
        assert "f" * 32 not in repr(gateway.sink.observations)


async def test_runware_sdk_reconnects_resumes_and_sends_again_and_its_task_counts_once() -> None:
    async with stage() as (fake, gateway), asyncio.timeout(60), client(gateway, "websocket") as runware:
        fake.close_code = 1011
        results = await runware.run(image())
        assert len(results) == 1
        assert fake.sessions[0] is None
        assert fake.sessions[1] is not None
        check_tasks(fake, gateway)
        creates = [request for request in gateway.sink.requests if request.kind is Kind.CREATE]
        assert [(request.outcome, request.retry) for request in creates] == [
            (Outcome.TRUNCATED, False),
            (Outcome.SUCCESS, True),
        ]


async def test_the_older_sdk_plays_through_the_gateway() -> None:
    if not LEGACY.exists():
        pytest.skip("the older SDK is not installed (make test installs it)")
    async with stage() as (fake, gateway):
        command = [str(LEGACY), str(PLAY), gateway.ws_url, KEY]
        environ = os.environ | {"RUNWARE_VIDEO_INITIAL_TIMEOUT": "1500"}  # it waits so long before it polls again
        play = partial(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False, env=environ)
        done = await asyncio.to_thread(play)
        assert done.returncode == 0, done.stderr
        await until(lambda: gateway.in_flight() == 0)
        check_tasks(fake, gateway)
        seen = Counter(request.kind for request in gateway.sink.requests if request.code == "none")
        assert seen == kinds(fake.frames)
        assert gateway.observer_errors("socket") == 0
