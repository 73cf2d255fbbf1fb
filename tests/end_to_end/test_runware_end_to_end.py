"""The real clients of Runware play through the gateway; every figure must equal the simulator's own count."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from end_to_end import runware_recount as recount
from end_to_end.runware_plays import SETTINGS, play_plain, play_sdk
from end_to_end.stage import Figures, Stage, staged

from monitor.config import FollowUp

LEGACY = Path(sys.prefix) / "legacy" / "bin" / "python"
LEGACY_PLAY = Path(__file__).parent / "runware_legacy_play.py"
PLAY_MJS = Path(__file__).parent.parent / "node" / "play_runware.mjs"


async def run(stage: Stage, account: str, *command: str) -> None:
    """A client in a process of its own: WebSocket URL, key, control URL, account."""
    url = f"{stage.base_url(account).replace('http', 'ws')}/v1"
    arguments = [*command, url, stage.keys[account], f"{stage.vendor}/_control", account]
    environ = os.environ | {"RUNWARE_VIDEO_INITIAL_TIMEOUT": "2000"}  # it waits so long before it polls
    done = await asyncio.to_thread(
        subprocess.run, arguments, capture_output=True, text=True, timeout=120, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr


async def check(stage: Stage) -> None:
    """Hold every figure against the simulator's record."""
    tasks = await stage.control("GET", "/tasks")
    await stage.until(lambda scraped: scraped.total("genmedia_tasks_finished_total") >= len(tasks))
    figures = await stage.settled()
    records, tasks = await stage.requests(), await stage.control("GET", "/tasks")
    for record in records:  # the simulator cannot know whose wrong key it was; the gateway knows whose path
        record["account"] = record["account"] or next(iter(stage.keys))

    by_request = figures.by("genmedia_requests_total", "account", "endpoint", "kind", "code", "outcome")
    assert by_request == recount.requests(records)
    assert figures.by("genmedia_request_retries_total", "account") == recount.retries(records)
    assert figures.total("genmedia_request_duration_seconds_count") == len(records)
    check_tasks(figures, tasks)
    for account in stage.keys:
        balance = (await stage.control("GET", f"/accounts/{account}"))["balance"]
        await stage.until(
            lambda scraped, name=account, balance=balance: (  # type: ignore[misc]
                scraped.value("genmedia_balance_dollars", account=name) == pytest.approx(balance)
            )
        )


def check_tasks(figures: Figures, tasks: list[dict[str, object]]) -> None:
    assert figures.by("genmedia_tasks_created_total", "account", "model") == recount.created(tasks)
    by_task = figures.by("genmedia_tasks_finished_total", "account", "model", "outcome", "reason")
    assert by_task == recount.finished(tasks)
    costs = figures.by("genmedia_task_cost_dollars_total", "account", "model")
    assert costs == pytest.approx(recount.costs(tasks))
    assert figures.by("genmedia_tasks_cost_unknown_total", "account", "model") == recount.unknown_costs(tasks)


async def test_every_figure_of_the_python_sdk_equals_the_simulator_s_own_count(tmp_path: Path) -> None:
    accounts = ["websocket", "rest"]
    async with staged(tmp_path, provider="runware", accounts=accounts, settings=SETTINGS) as stage:
        await asyncio.gather(
            *(play_sdk(stage.base_url(name), stage.keys[name], name, name, stage.control) for name in accounts)
        )
        await check(stage)


async def test_every_figure_of_plain_http_equals_the_simulator_s_own_count(tmp_path: Path) -> None:
    quick = FollowUp(silence=1.0)
    async with staged(tmp_path, provider="runware", accounts=["plain"], settings=SETTINGS, follow_up=quick) as stage:
        await play_plain(stage.base_url("plain"), stage.keys["plain"], "plain", stage.control)
        await check(stage)


async def test_every_figure_of_the_node_sdk_equals_the_simulator_s_own_count(node: str, tmp_path: Path) -> None:
    async with staged(tmp_path, provider="runware", accounts=["node"], settings=SETTINGS) as stage:
        await run(stage, "node", node, str(PLAY_MJS))
        await check(stage)


async def test_every_figure_of_the_older_sdk_equals_the_simulator_s_own_count(tmp_path: Path) -> None:
    if not LEGACY.exists():
        pytest.skip("the older SDK is not installed (make test installs it)")
    async with staged(tmp_path, provider="runware", accounts=["legacy"], settings=SETTINGS) as stage:
        await run(stage, "legacy", str(LEGACY), str(LEGACY_PLAY))
        await check(stage)
