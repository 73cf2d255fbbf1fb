"""Tasks that nobody polls any more, money that was spent unseen, and figures after a restart."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from end_to_end.stage import Stage, staged

from monitor.config import FollowUp
from monitor.runtime.clock import FastClock

SPEED = 20.0
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}


def headers(stage: Stage) -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}


async def create(stage: Stage, base_url: str) -> str:
    reply = await stage.http.post(f"{base_url}/v1/text_to_video", json=VIDEO, headers=headers(stage))
    return str(reply.json()["id"])


async def delete_unseen(stage: Stage, task: str) -> None:
    await stage.http.delete(f"{stage.vendor}/v1/tasks/{task}", headers=headers(stage))


async def test_a_task_whose_client_went_away_is_orphaned_then_followed_to_its_end(tmp_path: Path) -> None:
    settings = {"durations": {"pending": 1, "running": 150}}
    async with staged(tmp_path, clock=FastClock(SPEED), settings=settings) as stage:
        await stage.control("PATCH", "/accounts/runway", script=["SAFETY.INPUT.TEXT"])
        await create(stage, stage.base_url())

        await stage.until(lambda scraped: scraped.value("genmedia_tasks_orphaned", model="gen4.5") == 1)
        figures = await stage.until(lambda scraped: not scraped.total("genmedia_tasks"))

        finished = figures.by("genmedia_tasks_finished_total", "model", "outcome", "reason")
        assert finished == {("gen4.5", "failed", "moderation_input"): 1}
        assert figures.value("genmedia_tasks_orphaned", model="gen4.5") in {0, None}
        assert figures.by("genmedia_requests_total", "kind") == {("create",): 1}, "our own reads are not the client's"
        reads = [r["started_at"] for r in await stage.control("GET", "/requests") if r["own"] and r["kind"] == "poll"]
        assert len(reads) > 2
        gaps = [later - earlier for earlier, later in itertools.pairwise(reads)]
        assert min(gaps) >= FollowUp().interval


async def test_a_task_that_the_vendor_no_longer_knows_is_lost_and_stays_open_for_no_one(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"durations": {"pending": 1, "running": 3600}}
    async with staged(tmp_path, clock=FastClock(SPEED), settings=settings) as stage:
        await delete_unseen(stage, await create(stage, stage.base_url()))

        figures = await stage.until(lambda scraped: scraped.total("genmedia_tasks_finished_total") == 1)

        assert figures.by("genmedia_tasks_finished_total", "outcome", "reason") == {("lost", ""): 1}
        assert figures.total("genmedia_task_duration_seconds_count") == 0
        assert figures.total("genmedia_tasks") == 0


async def test_credits_spent_before_the_monitor_came_are_shown_as_the_vendor_tells_them(tmp_path: Path) -> None:
    """The usage read comes at the start and then every five minutes, which this clock makes 15 s."""
    async with staged(tmp_path, clock=FastClock(SPEED), settings={"durations": {"running": 1}}) as stage:
        await create(stage, stage.vendor)
        await create(stage, stage.vendor)

        figures = await stage.until(
            lambda scraped: scraped.value("genmedia_credits_spent_credits", model="gen4.5", window="today") == 120
        )

        for window in ("today", "30d"):
            assert figures.value("genmedia_credits_spent_credits", model="gen4.5", window=window) == 120
            assert figures.value("genmedia_spent_dollars", model="gen4.5", window=window) == 1.2
        assert figures.value("genmedia_tasks_created_total", model="gen4.5") is None
        used = await stage.until(
            lambda scraped: scraped.value("genmedia_limit_used", model="gen4.5", limit="daily_generations") == 2
        )
        assert used.value("genmedia_limit_used", model="gen4.5", limit="daily_generations_ledger") in {0, None}


async def test_figures_go_on_where_they_were_after_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await create(stage, stage.base_url())
        before = await stage.settled()
        assert before.total("genmedia_tasks_created_total") == 1

    async with staged(tmp_path) as stage:  # a new simulator: the task of the first is gone with it
        figures = await stage.until(lambda scraped: scraped.total("genmedia_tasks_created_total") == 1)
        assert figures.by("genmedia_requests_total", "kind") == {("create",): 1}
        assert figures.by("genmedia_tasks", "status") == {("pending",): 1}
