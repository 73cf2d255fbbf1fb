"""The command's figures beside what the same daemon exports to Prometheus, with a simulated vendor and the real SDK."""

import asyncio
import json
from pathlib import Path

import pytest
import runwayml
from end_to_end.stage import staged
from runwayml import AsyncRunwayML
from status.terminal import call, terminal

SETTINGS = {
    "tier": 3,
    "limits": {"gen4_turbo": {"concurrency": 1, "daily": 5}},
    "durations": {"pending": 0, "running": 600},
}
URI = "https://example.com/x.png"


async def test_the_figures_are_those_of_the_metrics(tmp_path: Path) -> None:
    async with staged(tmp_path, accounts=("one", "two"), settings=SETTINGS, poll_interval=0.5) as stage:
        async with AsyncRunwayML(api_key=stage.keys["one"], base_url=stage.base_url("one"), max_retries=1) as sdk:
            tasks = [
                await sdk.image_to_video.create(model="gen4_turbo", prompt_image=URI, ratio="1280:720", duration=5)
                for _ in range(5)
            ]
            with pytest.raises(runwayml.RateLimitError):
                await sdk.image_to_video.create(model="gen4_turbo", prompt_image=URI, ratio="1280:720", duration=5)
            await asyncio.gather(*(sdk.tasks.retrieve(task.id) for task in tasks))
        scraped = await stage.until(
            lambda figures: (
                figures.value("genmedia_tasks", account="one", model="gen4_turbo", status="throttled") == 4
                and figures.value("genmedia_limit_used", account="one", model="gen4_turbo", limit="daily_generations")
                == 5
            )
        )
        status, output, errors = await call("--url", stage.daemon.operator_url, "--json")
        assert (status, errors) == (0, "")
        one, two = json.loads(output)["accounts"]
        assert one["balance_credits"] == scraped.value("genmedia_credit_balance_credits", account="one")
        assert two["models"] == []
        (model,) = one["models"]
        assert (model["model"], model["running"], model["throttled"], model["accepted_24h"]) == ("gen4_turbo", 1, 4, 5)
        ratios = {limit["limit"]: limit["saturation_ratio"] for limit in model["limits"]}
        for limit in ("concurrency", "daily_generations"):
            exported = scraped.value("genmedia_saturation_ratio", account="one", model="gen4_turbo", limit=limit)
            assert ratios[limit] == exported == 1
        create = one["requests"][0]
        assert (create["kind"], create["total"], create["failed"]) == ("create", 7, 2)
        assert create["outcomes"] == {"success": 5, "rate_limited": 2}
        assert one["retries"] == 1
        assert any("daily generations at 100 %: 5 of 5" in warning for warning in one["warnings"])

        async with terminal("--url", stage.daemon.operator_url, "--account", "one", "--interval", "200ms") as live:
            await live.until(lambda screen: "5 of 5" in screen and "last " in screen)
            screen = await live.until(lambda screen: "more models are not in use" in screen)
            assert "rate limited 2" in screen
            live.type(b"\x03")
            assert await live.end() == 0
