"""An account at Runware in the daemon as its user has it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from daemon.process import Process, environment, running, write_config, write_key
from end_to_end.stage import PATIENCE_SECONDS, Figures, parse
from gateway.fake_runware import COST, KEY, FakeRunware, fake_runware
from gateway.wire import until

AIR = "runware:100@1"
U, V, W = (f"5f1c2f8a-7a7e-4c1b-9d55-00000000000{number}" for number in range(1, 4))
PIECE = 20
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


def image(uuid: str, **more: object) -> dict[str, object]:
    return {"taskType": "imageInference", "taskUUID": uuid, "model": AIR, "includeCost": True} | more


async def scrape(daemon: Process) -> Figures:
    async with httpx.AsyncClient() as http:
        return parse((await http.get(f"{daemon.operator_url}/metrics")).text)


async def scraped(daemon: Process, name: str, value: float, **labels: str) -> Figures:
    """The figures once one of them is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            figures = await scrape(daemon)
            if figures.value(name, account="runware", **labels) == value:
                return figures
            await asyncio.sleep(0.1)


async def use(daemon: Process, fake: FakeRunware) -> None:
    """A WebSocket with a key in its first message, a batch over HTTP, and a task that nobody polls."""
    gateway = daemon.gateway_url + "/runware/v1"
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(gateway.replace("http", "ws", 1)) as ws:
            await ws.send_json([{"taskType": "authentication", "apiKey": KEY}])
            await ws.receive_json()
            await ws.send_json([image(U)])
            await ws.receive_json()
        fake.polls[W] = 10  # done at its first poll
        batch = [image(V, model="fail:timeout@1"), image(W, deliveryMethod="async")]
        async with session.post(gateway, json=batch, headers=AUTHORIZED) as reply:
            assert reply.status == 200


def evidence(folder: Path, daemon: Process, figures: str) -> dict[str, bytes]:
    """All that the daemon has written or shown."""
    files = {path.name: path.read_bytes() for path in folder.glob("monitor.db*")}
    return files | {"log": daemon.output.encode(), "metrics": figures.encode()}


async def test_its_traffic_its_tasks_and_what_it_reports_become_figures(tmp_path: Path) -> None:
    async with fake_runware() as fake:
        settings: dict[str, Any] = {"silence": "1s"}
        account = {"provider": "runware", "api_key_file": write_key(tmp_path, "runware", KEY), "follow_up": settings}
        config = write_config(tmp_path, {"runware": account | {"base_url": fake.origin}})
        async with running("--config", config, cwd=tmp_path) as daemon:
            await use(daemon, fake)
            figures = await scraped(
                daemon, "genmedia_tasks_finished_total", 2, model=AIR, outcome="succeeded", reason=""
            )
            await until(lambda: fake.polls[W] == 11)
            assert figures.value("genmedia_tasks_created_total", account="runware", model=AIR) == 2
            mine = {"account": "runware", "model": "fail:timeout@1"}
            assert figures.value("genmedia_tasks_finished_total", outcome="failed", reason="timeout", **mine) == 1
            assert figures.value("genmedia_task_cost_dollars_total", account="runware", model=AIR) == 2 * COST
            assert figures.value("genmedia_model_info", account="runware", model=AIR, upstream="runware") == 1
            requests = figures.by("genmedia_requests_total", "endpoint", "kind", "model", "code", "outcome")
            assert {labels: count for labels, count in requests.items() if count} == {
                ("/v1", "other", "", "101", "success"): 1,
                ("/v1", "other", "", "none", "success"): 1,
                ("/v1", "create", AIR, "none", "success"): 1,
                ("/v1", "create", "mixed", "200", "partial"): 1,
            }
            await check_reads(daemon)
            async with httpx.AsyncClient() as http:
                shown = (await http.get(f"{daemon.operator_url}/metrics")).text
                shown += (await http.get(daemon.operator_url)).text
        for place, text in evidence(tmp_path, daemon, shown).items():
            for start in range(len(KEY) - PIECE + 1):
                assert KEY[start : start + PIECE].encode() not in text, place


async def check_reads(daemon: Process) -> None:
    """What the vendor reports, in dollars and without credits."""
    figures = await scraped(daemon, "genmedia_account_read_up", 1, read="errors")
    for read in ("details", "activity", "performance", "errors"):
        assert figures.value("genmedia_account_read_up", account="runware", read=read) == 1
    assert figures.value("genmedia_balance_dollars", account="runware") == 42.5
    assert figures.value("genmedia_spent_dollars", account="runware", model=AIR, window="today") == 1.5
    assert figures.value("genmedia_provider_requests", account="runware", model=AIR, window="30d") == 7
    assert figures.value("genmedia_provider_errors", account="runware", model=AIR, side="server") == 1
    assert figures.value("genmedia_provider_inference_seconds", account="runware", model=AIR, statistic="mean") == 2
    assert figures.value("genmedia_credit_balance_credits", account="runware") is None
    assert figures.value("genmedia_credits_spent_credits", account="runware", model=AIR, window="today") is None


async def test_the_variable_alone_makes_the_account(tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text("listen: 127.0.0.1:0\ngateway: {listen: 127.0.0.1:0}\n")
    environ = environment(RUNWARE_API_KEY=KEY, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="")
    async with running("--config", config, cwd=tmp_path, environ=environ) as daemon:
        figures = await scrape(daemon)
        assert figures.value("genmedia_account_read_up", account="runware", read="details") == 0
