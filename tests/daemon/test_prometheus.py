"""A real Prometheus scrapes the daemon; what it answers is what `/metrics` says."""

from __future__ import annotations

import asyncio
import gzip
import math
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.process import ProcessStage, running, vendor_stage, write_config
from daemon.prometheus import Prometheus, scraping
from end_to_end.stage import PATIENCE_SECONDS, Figures
from prometheus_client.openmetrics.parser import text_string_to_metric_families

VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}
SETTINGS = {
    "tier": 3,
    "limits": {"gen4.5": {"concurrency": 2, "daily": 1000}},
    "durations": {"pending": 0.1, "running": 0.5},
}
NOBODY = "17f20503-6c24-4c16-946b-35dbbce2af2f"
ENDED = {"SUCCEEDED", "FAILED"}
ACCOUNT_SERIES = '{__name__=~"genmedia_.*"}'
REQUESTS = "genmedia_requests_total"
EVALUATED = "genmedia_monitor_last_evaluation_timestamp_seconds"
AGES = (
    "genmedia_account_read_age_seconds",
    "genmedia_daily_generations_next_free_seconds",
    "genmedia_limit_free_seconds",
    "genmedia_throttled_oldest_age_seconds",
    "genmedia_purchase_coverage_ratio",
)
# What Prometheus sends with a scrape (2.42, 2023-01).
SCRAPE = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "1",
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A daemon whose account is read once, so that all is still when the traffic is over."""
    async with vendor_stage(tmp_path, **SETTINGS) as stage:
        config = write_config(tmp_path, {"runway": stage.account("runway", poll_interval="1d")})
        async with running("--config", config, cwd=tmp_path) as stage.daemon:
            yield stage


@pytest.fixture
async def prometheus(prometheus_binary: str, stage: ProcessStage, tmp_path: Path) -> AsyncIterator[Prometheus]:
    async with scraping(prometheus_binary, stage.daemon.operator_url.removeprefix("http://"), tmp_path) as prometheus:
        yield prometheus


async def generate(stage: ProcessStage, tasks: int) -> None:
    """Some tasks from create to end, one of which fails, and two refusals."""
    await stage.control("PATCH", "/accounts/runway", script=["SAFETY.INPUT.TEXT"])
    replies = await asyncio.gather(*(stage.ask("/v1/text_to_video", method="POST", json=VIDEO) for _ in range(tasks)))
    await asyncio.gather(*(follow(stage, reply.json()["id"]) for reply in replies))
    assert (await stage.ask("/v1/text_to_video", method="POST", json={"model": "gen4.5"})).status_code == 400
    assert (await stage.ask(f"/v1/tasks/{NOBODY}", method="DELETE")).status_code == 404


async def follow(stage: ProcessStage, task: str) -> None:
    while (await stage.ask(f"/v1/tasks/{task}")).json()["status"] not in ENDED:
        await asyncio.sleep(0.2)


def comparable(figures: Figures) -> Figures:
    """The accounts' samples, less ages, which move by themselves, and less empty labels, which mean none."""
    kept = Figures()
    for (name, labels), value in figures.items():
        if name.startswith("genmedia_") and not name.startswith("genmedia_monitor_") and name not in AGES:
            kept[name, frozenset(label for label in labels if label[1])] = value
    return kept


async def test_its_queries_return_what_metrics_says(stage: ProcessStage, prometheus: Prometheus) -> None:
    await prometheus.until("up", lambda up: list(up.values()) == [1])
    for _ in range(2):
        await generate(stage, tasks=5)
        requests = (await stage.settled()).total("genmedia_requests_total")
        await prometheus.until(
            "genmedia_requests_total", lambda seen, all_=requests: seen.total("genmedia_requests_total") == all_
        )
    await stage.until(lambda figures: figures.total("genmedia_tasks_finished_total") == 10)

    scraped = await stage.scrape()
    truth, evaluated_at = comparable(scraped), scraped.total(EVALUATED)
    await prometheus.until(EVALUATED, lambda seen: seen.total(EVALUATED) >= evaluated_at)
    assert comparable(await prometheus.query(ACCOUNT_SERIES)) == truth
    assert truth.by("genmedia_tasks_finished_total", "outcome") == {("succeeded",): 8, ("failed",): 2}
    await check_usual_queries(prometheus)
    await check_scrapes(stage, prometheus)


async def check_usual_queries(prometheus: Prometheus) -> None:
    """Rates and quantiles have values, and the figures in between are real."""
    rates = await prometheus.query("rate(genmedia_requests_total[1m])")
    assert rates.total("", kind="create", outcome="success") > 0
    assert rates.total("", kind="poll", outcome="success") > 0
    errors = await prometheus.query(
        'sum by (account) (rate(genmedia_requests_total{outcome="invalid_request"}[1m]))'
        " / sum by (account) (rate(genmedia_requests_total[1m]))"
    )
    assert 0 < errors.total("", account="runway") < 1
    for name in ("genmedia_task_duration_seconds", "genmedia_request_duration_seconds"):
        (quantile,) = (
            await prometheus.query(f"histogram_quantile(0.95, sum by (le) (rate({name}_bucket[1m])))")
        ).values()
        assert 0 < quantile < math.inf


async def check_scrapes(stage: ProcessStage, prometheus: Prometheus) -> None:
    """Every sample was taken, and nothing complained about."""
    target = await prometheus.target()
    assert (target["health"], target["lastError"]) == ("up", "")
    (scraped,) = (await prometheus.query("scrape_samples_scraped")).values()
    assert scraped == len(await stage.scrape())
    assert prometheus.complaints == []


async def test_the_answer_to_its_scrapes_is_what_it_asks_for(stage: ProcessStage) -> None:
    await stage.ask("/v1/organization")
    await stage.settled()
    request = stage.http.build_request("GET", f"{stage.daemon.operator_url}/metrics", headers=SCRAPE)
    reply = await stage.http.send(request, stream=True)
    raw = b"".join([chunk async for chunk in reply.aiter_raw()])
    assert reply.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert reply.headers["Content-Encoding"] == "gzip"
    families = text_string_to_metric_families(gzip.decompress(raw).decode())
    requests = [sample.value for family in families for sample in family.samples if sample.name == REQUESTS]
    assert sum(requests) == 1


async def test_its_checker_finds_no_fault(stage: ProcessStage, promtool: str) -> None:
    await generate(stage, tasks=3)
    await stage.settled()
    text = (await stage.http.get(f"{stage.daemon.operator_url}/metrics")).content
    done = await asyncio.to_thread(
        subprocess.run, [promtool, "check", "metrics"], input=text, capture_output=True, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
