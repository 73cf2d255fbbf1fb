"""Limits of every kind, tiers that change, tables that are wrong, traffic that goes its own way: each shown rightly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from end_to_end.stage import Figures, Stage, staged
from structlog.testing import capture_logs

from monitor.config import FollowUp
from monitor.judgement.daily_limit import rows as forecast_rows
from monitor.judgement.daily_limit.ledger import Span
from monitor.judgement.tiers import rows as peak_rows
from monitor.judgement.tiers.peaks import PeakDay, day_of
from monitor.runtime.clock import ManualClock
from monitor.store import Database

DAY = 86400.0
LIMITED = ("genmedia_limit", "genmedia_limit_used", "genmedia_saturation_ratio")
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"
MISMATCHES = "genmedia_tier_table_mismatches"
VIDEO = {"promptText": "a", "ratio": "1280:720", "duration": 5}
QUIET = FollowUp(silence=3600, interval=3600)
OPEN = {"pending": 0, "running": 3600}


class SteppedClock(ManualClock):
    """Moves when told; the daemon's jobs run often meanwhile."""

    def real_seconds(self, seconds: float) -> float:
        return seconds / 50


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What the daemon logs, as the events' fields."""
    with capture_logs() as lines:
        yield lines


async def create(stage: Stage, model: str, *, origin: str = "") -> int:
    """The status of a create, through the gateway unless another origin is given."""
    headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}
    if model == "gen4_turbo":
        path, body = "/v1/image_to_video", {**VIDEO, "model": model, "promptImage": "https://example.com/a.png"}
    else:
        path, body = "/v1/text_to_video", {**VIDEO, "model": model}
    reply = await stage.http.post((origin or stage.base_url()) + path, json=body, headers=headers)
    return reply.status_code


async def poll(stage: Stage, task: str) -> int:
    """The status of a poll through the gateway."""
    headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}
    return (await stage.http.get(f"{stage.base_url()}/v1/tasks/{task}", headers=headers)).status_code


async def pass_by(stage: Stage, clock: SteppedClock, seconds: float) -> Figures:
    """Let time pass; the figures of an evaluation, and of an account read, that came after."""
    clock.advance(seconds)
    read = {"read": "organization", "outcome": "success"}
    reads = (await stage.scrape()).total("genmedia_account_reads_total", **read)
    await stage.until(lambda figures: figures.total("genmedia_account_reads_total", **read) > reads + 1)
    clock.advance(1)
    return await stage.until(lambda figures: figures.total(EVALUATED) >= clock.now())


def limits_of(figures: Figures, model: str) -> dict[tuple[str, str], float]:
    """The value of each series of the model's limits, by the end of its name and the limit."""
    return {
        (name.removeprefix("genmedia_"), dict(labels)["limit"]): value
        for name in LIMITED
        for labels, value in figures.select(name, model=model).items()
    }


async def advice(stage: Stage) -> Any:
    reply = await stage.http.get(f"{stage.daemon.operator_url}/api/v1/accounts/runway/advice")
    return reply.json()


