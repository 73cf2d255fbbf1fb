from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from demo.alerting import RULES, Alerting

DEADLINE_SECONDS = 30.0
TOLD = {
    "labels": {"alertname": "GenmediaRateLimited", "severity": "warning", "provider": "runway", "account": "demo"},
    "annotations": {"summary": "demo: runway refuses creates of gen4.5 with 429"},
}
SILENT = {"labels": {**TOLD["labels"], "alertname": "GenmediaLatencyRising"}, "annotations": {"summary": "slow"}}
OUTAGE = {"labels": {**TOLD["labels"], "alertname": "GenmediaVendorOverloaded", "severity": "critical"},
          "annotations": {"summary": "demo: runway is overloaded"}}  # fmt: skip
WATCHDOG = {"labels": {"alertname": "GenmediaWatchdog", "severity": "info"}, "annotations": {"summary": "works"}}


@pytest.fixture
def alerts(alertmanager_binary: str, tmp_path: Path) -> Iterator[Alerting]:
    """A real Alertmanager, started as the demo starts it."""
    running = Alerting(1, tmp_path)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(running.alertmanager(alertmanager_binary), stdout=log, stderr=log)
        yield running
        running.close()
        process.terminate()
        process.wait()


def until_told(alerts: Alerting, lines: int) -> list[str]:
    told: list[str] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(told) < lines:
        assert time.monotonic() < deadline, told
        told += alerts.news()
        time.sleep(0.1)
    return sorted(told)


def send(alerts: Alerting, *each: object) -> None:
    url = f"{alerts.url}/api/v2/alerts"
    with httpx.Client(transport=httpx.HTTPTransport(retries=10), trust_env=False) as client:
        client.post(url, json=each).raise_for_status()


def test_alerts_are_told_once_when_they_fire_and_once_when_they_end(alerts: Alerting) -> None:
    send(alerts, TOLD, WATCHDOG)
    line = "warning  GenmediaRateLimited: demo: runway refuses creates of gen4.5 with 429"
    assert until_told(alerts, 1) == [f"FIRING   {line}"]
    assert list(alerts.news()) == []
    send(alerts, {**TOLD, "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
    assert until_told(alerts, 1) == [f"resolved {line}"]


def test_what_another_alert_says_better_is_not_told(alerts: Alerting) -> None:
    send(alerts, OUTAGE, SILENT)
    assert until_told(alerts, 1) == ["FIRING   critical GenmediaVendorOverloaded: demo: runway is overloaded"]
    assert list(alerts.news()) == []


def test_what_is_silenced_is_not_called_resolved(alerts: Alerting) -> None:
    send(alerts, SILENT)
    assert until_told(alerts, 1) == ["FIRING   warning  GenmediaLatencyRising: slow"]
    send(alerts, OUTAGE)
    assert until_told(alerts, 2) == [
        "FIRING   critical GenmediaVendorOverloaded: demo: runway is overloaded",
        "silenced warning  GenmediaLatencyRising: slow",
    ]


def test_every_link_that_is_told_leads_somewhere(alerts: Alerting, prometheus_binary: str, tmp_path: Path) -> None:
    with (tmp_path / "prometheus-log").open("wb") as log:
        process = subprocess.Popen(alerts.prometheus(prometheus_binary), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not alerts.is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        told = [line.split() for line in alerts.addresses()]
        pages = {name: httpx.get(link, follow_redirects=True, trust_env=False) for name, link in told}
    finally:
        process.terminate()
        process.wait()
    assert pages.keys() == {"Prometheus", "Alertmanager"}
    assert [page.status_code for page in pages.values()] == [200, 200]
    assert not [name for name, page in pages.items() if "does not include a web" in page.text]


def test_no_link_is_told_where_nothing_answers(tmp_path: Path) -> None:
    assert Alerting(1, tmp_path).addresses() == []


def test_nothing_is_told_before_alertmanager_answers(tmp_path: Path) -> None:
    assert list(Alerting(1, tmp_path).news()) == []


def test_prometheus_evaluates_the_shipped_rules_and_scrapes_the_demo(promtool: str, tmp_path: Path) -> None:
    command = Alerting(10190, tmp_path).prometheus("prometheus")
    (config,) = (part.removeprefix("--config.file=") for part in command if part.startswith("--config.file="))
    checked = subprocess.run([promtool, "check", "config", config], capture_output=True, text=True, check=True)
    assert checked.stdout.count("rules found") == len(list(RULES.glob("*.yml")))
    document = yaml.safe_load(Path(config).read_text())
    (job,) = document["scrape_configs"]
    assert "genmedia_grafana_url" not in (tmp_path / "rules" / "limits.yml").read_text()
    runbooks = Path(document["global"]["external_labels"]["genmedia_runbooks_url"].removeprefix("file://"))
    assert (runbooks / "GenmediaRateLimited.md").exists()
    assert (job["job_name"], job["static_configs"]) == ("genmedia-monitor", [{"targets": ["127.0.0.1:10190"]}])
