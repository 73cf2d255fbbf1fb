"""Targets of Prometheus that carry labels of our names: `honor_labels` keeps ours, and without it an alert fires."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from aiohttp import web
from daemon.prometheus import JOB, Prometheus, serving

from alerts import pack
from monitor.metrics.families import FAMILIES

TARGET = {"account": "target", "provider": "target", "model": "target"}
SCRAPED = """\
genmedia_account_read_up{provider="runway",account="broken",read="usage"} 0
genmedia_account_read_up{provider="runway",account="healthy",read="usage"} 1
genmedia_limit{provider="runway",account="broken",model="gen4.5",limit="concurrency"} 2
genmedia_limit{provider="runway",account="broken",model="",limit="monthly_spend_credits"} 9
"""


def test_the_alert_looks_for_every_label_that_we_export() -> None:
    (rule,) = (rule for rule in pack.alerts() if rule.name == "GenmediaLabelsCollide")
    exported = {label for family in FAMILIES for label in family.labels}
    assert set(re.findall(r'"exported_(\w+)"', rule.body["expr"])) == exported


@asynccontextmanager
async def exporter() -> AsyncIterator[str]:
    """Answers as a daemon with two accounts would; `host:port`."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=SCRAPED)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def scraping_both(binary: str, folder: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus with the shipped alert, and one exporter in two jobs, of which one keeps the exporter's labels."""
    (rule,) = (rule for rule in pack.alerts() if rule.name == "GenmediaLabelsCollide")
    body: dict[str, Any] = {**rule.body, "for": "0s"}
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "monitor", "rules": [body]}]}))
    async with exporter() as target:
        jobs = [
            {
                "job_name": name,
                "honor_labels": honour,
                "static_configs": [{"targets": [target], "labels": TARGET}],
            }
            for name, honour in ((JOB, True), ("careless", False))
        ]
        document = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(folder / "rules.yml")],
            "scrape_configs": jobs,
        }
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(document))
        flags = (f"--storage.tsdb.path={folder / 'tsdb'}",)
        async with serving(binary, config, *flags) as url, httpx.AsyncClient() as http:
            yield Prometheus(url, config.with_suffix(".log"), http)


async def test_labels_of_the_target_replace_none_of_ours_where_they_are_honoured(
    prometheus_binary: str, tmp_path: Path
) -> None:
    async with scraping_both(prometheus_binary, tmp_path) as prometheus:
        firing = await prometheus.until('ALERTS{alertname="GenmediaLabelsCollide"}', bool)
        shown = await prometheus.until("max by (account) (genmedia_account_read_up)", lambda found: len(found) == 3)
        models = await prometheus.api("series", **{"match[]": f'genmedia_limit{{job="{JOB}"}}'})
        jobs = await prometheus.api("query", query='ALERTS{alertname="GenmediaLabelsCollide"}')
    assert len(firing) == 1
    assert [each["metric"]["job"] for each in jobs["result"]] == ["careless"]
    assert {dict(labels)["account"]: up for (_, labels), up in shown.items()} == {
        "broken": 0,
        "healthy": 1,
        "target": 1,
    }
    assert {each.get("model", "") for each in models} == {"gen4.5", ""}