async def test_null_zero_unused_and_unknown_limits_are_shown_as_what_they_are(tmp_path: Path) -> None:
    limits = {
        "gen4.5": {"concurrency": None, "daily": None},
        "gen4_turbo": {"concurrency": 0, "daily": 0},
        "gen9_brand_new": {"concurrency": 4, "daily": 40},
    }
    async with staged(tmp_path, settings={"tier": 3, "limits": limits, "durations": OPEN}) as stage:
        assert await create(stage, "gen4.5") == 200
        assert await create(stage, "gen4_turbo") == 429
        await stage.settled()
        figures = await stage.until(lambda figures: figures.value("genmedia_tier", source="inferred") == 3)
        unlimited = limits_of(figures, "gen4.5")
        assert {name for name, _ in unlimited} == {"limit_used"}
        assert unlimited["limit_used", "daily_generations"] in {0, 1}, "as of the newest read"
        assert limits_of(figures, "gen4_turbo") == {
            (name, limit): value
            for limit in ("concurrency", "daily_generations")
            for name, value in (("limit", 0), ("limit_used", 0), ("saturation_ratio", 1))
        }
        assert limits_of(figures, "gen9_brand_new") == {
            ("limit", "concurrency"): 4,
            ("limit_used", "concurrency"): 0,
            ("saturation_ratio", "concurrency"): 0,
            ("limit", "daily_generations"): 40,
            ("limit_used", "daily_generations"): 0,
            ("saturation_ratio", "daily_generations"): 0,
        }
        # A model that is in the limits and not in the usage has made none.
        assert figures.value("genmedia_limit", model="veo3.1", limit="daily_generations") == 1000
        assert figures.value("genmedia_limit_used", model="veo3.1", limit="daily_generations") == 0
        tier = (await advice(stage))["tier"]
    named = {(one["model"], one["limit"]): (one["live"], one["table"]) for one in tier["mismatches"]}
    assert named == {
        ("gen4.5", "concurrency"): (None, [5]),
        ("gen4.5", "daily_generations"): (None, [1000]),
        ("gen4_turbo", "concurrency"): (0, [5]),
        ("gen4_turbo", "daily_generations"): (0, [1000]),
        ("gen9_brand_new", "concurrency"): (4, [5]),
        ("gen9_brand_new", "daily_generations"): (40, [1000, 2000]),
    }
    assert figures.value(MISMATCHES) == len(named)


async def test_an_account_that_may_generate_nothing_is_full_and_of_no_tier(tmp_path: Path) -> None:
    """All limits of 0 is what an account has before its first purchase."""
    async with staged(tmp_path, settings={"tier": 1}) as stage:
        models = (await stage.until(lambda figures: bool(figures.select("genmedia_limit")))).by(
            "genmedia_limit", "model", limit="concurrency"
        )
        nothing = {model: {"concurrency": 0, "daily": 0} for (model,) in models}
        await stage.control("PATCH", "/accounts/runway", limits=nothing)
        figures = await stage.until(lambda figures: not figures.by("genmedia_limit", "model", limit="concurrency"))
        assert set(figures.select("genmedia_saturation_ratio", limit="concurrency").values()) == {1}
        assert figures.value("genmedia_tier", source="inferred") is None
        assert (figures.value(MISMATCHES) or 0) > len(models)


async def test_a_tier_that_changes_while_running_is_shown_and_logged_once(tmp_path: Path, logged: list[Any]) -> None:
    async with staged(tmp_path, settings={"tier": 2}) as stage:
        await stage.until(lambda figures: figures.value("genmedia_tier", source="inferred") == 2)
        await stage.control("PATCH", "/accounts/runway", tier=4)
        figures = await stage.until(lambda figures: figures.value("genmedia_tier", source="inferred") == 4)
        assert figures.value("genmedia_limit", model="gen4.5", limit="concurrency") == 10
        assert figures.value("genmedia_limit", model="", limit="monthly_spend_credits") == 2_000_000
        assert figures.value(MISMATCHES) == 0
        await asyncio.sleep(0.5)  # two more evaluations change nothing
    told = [line for line in logged if line["event"].startswith("tier.")]
    assert [(line["event"], line["before"], line["tier"]) for line in told] == [
        ("tier.changed", None, 2),
        ("tier.changed", 2, 4),
    ]


async def test_a_table_that_disagrees_is_counted_logged_once_and_overruled(tmp_path: Path, logged: list[Any]) -> None:
    async with staged(tmp_path, settings={"tier": 3}) as stage:
        await stage.until(lambda figures: figures.value(MISMATCHES) == 0)
        await stage.control("PATCH", "/accounts/runway", limits={"gen4.5": {"concurrency": 7, "daily": 1000}})
        figures = await stage.until(lambda figures: figures.value(MISMATCHES) == 1)
        assert figures.value("genmedia_limit", model="gen4.5", limit="concurrency") == 7
        assert figures.value("genmedia_tier", source="inferred") == 3
        await stage.control("PATCH", "/accounts/runway", limits={})
        await stage.until(lambda figures: figures.value(MISMATCHES) == 0)
    told = [line for line in logged if line["event"].startswith("tier.table")]
    assert [(line["event"], line.get("limits")) for line in told] == [
        ("tier.table_disagrees", ["gen4.5 concurrency: live 7, table 5"]),
        ("tier.table_agrees", None),
    ]


