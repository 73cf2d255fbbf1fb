"""Tasks whose application never polls, because the vendor calls when they are done."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from end_to_end.runware_scene import image, video
from end_to_end.stage import Stage, staged
from pydantic import SecretStr

from monitor.config import FollowUp, Webhook
from monitor.runtime.clock import FastClock
from monitor.simulator.shared.server import serve

SPEED = 20.0
SECRET = "s3cret-path_of-this-test"
DAY = 86_400.0


class LeapingClock(FastClock):
    """A fast clock on which a long time can pass in no time."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead

    def steady(self) -> float:
        return super().steady() + self.ahead


@dataclass
class Application:
    """Takes what is forwarded to it and what the vendor brings elsewhere, by path."""

    url: str = ""
    taken: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        self.taken.setdefault(request.path, []).append(await request.json())
        return web.Response()

    def tasks(self, path: str) -> set[str]:
        """The ids of the tasks told of at a path."""
        told = [item for body in self.taken.get(path, []) for item in (*body.get("data", ()), *body.get("errors", ()))]
        return {item["taskUUID"] for item in told}


@asynccontextmanager
async def application() -> AsyncIterator[Application]:
    told = Application()
    app = web.Application()
    app.router.add_post("/{path}", told.handle)
    async with serve(app) as told.url:
        yield told


def forwarding(told: Application) -> Webhook:
    return Webhook(secret=SecretStr(SECRET), forward_to=SecretStr(f"{told.url}/forwarded"))


def ours(stage: Stage) -> str:
    return f"{stage.daemon.webhooks_url}/runware/{SECRET}"


def asking(task: dict[str, Any], **more: Any) -> dict[str, Any]:
    return task | {"taskUUID": str(uuid.uuid4()), "includeCost": True} | more


def credentials(stage: Stage) -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.keys['runware']}"}


async def post(stage: Stage, *tasks: dict[str, Any]) -> None:
    reply = await stage.http.post(f"{stage.base_url('runware')}/v1", json=list(tasks), headers=credentials(stage))
    assert reply.status_code == 200, reply.text


async def send(stage: Stage, *tasks: dict[str, Any]) -> None:
    """The same on a WebSocket, which is closed once the tasks are acknowledged."""
    url = f"{stage.base_url('runware')}/v1"
    async with ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_json([{"taskType": "authentication", "apiKey": stage.keys["runware"]}])
        await socket.receive_json()
        await socket.send_json(list(tasks))
        await socket.receive_json()


async def test_tasks_end_by_their_webhooks_alone(tmp_path: Path) -> None:
    async with (
        application() as told,
        staged(
            tmp_path,
            provider="runware",
            accounts=["runware"],
            clock=FastClock(SPEED),
            follow_up=FollowUp(silence=3600.0),
            webhook=forwarding(told),
        ) as stage,
    ):
        await stage.control("PATCH", "/accounts/runware", script=[None, "contentPolicyViolation"])
        tasks = [asking(image(), webhookURL=ours(stage)) for _ in range(3)]
        await post(stage, *tasks[:2])
        await send(stage, tasks[2])

        figures = await stage.until(lambda scraped: scraped.total("genmedia_tasks_finished_total") == 3)

        ended = figures.by("genmedia_tasks_finished_total", "model", "outcome", "reason")
        model = "runware:100@1"
        assert ended == {(model, "succeeded", ""): 2, (model, "failed", "moderation"): 1}
        assert figures.by("genmedia_tasks_created_total", "model") == {(model,): 3}
        assert figures.total("genmedia_task_cost_dollars_total") == pytest.approx(
            sum(task["cost"] for task in await stage.control("GET", "/tasks"))
        )
        assert figures.total("genmedia_requests_total", kind="poll") == 0
        await stage.until(lambda scraped: scraped.total("genmedia_monitor_webhooks_total", event="forwarded") == 3)
        assert told.tasks("/forwarded") == {task["taskUUID"] for task in tasks}


async def test_a_task_that_only_its_webhook_tells_of_is_not_lost_before_it_comes(tmp_path: Path) -> None:
    async with (
        application() as told,
        staged(
            tmp_path, provider="runware", accounts=["runware"], clock=FastClock(SPEED), webhook=forwarding(told)
        ) as stage,
    ):
        await stage.control("PATCH", "/accounts/runware", webhook_polls=False, seconds=200.0)
        await post(stage, asking(video(), webhookURL=ours(stage)))

        figures = await stage.until(lambda scraped: scraped.total("genmedia_tasks_finished_total") == 1)

        assert figures.by("genmedia_tasks_finished_total", "outcome") == {("succeeded",): 1}
        polls = [request for request in await stage.control("GET", "/requests") if request["kind"] == "poll"]
        assert len(polls) > 1, "follow-up has asked often enough to think it lost"


async def test_only_a_task_that_nobody_is_told_of_is_orphaned_and_wasted(tmp_path: Path) -> None:
    clock = LeapingClock(SPEED)
    async with (
        application() as told,
        staged(tmp_path, provider="runware", accounts=["runware"], clock=clock, webhook=forwarding(told)) as stage,
    ):
        await stage.control("PATCH", "/accounts/runware", seconds=90.0)
        brought, elsewhere = (asking(video(), webhookURL=url) for url in (ours(stage), f"{told.url}/elsewhere"))
        neglected = asking(video(), deliveryMethod="async")
        await post(stage, brought, elsewhere, neglected)

        figures = await stage.until(lambda scraped: scraped.total("genmedia_tasks_orphaned") > 0)
        assert figures.total("genmedia_tasks_orphaned") == 1
        assert figures.total("genmedia_tasks") == 3
        await stage.until(lambda scraped: scraped.total("genmedia_tasks_finished_total", outcome="succeeded") == 3)
        await stage.until(lambda scraped: scraped.total("genmedia_monitor_webhooks_total", event="forwarded") == 1)
        assert told.tasks("/forwarded") == {brought["taskUUID"]}
        assert told.tasks("/elsewhere") == {elsewhere["taskUUID"]}

        clock.ahead = DAY + 60.0
        figures = await stage.until(lambda scraped: scraped.total("genmedia_wasted_dollars_total") > 0)
        [cost] = [
            task["cost"] for task in await stage.control("GET", "/tasks") if task["uuid"] == neglected["taskUUID"]
        ]
        assert figures.by("genmedia_wasted_dollars_total", "reason") == {("orphaned",): pytest.approx(cost)}
