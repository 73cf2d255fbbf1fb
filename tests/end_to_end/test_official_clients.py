"""The official SDKs play through the gateway; every figure must equal the simulator's own count."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import httpx
from end_to_end import recount
from end_to_end.plays import SETTINGS, play_async, play_sync
from end_to_end.stage import Stage, staged

PLAY_MJS = Path(__file__).parent.parent / "node" / "play.mjs"


async def play_node(node: str, stage: Stage) -> None:
    arguments = [stage.base_url("node"), stage.keys["node"], f"{stage.vendor}/_control", "node"]
    command = [node, str(PLAY_MJS), *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


async def play_in_thread(stage: Stage) -> None:
    def control(method: str, path: str, /, **json: Any) -> None:
        httpx.request(method, f"{stage.vendor}/_control{path}", json=json).raise_for_status()

    await asyncio.to_thread(play_sync, stage.base_url("sync"), stage.keys["sync"], control)


async def test_every_figure_equals_the_simulator_s_own_count(node: str, tmp_path: Path) -> None:
    async with staged(tmp_path, accounts=["sync", "async", "node"], settings=SETTINGS) as stage:
        await asyncio.gather(
            play_in_thread(stage),
            play_async(stage.base_url("async"), stage.keys["async"], stage.control),
            play_node(node, stage),
        )
        figures = await stage.settled()
        records, tasks = await stage.requests(), await stage.control("GET", "/tasks")
        wrong_key = [r for r in records if r["status"] == 401]
        for record in wrong_key:  # the simulator cannot know whose wrong key it was; the gateway knows whose path
            record["organization"] = "sync"

        by_request = figures.by("genmedia_requests_total", "account", "endpoint", "kind", "code", "outcome")
        assert by_request == recount.requests(records)
        assert len(wrong_key) == 1
        assert figures.by("genmedia_requests_total", "account", "model", "code", kind="create") == recount.creates(
            records
        )
        assert figures.by("genmedia_request_retries_total", "account", "endpoint") == recount.retries(records)
        assert figures.total("genmedia_request_duration_seconds_count") == len(records)
        assert figures.by("genmedia_tasks_created_total", "account", "model") == recount.created(tasks)
        by_task = figures.by("genmedia_tasks_finished_total", "account", "model", "outcome", "reason")
        assert by_task == recount.finished(tasks)
        assert figures.by("genmedia_wasted_dollars_total", "account", "model", "reason") == recount.wasted(tasks)
        assert figures.total("genmedia_tasks") == 0
        await check_account_figures(stage)


async def check_account_figures(stage: Stage) -> None:
    for account in stage.keys:
        truth = await stage.control("GET", f"/accounts/{account}")
        figures = await stage.until(
            lambda scraped, name=account, balance=truth["credits"]: (  # type: ignore[misc]
                scraped.value("genmedia_credit_balance_credits", account=name) == balance
            )
        )
        assert figures.value("genmedia_balance_dollars", account=account) == truth["credits"] / 100
        for model, pool in truth["models"].items():
            mine = {"account": account, "model": model}
            assert figures.value("genmedia_limit", limit="concurrency", **mine) == pool["concurrency"]
            assert figures.value("genmedia_limit", limit="daily_generations", **mine) == pool["daily"]
            assert figures.value("genmedia_limit_used", limit="daily_generations", **mine) == pool["dailyGenerations"]
            ledger = figures.value("genmedia_limit_used", limit="daily_generations_ledger", **mine)
            assert ledger == pool["dailyGenerations"]