async def test_traffic_that_goes_its_own_way_is_told_by_model(tmp_path: Path) -> None:
    clock = SteppedClock()
    watched(tmp_path, Span(clock.now() - DAY, clock.now()))
    settings = {"tier": 4, "durations": OPEN}
    async with staged(tmp_path, settings=settings, clock=clock, follow_up=QUIET, evaluate_interval=5) as stage:
        for _ in range(20):
            assert await create(stage, "gen4.5") == 200
        for _ in range(10):
            assert await create(stage, "gen4.5", origin=stage.vendor) == 200
            assert await create(stage, "gen4_turbo", origin=stage.vendor) == 200
        await stage.until(lambda figures: figures.total("genmedia_tasks_created_total") == 20)
        for _ in range(5):
            figures = await pass_by(stage, clock, 90)
        unseen = {bound: share(figures, "gen4.5", bound) for bound in ("low", "expected", "high")}
        assert unseen["expected"] == pytest.approx(1 / 3, abs=0.01)
        assert 0.1 < unseen["low"] < 0.3
        assert 0.4 < unseen["high"] < 0.6
        assert (share(figures, "gen4_turbo", "expected"), share(figures, "gen4_turbo", "high")) == (1, 1)
        assert share(figures, "gen4_turbo", "low") > 0.7
        assert figures.by("genmedia_ledger_drift_generations", "model") == {("gen4.5",): 10, ("gen4_turbo",): 10}
        page = (await stage.http.get(stage.daemon.operator_url)).text
        assert "Unseen generations" in page


def share(figures: Figures, model: str, bound: str) -> float:
    found = figures.value("genmedia_unseen_generations_ratio", model=model, bound=bound)
    assert found is not None
    return found


def watched(folder: Path, *spans: Span) -> None:
    """A store as it is after these spans."""
    database = Database.open(f"sqlite:///{folder / 'monitor.db'}")
    with database.begin(write=True) as connection:
        forecast_rows.save_watched(connection, {"runway": spans})
    database.close()


async def test_a_month_of_peaks_becomes_advice_that_outlives_a_restart(tmp_path: Path) -> None:
    clock = SteppedClock()
    days = {day_of(clock.now() - back * DAY): PeakDay(watched_seconds=DAY) for back in range(1, 30)}
    database = Database.open(f"sqlite:///{tmp_path / 'monitor.db'}")
    with database.begin(write=True) as connection:
        peak_rows.save(connection, "runway", days, ())
    database.close()
    limits = {"gen4_turbo": {"concurrency": 1, "daily": 0}}
    settings = {"tier": 1, "durations": OPEN, "limits": limits}
    async with staged(tmp_path, settings=settings, clock=clock, follow_up=QUIET, evaluate_interval=5) as stage:
        await stage.until(lambda figures: figures.value("genmedia_recommended_tier", window="30d") == 1)
        for _ in range(4):
            assert await create(stage, "gen4.5") == 200  # one runs, three are throttled
        assert await create(stage, "gen4_turbo") == 429
        for task in await stage.control("GET", "/tasks"):
            assert await poll(stage, task["id"]) == 200
        await stage.settled()
        for evaluated in (pass_by, restarted):
            await evaluated(stage, clock, 60)
            await stage.until(recommends_tier_3)  # once usage is read too
            told = (await advice(stage))["advice"]["windows"][0]
            assert (told["verdict"], told["tier"], told["purchased_dollars"]) == ("advised", 3, 100)
            assert told["models"] == [
                {
                    "model": "gen4.5",
                    "generations": 4,
                    "concurrency": 4,
                    "generations_tier": 1,
                    "concurrency_tier": 3,
                },
                {
                    "model": "gen4_turbo",
                    "generations": 1,
                    "concurrency": 0,
                    "generations_tier": 2,
                    "concurrency_tier": 1,
                },
            ]


def recommends_tier_3(figures: Figures) -> bool:
    return all(figures.value("genmedia_recommended_tier", window=window) == 3 for window in ("7d", "30d"))


async def restarted(stage: Any, clock: SteppedClock, seconds: float) -> Figures:
    await stage.restart()
    return await pass_by(stage, clock, seconds)
