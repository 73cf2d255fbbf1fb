"""Every client of Runware plays twice: straight before a simulated one, and before another through the gateway."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from end_to_end.runware_apps_play import play_apps
from end_to_end.runware_plain_play import play_plain
from end_to_end.runware_scene import SETTINGS, Diary, Scene
from end_to_end.runware_sdk_play import play_sdk
from end_to_end.runware_socket_play import play_socket
from end_to_end.stage import Figures, Stage, simulated, staged

from monitor.config import FollowUp
from monitor.runtime.clock import SystemClock

LEGACY = Path(sys.prefix) / "legacy" / "bin" / "python"
LEGACY_PLAY = Path(__file__).parent / "runware_legacy_play.py"
NODE_TESTS = Path(__file__).parent.parent / "node"
NODE_PLAY = NODE_TESTS / "play_runware.mjs"
IMPATIENT = {
    "RUNWARE_PROMPT_ENHANCE_TIMEOUT": "300",
    "RUNWARE_VIDEO_INITIAL_TIMEOUT": "300",
    "RUNWARE_VIDEO_POLLING_DELAY": "300",
    "RUNWARE_IMAGE_POLLING_DELAY": "300",
}
LONGEST_PLAY_SECONDS = 120
BALANCE = 1_000

Play = Callable[[Scene], Awaitable[Diary]]


def elsewhere(*command: str) -> Play:
    """A play in a process of its own: WebSocket URL, key, control URL, account."""

    async def play(scene: Scene) -> Diary:
        arguments = [*command, scene.ws_url, scene.key, f"{scene.vendor}/_control", scene.client]
        run = partial(subprocess.run, capture_output=True, text=True, timeout=LONGEST_PLAY_SECONDS, check=False)
        done = await asyncio.to_thread(run, arguments, env=os.environ | IMPATIENT)
        return json.loads(done.stdout) if done.returncode == 0 else {"broke down": done.stderr}

    return play


def installed() -> dict[str, Play]:
    """The clients that are here, by the name of their account."""
    found: dict[str, Play] = {
        "sdk-websocket": partial(play_sdk, transport="websocket"),
        "sdk-rest": partial(play_sdk, transport="rest"),
        "sdk-apps": play_apps,
        "plain": play_plain,
        "socket": play_socket,
    }
    if LEGACY.exists():
        found["legacy"] = elsewhere(str(LEGACY), str(LEGACY_PLAY))
    node = shutil.which("node")
    if node is not None and (NODE_TESTS / "node_modules").is_dir():
        found["node"] = elsewhere(node, str(NODE_PLAY))
    return found


@dataclass(frozen=True)
class Performance:
    """What the clients saw, straight and through the gateway, and what the daemon and each vendor say happened."""

    straight: Mapping[str, Diary]
    through: Mapping[str, Diary]
    figures: Figures
    records: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    straight_tasks: list[dict[str, Any]]
    balances: Mapping[str, float]


@asynccontextmanager
async def scenes(folder: Path, clients: Mapping[str, Play]) -> AsyncIterator[tuple[Stage, list[Scene], list[Scene]]]:
    """The stage, and for each client its scene straight before a vendor and the one through the gateway."""
    follow_up = FollowUp(silence=1.0)
    async with (
        staged(folder, provider="runware", accounts=clients, settings=SETTINGS, follow_up=follow_up) as stage,
        simulated("runware", stage.keys, {"balance": BALANCE, **SETTINGS}, stage.http, SystemClock()) as vendor,
    ):
        straight = [Scene(name, key, vendor, vendor, stage.http) for name, key in stage.keys.items()]
        yield stage, straight, [replace(one, url=stage.base_url(one.client), vendor=stage.vendor) for one in straight]


async def perform(folder: Path, clients: Mapping[str, Play]) -> Performance:
    """Let all play at once, and wait until the daemon has told all that it can know."""
    async with scenes(folder, clients) as (stage, straight, through):
        diaries = await asyncio.gather(*(_kept(clients[one.client](one)) for one in [*straight, *through]))
        with suppress(TimeoutError):  # what is missing then, the tests show
            await _until_told(stage)
        accounts = await stage.control("GET", "/accounts")
        return Performance(
            straight=dict(zip(clients, diaries, strict=False)),
            through=dict(zip(clients, diaries[len(clients) :], strict=True)),
            figures=await stage.scrape(),
            records=await stage.requests(),
            tasks=await stage.control("GET", "/tasks"),
            straight_tasks=[task for one in straight for task in await one.tasks()],
            balances={account["name"]: account["balance"] for account in accounts},
        )


async def _kept(play: Awaitable[Diary]) -> Diary:
    """A diary in any case, so that one client's trouble is not the others'."""
    try:
        return await play
    except Exception as error:  # noqa: BLE001 - the test shows it
        return {"broke down": repr(error)}


async def _until_told(stage: Stage) -> None:
    """Wait until the daemon knows of every request, how every task ended, and every balance."""
    requests, tasks = await stage.requests(), await stage.control("GET", "/tasks")
    balances = {account["name"]: account["balance"] for account in await stage.control("GET", "/accounts")}
    await stage.until(
        lambda scraped: (
            scraped.total("genmedia_requests_total") == len(requests)
            and scraped.total("genmedia_tasks_finished_total") == len(tasks)
            and balances_of(scraped) == pytest.approx(balances)
        )
    )


def balances_of(figures: Figures) -> dict[str, float]:
    """What the daemon shows of balances, by account."""
    found = figures.select("genmedia_balance_dollars").items()
    return {dict(labels)["account"]: value for labels, value in found}
