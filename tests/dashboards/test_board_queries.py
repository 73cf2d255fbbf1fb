"""Every query of every panel, run on a real Prometheus that scrapes the daemon beside the simulated vendor."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from alerts.promql import metrics
from daemon.process import ProcessStage, running, vendor_stage, write_config
from daemon.prometheus import Prometheus, scraping
from dashboards.shelf import ROOT, Panel, Query, boards, filled, panels, queries

from alerts import pack

EXPOSITION = ROOT / "tests" / "metrics" / "exposition.txt"
WATCHED, RECORDED = "runway", "production|runware"
SETTINGS = {
    "tier": 3,
    "limits": {"gen4.5": {"concurrency": 1, "daily": 1000}, "act_two": {"concurrency": 1, "daily": 1}},
    "durations": {"pending": 0.3, "running": 0.7},
}
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}
URI = "https://example.com/x.mp4"
IMAGE = {"model": "gen4_image", "promptText": "a", "ratio": "1920:1080"}
ACT = {"model": "act_two", "character": {"type": "video", "uri": URI}, "reference": {"type": "video", "uri": URI}}
ENDED = {"SUCCEEDED", "FAILED"}

# What takes longer than a test to know, and how long: the recorded exposition has it.
LATER = {
    "genmedia_limit_exhaustion_seconds": "30 minutes",
    "genmedia_credit_runway_seconds": "10 minutes",
    "genmedia_unseen_generations_ratio": "24 hours",
    "genmedia_forecast_precision_ratio": "a limit hit",
    "genmedia_forecast_recall_ratio": "a limit hit",
    "genmedia_recommended_tier": "7 days",
    "genmedia_capacity_state": "a vendor without limits",
    "genmedia_recommended_concurrency": "a vendor without limits",
    "genmedia_unknown_values_total": "a vendor that changes its API",
}
# Begins with the first failure of the database.
AT_FAILURE = {"genmedia_monitor_store_errors_total"}
TASKS = 6
CREDITS = 100_000
SECONDS_OF_RULES = 3
GRADES = {"ok", "soft", "hard", "none"}


@dataclass
class Scene:
    """A Prometheus that has watched from `start` to `end`, Unix seconds."""

    prometheus: Prometheus
    account: str
    start: int
    end: int

    def filled(self, expr: str) -> str:
        return filled(expr, 1, self.end - self.start, self.account)

    async def accepts(self, expr: str) -> bool:
        """Whether it is PromQL."""
        return isinstance(await self.prometheus.query(self.filled(expr)), dict)

    async def values(self, query: str, regex: str) -> list[str]:
        """The values of a variable."""
        if found := re.fullmatch(r"query_result\((.*)\)", query):
            rows = (await self.prometheus.api("query", query=self.filled(found[1])))["result"]
            series = [
                "{" + ",".join(f'{name}="{value}"' for name, value in row["metric"].items()) + "}" for row in rows
            ]
            return [value for each in series for value in re.findall(regex.strip("/"), each)]
        ((selector, label),) = re.findall(r"^label_values\((.*), (\w+)\)$", query)
        return list(await self.prometheus.api(f"label/{label}/values", **{"match[]": self.filled(selector)}))

    async def labels(self, query: Query) -> set[str]:
        """The labels of what it answers."""
        rows = (await self.prometheus.api("query", query=self.filled(query.expr), time=str(self.end)))["result"]
        return {label for row in rows for label in row["metric"]}

    async def answers(self, query: Query) -> int:
        """How many series with a figure it answers to a panel's query."""
        expr = self.filled(query.expr)
        if query.is_instant:
            rows = (await self.prometheus.api("query", query=expr, time=str(self.end)))["result"]
            return sum(is_figure(row["value"][1]) for row in rows)
        times = {"start": str(self.start), "end": str(self.end), "step": "1"}
        rows = (await self.prometheus.api("query_range", query=expr, **times))["result"]
        return sum(any(is_figure(value) for _, value in row["values"]) for row in rows)


def is_figure(value: str) -> bool:
    return math.isfinite(float(value))


async def follow(stage: ProcessStage, body: dict[str, Any], path: str = "/v1/text_to_video") -> None:
    """Ask for a generation, and poll it to its end."""
    task = (await stage.ask(path, method="POST", json=body)).json()["id"]
    while (await stage.ask(f"/v1/tasks/{task}")).json()["status"] not in ENDED:
        await asyncio.sleep(0.2)


async def spend(stage: ProcessStage) -> None:
    """A generation before the daemon starts, which reads the usage at once and then seldom."""
    headers = {"Authorization": f"Bearer {stage.keys[WATCHED]}", "X-Runway-Version": "2024-11-06"}
    (await stage.http.post(f"{stage.vendor}/v1/text_to_image", headers=headers, json=IMAGE)).raise_for_status()
    while (await stage.control("GET", f"/accounts/{WATCHED}"))["credits"] == CREDITS:
        await asyncio.sleep(0.2)


