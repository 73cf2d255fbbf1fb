"""Prometheus and Alertmanager with the shipped rules, beside the demo where both are installed."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).parents[1]
RULES = ROOT / "alerts" / "rules"
RUNBOOKS = ROOT / "docs" / "runbooks"
INTERVAL = "5s"
# What Debian's package of Alertmanager (0.25) serves in place of its pages.
NO_PAGES = "does not include a web"
ALWAYS_FIRING = "GenmediaWatchdog"


def installed() -> tuple[str, str] | None:
    """The paths of Prometheus and Alertmanager, which Debian calls otherwise; None unless both are there."""
    prometheus = shutil.which("prometheus")
    alertmanager = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
    return (prometheus, alertmanager) if prometheus and alertmanager else None


def missing() -> str:
    """What is said where they are not installed."""
    documents = (yaml.safe_load(path.read_text()) for path in RULES.glob("*.yml"))
    shipped = sum("alert" in rule for each in documents for group in each["groups"] for rule in group["rules"])
    return (
        f"alerts       which of {shipped} fire is shown where Prometheus and Alertmanager are installed"
        " (Debian: apt-get install prometheus prometheus-alertmanager)"
    )


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Alerting:
    """Where the two listen, how they are started, and what has begun or ceased to fire since it was last asked."""

    def __init__(self, monitor_port: int, folder: Path) -> None:
        self._folder = folder
        self._monitor = f"127.0.0.1:{monitor_port}"
        self._prometheus, self._alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self._client = httpx.Client(base_url=f"http://{self._alertmanager}/api/v2", trust_env=False)
        self._firing: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where Alertmanager answers."""
        return f"http://{self._alertmanager}"

    def addresses(self) -> list[str]:
        """Where the user can look: of each program the first page that answers. Debian's lack the usual ones."""
        return [
            f"{name:<12} {link}"
            for name, address, paths in (
                ("Prometheus", self._prometheus, ("/alerts", "/classic/alerts", "/api/v1/alerts")),
                ("Alertmanager", self._alertmanager, ("/", "/api/v2/alerts")),
            )
            if (link := self._first_that_answers(address, paths))
        ]

    def _first_that_answers(self, address: str, paths: Sequence[str]) -> str | None:
        return next((link for path in paths if self._answers(link := f"http://{address}{path}")), None)

    def _answers(self, link: str) -> bool:
        try:
            reply = self._client.get(link, follow_redirects=True)
        except httpx.HTTPError:
            return False
        return reply.is_success and NO_PAGES not in reply.text

    def is_ready(self) -> bool:
        """Whether both take requests."""
        return all(self._answers(f"http://{address}/-/ready") for address in (self._prometheus, self._alertmanager))

    def alertmanager(self, binary: str) -> list[str]:
        """The command that starts Alertmanager as it is shipped; without secrets it tells nobody."""
        return [
            binary,
            f"--config.file={ROOT / 'alerts' / 'alertmanager.yml'}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address={self._alertmanager}",
            "--cluster.listen-address=",
        ]

    def prometheus(self, binary: str) -> list[str]:
        """The command that starts Prometheus with the containers' configuration, pointed at the demo."""
        config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
        config["global"] |= {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
        config["global"]["external_labels"]["genmedia_runbooks_url"] = RUNBOOKS.as_uri()
        config["rule_files"] = [str(self._rules() / "*.yml")]
        config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [self._alertmanager]}]}]
        config["scrape_configs"] = [
            {
                "job_name": "genmedia-monitor",
                "honor_labels": True,
                "static_configs": [{"targets": [self._monitor]}],
            },
        ]
        path = self._folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        return [
            binary,
            f"--config.file={path}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={self._prometheus}",
        ]

    def _rules(self) -> Path:
        """A folder with the shipped rules, without the links to boards: the demo has no Grafana."""
        folder = self._folder / "rules"
        folder.mkdir(exist_ok=True)
        for path in RULES.glob("*.yml"):
            document = yaml.safe_load(path.read_text())
            for rule in (rule for group in document["groups"] for rule in group["rules"]):
                rule.get("annotations", {}).pop("dashboard_url", None)
            (folder / path.name).write_text(yaml.safe_dump(document))
        return folder

    def news(self) -> Iterator[str]:
        """A line for each alert that has begun or ceased to fire since the last call, or that another now silences."""
        known = self._alerts()
        firing = {each["fingerprint"]: _line(each) for each in known if not each["status"]["inhibitedBy"]}
        for fingerprint in firing.keys() - self._firing.keys():
            yield f"FIRING   {firing[fingerprint]}"
        there = {each["fingerprint"] for each in known}
        for fingerprint in self._firing.keys() - firing.keys():
            yield f"{'silenced' if fingerprint in there else 'resolved'} {self._firing[fingerprint]}"
        self._firing = firing

    def _alerts(self) -> list[dict[str, Any]]:
        try:
            reply = self._client.get("/alerts").raise_for_status()
        except httpx.HTTPError:
            return []  # not ready yet; that it has ended, its program's check says
        return [each for each in reply.json() if each["labels"]["alertname"] != ALWAYS_FIRING]

    def close(self) -> None:
        """Ask no more."""
        self._client.close()


def _line(alert: dict[str, Any]) -> str:
    labels = alert["labels"]
    return f"{labels['severity']:<8} {labels['alertname']}: {alert['annotations']['summary']}"
