from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest
import runwayml
from runwayml import AsyncRunwayML

from monitor.runtime.clock import ManualClock
from monitor.simulator.runway.server import DEFAULT_KEY

Until = Callable[[str, int], Awaitable[None]]


async def create(sdk: AsyncRunwayML) -> str:
    return (await sdk.text_to_video.create(model="gen4.5", prompt_text="a cat", ratio="1280:720", duration=5)).id


async def test_the_request_log_recounts_every_request_and_every_task(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    await control.patch("/accounts/simulated", json={"script": [None, "SAFETY.INPUT.TEXT"]})
    ids = [await create(sdk) for _ in range(3)]
    await sdk.tasks.delete(ids[2])
    clock.advance(100)
    for one in ids[:2]:
        await sdk.tasks.retrieve(one)
    with pytest.raises(runwayml.NotFoundError):
        await sdk.tasks.retrieve(ids[2])
    await sdk.organization.retrieve(extra_headers={"User-Agent": "genmedia-monitor/1.0"})
    counts = (await control.get("/counts")).json()
    rows = {
        (row["own"], row["method"], row["template"], row["kind"], row["model"], row["status"]): row["count"]
        for row in counts["requests"]
    }
    assert rows == {
        (False, "POST", "/v1/text_to_video", "create", "gen4.5", 200): 3,
        (False, "DELETE", "/v1/tasks/{id}", "delete", "gen4.5", 204): 1,
        (False, "GET", "/v1/tasks/{id}", "poll", "gen4.5", 200): 2,
        (False, "GET", "/v1/tasks/{id}", "poll", "gen4.5", 404): 1,
        (True, "GET", "/v1/organization", "account", "", 200): 1,
    }
    assert (counts["total"], counts["in_flight"]) == (8, 0)
    tasks = {(row["status"], row["failureCode"]): (row["count"], row["credits"]) for row in counts["tasks"]}
    assert tasks == {
        ("SUCCEEDED", None): (1, 60),
        ("FAILED", "SAFETY.INPUT.TEXT"): (1, 60),
        ("CANCELLED", None): (1, 0),
    }


async def test_the_logs_agree_with_the_counts(sdk: AsyncRunwayML, control: httpx.AsyncClient) -> None:
    for _ in range(2):
        await create(sdk)
    with pytest.raises(runwayml.NotFoundError):
        await sdk.tasks.retrieve("unknown")
    log = (await control.get("/requests")).json()
    counts = (await control.get("/counts")).json()["requests"]
    assert [row["number"] for row in log] == [1, 2, 3]
    assert Counter((row["template"], row["status"]) for row in log) == {
        (row["template"], row["status"]): row["count"] for row in counts
    }
    assert [row["number"] for row in (await control.get("/requests", params={"after": 2})).json()] == [3]


async def test_a_task_record_tells_its_whole_course(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    first, second = await create(sdk), await create(sdk)
    start = clock.now()
    clock.advance(20)
    await sdk.tasks.retrieve(first)
    records = {row["id"]: row for row in (await control.get("/tasks")).json()}
    course = ("status", "shown", "credits", "submittedAt", "queuedAt", "startedAt", "finishedAt")
    assert [records[first][name] for name in course] == [
        "SUCCEEDED", "SUCCEEDED", 60, start, start, start + 1, start + 16,
    ]  # fmt: skip
    assert [records[second][name] for name in course] == ["RUNNING", "", 60, start, start + 16, start + 17, None]


async def test_no_answer_of_the_control_api_holds_a_key(sdk: AsyncRunwayML, control: httpx.AsyncClient) -> None:
    await create(sdk)
    for path in ("/accounts", "/counts", "/requests", "/tasks", "/faults"):
        assert DEFAULT_KEY not in (await control.get(path)).text


async def test_everything_about_an_account_can_be_changed_while_it_runs(
    sdk: AsyncRunwayML, control: httpx.AsyncClient
) -> None:
    changes = {
        "tier": 2,
        "credits": 500,
        "limits": {"gen4.5": {"concurrency": 2, "daily": None}},
        "durations": {"pending": 0, "running": 5, "jitter": 0.1, "models": {"veo3.1": 60}},
        "failure_rate": 0.5,
        "failures": {"INTERNAL": 1},
        "autobilling": {"threshold": 100, "amount": 1_000},
        "script": [None],
    }
    state = (await control.patch("/accounts/simulated", json=changes)).json()
    assert (state["credits"], state["settings"]["tier"], state["script"]) == (500, 2, [None])
    await create(sdk)
    model = (await control.get("/accounts/simulated")).json()["models"]["gen4.5"]
    assert (model["concurrency"], model["daily"], model["active"]) == (2, None, 1)
    assert (await control.patch("/accounts/simulated", json={"buy": True})).json()["purchased"] == 1_000


@pytest.mark.parametrize(
    "change",
    [
        {"tier": 6},
        {"unknown": 1},
        {"credits": "many"},
        {"failure_rate": 2},
        {"failure_rate": 1, "failures": {}},
        {"limits": {"gen4.5": {"concurrency": -1}}},
        {"keys": "lost"},
        {"durations": {"runing": 1}},
    ],
)
async def test_a_wrong_change_is_refused_and_changes_nothing(
    control: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    before = (await control.get("/accounts/simulated")).json()
    reply = await control.patch("/accounts/simulated", json={"credits": 1, **change})
    assert (reply.status_code, set(reply.json())) == (400, {"error"})
    assert (await control.get("/accounts/simulated")).json() == before


async def test_a_wrong_fault_or_an_unknown_name_is_refused(control: httpx.AsyncClient) -> None:
    for fault in ({"fault": "flood"}, {"fault": "status", "status": 200}, {"fault": "hang", "wen": 1}, {}):
        assert (await control.post("/faults", json=fault)).status_code == 400
    assert (await control.get("/accounts/nobody")).status_code == 404
    assert (await control.delete("/faults/99")).status_code == 404
    assert (await control.get("/requests", params={"after": "x"})).status_code == 400
    assert (await control.get("/faults")).json() == []


async def test_organizations_are_apart(sdk: AsyncRunwayML, url: str, control: httpx.AsyncClient) -> None:
    account = {"name": "second", "key": "key_second", "credits": 70, "tier": 3}
    assert (await control.post("/accounts", json=account)).status_code == 201
    mine = await create(sdk)
    async with AsyncRunwayML(api_key="key_second", base_url=url, max_retries=0) as other:
        await create(other)
        with pytest.raises(runwayml.NotFoundError):
            await other.tasks.retrieve(mine)
        assert (await other.organization.retrieve()).credit_balance == 10
    for taken in (account, {**account, "name": "other"}):
        assert (await control.post("/accounts", json=taken)).status_code == 400
    assert (await control.patch("/accounts/second", json={"add_key": DEFAULT_KEY})).status_code == 400
    await control.patch("/accounts/second", json={"add_key": "key_third"})
    async with AsyncRunwayML(api_key="key_third", base_url=url, max_retries=0) as other:
        assert (await other.organization.retrieve()).credit_balance == 10
    assert {row["organization"] for row in (await control.get("/tasks")).json()} == {"simulated", "second"}


async def test_a_reset_restores_the_start(sdk: AsyncRunwayML, control: httpx.AsyncClient) -> None:
    await create(sdk)
    await control.patch("/accounts/simulated", json={"tier": 5, "keys": "revoked"})
    await control.post("/faults", json={"fault": "hang"})
    assert (await control.post("/reset")).status_code == 204
    assert (await control.get("/counts")).json()["total"] == 0
    assert (await control.get("/tasks")).json() == (await control.get("/faults")).json() == []
    assert (await sdk.organization.retrieve()).credit_balance == 10_000


async def test_a_request_of_before_a_reset_does_not_appear_after_it(
    sdk: AsyncRunwayML, control: httpx.AsyncClient, until: Until
) -> None:
    await control.post("/faults", json={"fault": "hang", "processed": False})
    hanging = asyncio.create_task(create(sdk))
    await until("in_flight", 1)
    await control.post("/reset")
    await hanging
    assert (await control.get("/counts")).json()["total"] == 0
    assert (await control.get("/tasks")).json() == []


async def test_money_moves_when_told(sdk: AsyncRunwayML, control: httpx.AsyncClient) -> None:
    async def changed(**change: Any) -> dict[str, Any]:
        reply = await control.patch("/accounts/simulated", json=change)
        assert reply.status_code == 200, reply.text
        state: dict[str, Any] = reply.json()
        return state

    before = (await changed())["credits"]
    await changed(charge={"model": "gen4.5", "credits": 600})
    assert (await changed(charge={"model": "gen4.5", "credits": -900}))["credits"] == before + 300
    usage = await sdk.organization.retrieve_usage(start_date=date(2025, 6, 15), before_date=date(2025, 6, 16))
    assert [used.amount for day in usage.results for used in day.used_credits] == [-300]
    assert (await changed(purchase=2_000))["credits"] == before + 2_300
    assert (await changed(failed_charges=3))["autobillingStopped"] is True
    after = await changed(purchase=1_000)
    assert (after["autobillingStopped"], after["failedCharges"], after["purchased"]) == (False, 0, 3_000)


async def test_a_month_that_allows_no_more_refuses_a_purchase(control: httpx.AsyncClient) -> None:
    reply = await control.patch("/accounts/simulated", json={"monthly_credits": 999, "purchase": 5_000})
    assert (reply.status_code, "at least 1000 credits" in reply.text) == (400, True)