async def act(stage: ProcessStage) -> None:
    """What an application goes through: waiting, failure, an overloaded vendor, refusals, a retry, no such account."""
    await stage.control("PATCH", f"/accounts/{WATCHED}", script=["-", "SAFETY.INPUT.TEXT"])
    await asyncio.gather(*(follow(stage, VIDEO) for _ in range(3)))
    await stage.control("POST", "/faults", fault="status", status=503, path="/v1/text_to_image", count=1)
    await stage.ask("/v1/text_to_image", method="POST", json=IMAGE)
    for _ in range(2):
        await stage.ask("/v1/character_performance", method="POST", json=ACT)
    await stage.ask("/v1/text_to_video", method="POST", json={"model": "gen4.5"})
    headers = {"Authorization": f"Bearer {stage.keys[WATCHED]}", "X-Stainless-Retry-Count": "1"}
    await stage.http.post(f"{stage.base_url(WATCHED)}/v1/text_to_video", headers=headers, json=VIDEO)
    await stage.http.get(f"{stage.base_url('nobody')}/v1/organization")


@asynccontextmanager
async def recorded() -> AsyncIterator[str]:
    """Where the exposition answers that the tests of the metrics hold every family against."""

    async def expose(_: web.Request) -> web.Response:
        return web.Response(text=EXPOSITION.read_text())

    app = web.Application()
    app.router.add_get("/metrics", expose)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


async def played(stage: ProcessStage, prometheus: Prometheus) -> Scene:
    """The scene once the play is over and Prometheus has seen its end."""
    start = int(time.time())
    await prometheus.until("up", lambda up: list(up.values()) == [1])
    for _ in range(2):
        await act(stage)
    finished = "genmedia_tasks_finished_total"
    truth = (await stage.until(lambda figures: figures.total(finished) >= TASKS)).total(finished)
    await prometheus.until(finished, lambda seen: seen.total(finished) == truth)
    await prometheus.until("genmedia:outcomes:sum", lambda seen: seen.total("genmedia:outcomes:sum") > 0)
    await asyncio.sleep(SECONDS_OF_RULES)
    return Scene(prometheus, WATCHED, start, int(time.time()))


@asynccontextmanager
async def watched(prometheus_binary: str, folder: Path) -> AsyncIterator[Scene]:
    """A scene of the daemon and the simulated vendor."""
    async with vendor_stage(folder, credits=CREDITS, **SETTINGS) as stage:
        await spend(stage)
        limits = {"tier": 3, "autobilling": {"threshold": 1000, "amount": 5000}}
        config = write_config(folder, {WATCHED: stage.account(WATCHED, limits=limits)})
        async with running("--config", config, cwd=folder) as stage.daemon:
            target = stage.daemon.operator_url.removeprefix("http://")
            async with scraping(prometheus_binary, target, folder, pack.rule_files()) as prometheus:
                yield await played(stage, prometheus)


async def unanswered(scene: Scene, wanted: Iterable[Query]) -> list[str]:
    return [str(query) for query in wanted if not await scene.answers(query)]


async def test_every_panel_has_data(prometheus_binary: str, tmp_path: Path) -> None:
    """What is known after some seconds; one of the queries that grade a figure; annotations and variables too."""
    async with watched(prometheus_binary, tmp_path) as scene:
        at_once = [query for query in queries() if not is_grade(query) and not reads_later(query)]
        at_once = [query for query in at_once if not metrics(query.promql) & AT_FAILURE]
        assert await unanswered(scene, at_once) == []
        assert [str(panel) for panel in panels() if not await grades_once(scene, panel)] == []
        everything = [
            str(panel)
            for panel in panels()
            if not all(map(reads_later, panel.queries))
            and len(await unanswered(scene, panel.queries)) == len(panel.queries)
        ]
        assert everything == []
        await check_columns(scene)
        await check_annotations_and_variables(scene)
        assert scene.prometheus.complaints == []


def is_grade(query: Query) -> bool:
    return query.body["refId"] in GRADES


def reads_later(query: Query) -> bool:
    return not is_grade(query) and bool(metrics(query.promql) & set(LATER)) and " or " not in query.promql


async def grades_once(scene: Scene, panel: Panel) -> bool:
    grades = [query for query in panel.queries if is_grade(query)]
    return not grades or sum([bool(await scene.answers(query)) for query in grades]) == 1


async def check_columns(scene: Scene) -> None:
    """A table has a column for every label that its queries answer."""
    for panel in panels():
        if panel.type == "table":
            columns = set(panel.body["transformations"][1]["options"]["renameByName"])
            for query in panel.queries:
                assert await scene.labels(query) <= columns, query


async def check_annotations_and_variables(scene: Scene) -> None:
    for board in boards().values():
        for mark in board["annotations"]["list"]:
            assert await scene.accepts(mark["expr"])
        for variable in board["templating"]["list"][1:]:
            assert await scene.values(variable["query"]["query"], variable.get("regex", "")), variable["name"]


async def test_what_takes_longer_to_know_has_a_panel_that_shows_it(prometheus_binary: str, tmp_path: Path) -> None:
    later = [query for query in queries() if reads_later(query)]
    assert set(LATER) <= set().union(*(metrics(query.promql) for query in later))
    async with recorded() as target, scraping(prometheus_binary, target, tmp_path, pack.rule_files()) as prometheus:
        start = int(time.time())
        await prometheus.until("up", lambda up: list(up.values()) == [1])
        await asyncio.sleep(SECONDS_OF_RULES)
        assert await unanswered(Scene(prometheus, RECORDED, start, int(time.time())), later) == []
