"""The daemon is killed without warning again and again; what it acknowledged is there, once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from daemon.load import ACCOUNT, LABELS, Sender, recount
from daemon.process import Process, ProcessStage, environment, running, vendor_stage, write_config
from end_to_end.stage import Figures

KILLS = 50
SENDERS = 3
PASSED = "passed"
READY_SECONDS = 5
AT_RISK_SECONDS = 1
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"
PAUSE_SECONDS = 0.01
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}
SEED = int(os.environ.get("GENMEDIA_SEED") or random.randrange(2**32))


def draw_moment(chance: random.Random) -> tuple[bool, float]:
    """When to kill: seconds after it was ready, mostly few, or now and then after it was merely started."""
    roll = chance.random()
    if roll < 0.1:
        return False, chance.uniform(0, 1.2)
    return True, chance.uniform(0, 0.4) if roll < 0.8 else chance.uniform(1.2, 2)


async def live_until_killed(stage: ProcessStage, config: Path, chance: random.Random) -> float:
    """One life of the daemon; the Unix time of its end."""
    is_ready, seconds = draw_moment(chance)
    stage.daemon = await Process.spawn("run", "--config", config, cwd=stage.folder, environ=environment())
    try:
        if is_ready:
            async with asyncio.timeout(READY_SECONDS):
                await stage.daemon.ready()
        await asyncio.sleep(seconds)
        return time.time()
    finally:
        await stage.daemon.kill()
        assert "Traceback" not in stage.daemon.output, stage.daemon.output


async def use_gateway(stage: ProcessStage, stop: asyncio.Event, http: aiohttp.ClientSession) -> None:
    """What an application does: it makes a task and reads it, whatever becomes of either."""
    headers = {"Authorization": f"Bearer {stage.keys[PASSED]}", "X-Runway-Version": "2024-11-06"}
    while not stop.is_set():
        with suppress(aiohttp.ClientError):
            async with http.post(f"{stage.base_url(PASSED)}/v1/text_to_video", json=VIDEO, headers=headers) as reply:
                task = (await reply.json())["id"]
            async with http.get(f"{stage.base_url(PASSED)}/v1/tasks/{task}", headers=headers) as reply:
                await reply.read()
        await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def load(stage: ProcessStage) -> AsyncIterator[Load]:
    """Senders at the ingest API and an application at the gateway, each going on until told to stop."""
    stop = asyncio.Event()
    senders = [Sender(f"sender-{number}", SEED, float(int(time.time()))) for number in range(SENDERS)]
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        tasks = [group.create_task(use_gateway(stage, stop, http))]
        tasks += [group.create_task(sender.run(lambda: stage.daemon.operator_url, stop, http)) for sender in senders]
        yield Load(senders, stop, tasks)


@dataclass
class Load:
    """What is under way."""

    senders: list[Sender]
    stop: asyncio.Event
    tasks: list[asyncio.Task[None]]

    async def finish(self) -> None:
        """Have everything acknowledged that was begun."""
        self.stop.set()
        await asyncio.wait(self.tasks)


async def test_what_was_acknowledged_before_any_kill_counts_exactly_once(database_url: str, tmp_path: Path) -> None:
    print(f"GENMEDIA_SEED={SEED}")  # noqa: T201 - shown when the test fails
    chance = random.Random(SEED)
    unlimited = {"gen4.5": {"concurrency": None, "daily": None}}
    async with vendor_stage(tmp_path, [ACCOUNT, PASSED], limits=unlimited, credits=10**9) as stage:
        quiet = {"poll_interval": "1d", "follow_up": {"silence": "1h", "orphaned": "1d"}}
        accounts = {name: stage.account(name, **quiet) for name in stage.keys}
        config = write_config(tmp_path, accounts, store=database_url)
        async with load(stage) as under_way:
            kills = [await live_until_killed(stage, config, chance) for _ in range(KILLS)]
            async with running("--config", config, cwd=tmp_path) as stage.daemon:
                await under_way.finish()
                await check_ingested(stage, under_way.senders)
                await check_passed(stage, kills)
                stage.daemon.signal(signal.SIGTERM)
                assert await stage.daemon.end() == 0


async def check_ingested(stage: ProcessStage, senders: list[Sender]) -> None:
    """Nothing is lost and nothing twice: every figure equals the recount."""
    expected = recount([line for sender in senders for line in sender.acknowledged])
    acknowledged_at = time.time()
    figures = await stage.until(lambda figures: (figures.value(EVALUATED) or 0) > acknowledged_at)
    for name, labels in LABELS.items():
        assert figures.by(name, *labels, account=ACCOUNT) == pytest.approx(dict(+expected[name])), name
    assert all(sender.resent for sender in senders), "no kill came between"


async def check_passed(stage: ProcessStage, kills: list[float]) -> None:
    """Of the traffic that passed through, at most the last second before a kill is lost, and nothing made up."""
    records = await stage.requests(organization=PASSED)
    figures = await stage.until(lambda figures: within(of_traffic(figures), records, kills))
    created = figures.total("genmedia_tasks_created_total", account=PASSED)
    creates = [record for record in records if record["kind"] == "create"]
    assert len(outlasting(creates, kills)) <= created <= len(creates)


def of_traffic(figures: Figures) -> dict[tuple[str, ...], float]:
    return figures.by("genmedia_requests_total", "endpoint", "code", account=PASSED)


def within(counted: dict[tuple[str, ...], float], records: list[dict[str, Any]], kills: list[float]) -> bool:
    seen, safe = by_sort(records), by_sort(outlasting(records, kills))
    assert sum(safe.values()) > KILLS, "hardly any traffic"
    assert counted.keys() <= seen.keys()
    assert all(counted[sort] <= seen[sort] for sort in counted)
    return all(counted.get(sort, 0) >= count for sort, count in safe.items())


def by_sort(records: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    return Counter((record["template"], str(record["status"])) for record in records)


def outlasting(records: list[dict[str, Any]], kills: list[float]) -> list[dict[str, Any]]:
    """Those that were answered longer than what is at risk before the next kill."""
    answered = [record for record in records if record["status"] is not None]
    return [r for r in answered if not any(0 <= kill - r["finished_at"] <= AT_RISK_SECONDS for kill in kills)]
