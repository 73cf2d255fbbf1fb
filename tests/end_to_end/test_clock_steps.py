"""A clock that steps by weeks: the gateway answers, figures go on, and a task ends as it truly did."""

from __future__ import annotations

from pathlib import Path

import pytest
from end_to_end.stage import staged
from end_to_end.stepped import SteppedClock

from monitor.config import FollowUp

DAY = 86400.0
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"
VIDEO = {"model": "gen4.5", "promptText": "a fox", "ratio": "1280:720", "duration": 5}


@pytest.mark.parametrize("days", [40, 366, -1 / 24])
async def test_traffic_and_figures_go_on_through_a_step_and_no_task_is_lost(tmp_path: Path, days: float) -> None:
    clock = SteppedClock()
    async with staged(tmp_path, clock=clock, follow_up=FollowUp(silence=15)) as at:
        headers = {"Authorization": f"Bearer {at.keys['runway']}", "X-Runway-Version": "2024-11-06"}
        created = await at.http.post(f"{at.base_url()}/v1/text_to_video", json=VIDEO, headers=headers)
        assert created.status_code == 200
        await at.until(lambda figures: figures.total("genmedia_tasks_created_total") == 1)
        clock.step(days * DAY)
        answer = await at.http.get(f"{at.base_url()}/v1/organization", headers=headers)
        assert answer.status_code == 200
        await at.until(lambda figures: figures.total(EVALUATED) >= clock.now())
        clock.advance(7200)  # a clock that went back is past the task's birth again
        figures = await at.until(lambda figures: figures.total("genmedia_tasks_finished_total") == 1)
        assert figures.by("genmedia_tasks_finished_total", "outcome")[("succeeded",)] == 1
        assert (await at.http.get(f"{at.daemon.operator_url}/-/ready")).status_code == 200
