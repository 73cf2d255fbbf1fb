"""A plan comes true: the simulated vendor takes in and finishes the tasks when it says, to the second."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import msgspec
from end_to_end.stage import staged
from end_to_end.test_daily_limit import DAY, HOUR, Application, SteppedClock

from monitor.config import FollowUp
from monitor.planning.estimate import estimate
from monitor.planning.request import Request
from monitor.planning.standing import live
from monitor.views.replies import Reply

MODEL, LIMIT, RUN = "gen4.5", 4, 15
SETTINGS = {
    "tier": 2,
    "limits": {MODEL: {"concurrency": 1, "daily": LIMIT}},
    "durations": {"pending": 0, "running": RUN},
}


async def test_a_batch_at_a_full_limit_is_taken_in_and_done_when_the_plan_says(tmp_path: Path) -> None:
    clock = SteppedClock()
    quiet = FollowUp(silence=15, interval=15)
    async with (
        staged(tmp_path, settings=SETTINGS, clock=clock, follow_up=quiet, evaluate_interval=5, poll_interval=300) as at,
        aiohttp.ClientSession() as session,
    ):
        application = Application(at, clock, session)
        for _ in range(LIMIT):
            assert await application.create(MODEL) == 200
            await application.seen()
            await application.pass_by(HOUR)
        used = {"model": MODEL, "limit": "daily_generations"}
        await at.until(lambda figures: figures.value("genmedia_limit_used", **used) == LIMIT)
        await at.until(lambda figures: figures.total("genmedia_tasks_finished_total") == LIMIT)

        asked = await at.http.get(f"{at.daemon.operator_url}/api/v1/accounts")
        request = Request(count=LIMIT + 2, seconds=RUN)
        plan = estimate(request, live(msgspec.json.decode(asked.content, type=Reply), request), clock.now())
        assert (plan.model, plan.takes_seconds.least) == (MODEL, plan.takes_seconds.most)
        assert plan.takes_seconds.most == 2 * DAY - 3 * HOUR + RUN
        for group in plan.accepted:
            assert group.at.latest is not None
            assert group.count == 1
            clock.advance(group.at.latest.timestamp() - 1 - clock.now())
            assert await application.create(MODEL) == 429
            clock.advance(1)
            assert await application.create(MODEL) == 200
        task = (await at.control("GET", "/tasks"))[-1]["id"]
        headers = {"Authorization": f"Bearer {at.keys['runway']}", "X-Runway-Version": "2024-11-06"}
        assert plan.done.latest is not None
        for before, status in ((1, "RUNNING"), (0, "SUCCEEDED")):
            clock.advance(plan.done.latest.timestamp() - before - clock.now())
            told = await at.http.get(f"{at.base_url()}/v1/tasks/{task}", headers=headers)
            assert told.json()["status"] == status
