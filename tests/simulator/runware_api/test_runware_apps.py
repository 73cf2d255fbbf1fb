"""Applications of one's own (serverless), by the SDK that knows them and by plain HTTP."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from runware import Runware
from runware.errors import RunwareError
from runware.types.serverless import GetTaskOptions, InvokeOptions

from monitor.runtime.clock import ManualClock
from monitor.simulator.runware.settings import DEFAULT_KEY

TASK = "0a0a0a0a-0000-4000-8000-00000000000a"
FAST = InvokeOptions(poll_interval=0.01)


@pytest.fixture
async def sdk(url: str) -> AsyncIterator[Runware]:
    async with Runware(api_key=DEFAULT_KEY, transport="rest", serverless_base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
    async with httpx.AsyncClient(base_url=f"{url}/v1/apps/my-app", headers=headers) as client:
        yield client


async def test_an_invocation_is_pending_until_it_is_over(http: httpx.AsyncClient, clock: ManualClock) -> None:
    begun = await http.post("/invoke-async/generate/fast", json={"taskId": TASK, "payload": {}})
    assert (begun.status_code, begun.json()["status"], begun.json()["completedAt"]) == (202, "pending", None)
    clock.advance(2)
    done = await http.get(f"/tasks/{TASK}")
    assert (done.json()["status"], done.json()["endpointPath"]) == ("completed", "generate/fast")
    assert done.json()["completedAt"] > done.json()["createdAt"]


async def test_the_same_id_names_the_same_invocation(http: httpx.AsyncClient, clock: ManualClock) -> None:
    for _ in range(2):
        first = (await http.post("/invoke-async/generate", json={"taskId": TASK})).json()
        clock.advance(1)
    again = await http.post("/invoke-async/generate", json={"taskId": TASK})
    assert (again.status_code, again.json()["createdAt"]) == (200, first["createdAt"])


async def test_the_sdk_waits_for_an_application_and_is_told_of_its_failure(
    sdk: Runware, control: httpx.AsyncClient
) -> None:
    await control.patch(
        "/accounts/simulated", json={"models": {"serverless": {"seconds": 0}}, "script": [None, "boom"]}
    )
    assert (await sdk.invoke("my-app", "generate", {}, options=FAST))["status"] == "completed"
    failed = await sdk.invoke("my-app", "generate", {}, options=InvokeOptions(delivery_method="sync"))
    assert (failed["status"], failed["error"]) == ("failed", "boom")


async def test_a_synchronous_call_that_takes_too_long_is_answered_with_what_goes_on(
    http: httpx.AsyncClient, control: httpx.AsyncClient
) -> None:
    await control.patch("/accounts/simulated", json={"sync_seconds": 0})
    reply = await http.post("/invoke-sync/generate", json={"taskId": TASK})
    assert (reply.status_code, reply.json()["status"]) == (202, "pending")


async def test_an_environment_has_tasks_of_its_own_and_may_be_paused(sdk: Runware, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"paused_environments": ["staging"]})
    await sdk.invoke("my-app", "generate", {}, task_id=TASK, options=InvokeOptions(wait=False))
    with pytest.raises(RunwareError) as paused:
        await sdk.invoke("my-app", "generate", {}, environment="staging")
    assert (paused.value.code, paused.value.status_code) == ("quota", 429)
    with pytest.raises(RunwareError) as missing:
        await sdk.get_task("my-app", TASK, GetTaskOptions(), environment="staging")
    assert missing.value.status_code == 404


async def test_too_many_invocations_are_turned_away_with_the_time_to_wait(
    http: httpx.AsyncClient, control: httpx.AsyncClient
) -> None:
    await control.patch("/accounts/simulated", json={"models": {"serverless": {"capacity": 1, "queue": 0}}})
    assert (await http.post("/invoke-async/generate", json={"taskId": TASK})).status_code == 202
    refused = await http.post("/invoke-async/generate", json={"taskId": str(uuid.uuid4())})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert refused.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("key", "task", "status"), [("no", TASK, 401), (DEFAULT_KEY, "x", 422)])
async def test_problems_say_what_is_wrong(
    url: str, control: httpx.AsyncClient, key: str, task: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers) as client:
        reply = await client.post(f"{url}/v1/apps/my-app/invoke-async/a", json={"taskId": task})
    assert (reply.status_code, reply.json()["status"]) == (status, status)
    [record] = (await control.get("/requests")).json()
    assert (record["template"], record["kind"]) == ("/v1/apps/{app}/invoke-async/{endpoint}", "create")
