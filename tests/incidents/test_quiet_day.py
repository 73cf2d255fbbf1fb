"""A day without an incident, by the shipped rules as they are: no alert fires.

The simulated vendor and the daemon live through 24 hours on a clock that moves a minute at a time, each when the daemon
has evaluated the last. What `/metrics` said in every minute goes to Prometheus's own rule tester.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path

import aiohttp
from alerts.pack import RULES, rules
from end_to_end.stage import PATIENCE_SECONDS, Figures, Labels, LocalStage, parse, staged
from incidents.machinery import OF_THE_MACHINE

from monitor.config import FollowUp
from monitor.runtime.clock import ManualClock

MINUTES = 24 * 60
BETWEEN_MINUTES = 10
MISHAPS = {300: "INTERNAL", 700: "SAFETY.INPUT.TEXT", 1100: "ASSET.INVALID"}
"""Minutes at which a task fails, as now and then one does."""
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}
SETTINGS = {"tier": 5, "durations": {"pending": 2, "running": 40}}
EVALUATED = re.compile(r"^genmedia_monitor_last_evaluation_timestamp_seconds (\S+)$", re.MULTILINE)
TARGET = (("instance", "monitor:10190"), ("job", "genmedia-monitor"))
FIRED = (
    "count by (alertname) (count_over_time("
    f'ALERTS{{alertstate="firing",alertname!~"{"|".join(sorted(OF_THE_MACHINE))}"}}[1d]))'
)


class SteppedClock(ManualClock):
    """Moves when told; the daemon's jobs run often meanwhile."""

    def real_seconds(self, seconds: float) -> float:
        return seconds / 200


class Recording:
    """What was scraped, minute after minute, of the series that the rules read."""

    def __init__(self) -> None:
        self._wanted = {name for rule in rules() for name in rule.reads}
        self._series: dict[tuple[str, Labels], list[str]] = {}
        self._minutes = 0

    def add(self, figures: Figures) -> None:
        """One scrape, a minute after the last."""
        kept = {key: value for key, value in figures.items() if key[0] in self._wanted}
        for (name, labels), value in {**kept, ("up", frozenset()): 1.0}.items():
            values = self._series.setdefault((name, labels), [])
            values += ["_"] * (self._minutes - len(values)) + [repr(value)]
        self._minutes += 1

    def input_series(self) -> list[dict[str, str]]:
        """The form that `promtool test rules` takes."""
        return [
            {"series": f"{name}{{{_labels(labels)}}}", "values": " ".join(values)}
            for (name, labels), values in self._series.items()
        ]


def _labels(labels: Labels) -> str:
    return ",".join(f"{name}={json.dumps(value)}" for name, value in sorted({*labels, *TARGET}))


async def live_through_the_day(stage: LocalStage, clock: SteppedClock, session: aiohttp.ClientSession) -> Recording:
    """A generation every ten minutes, polled a minute later."""
    headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}
    recording, tasks = Recording(), []
    for minute in range(MINUTES):
        if minute in MISHAPS:
            await stage.control("PATCH", "/accounts/runway", script=[MISHAPS[minute]])
        if minute % BETWEEN_MINUTES == 0:
            url = f"{stage.base_url()}/v1/text_to_video"
            async with session.post(url, json=VIDEO, headers=headers) as reply:
                tasks.append((await reply.json())["id"])
        elif minute % BETWEEN_MINUTES == 1:
            async with session.get(f"{stage.base_url()}/v1/tasks/{tasks[-1]}", headers=headers) as reply:
                assert (await reply.json())["status"] in {"SUCCEEDED", "FAILED"}
        clock.advance(60)
        recording.add(await evaluated(stage, clock.now()))
    return recording


async def evaluated(stage: LocalStage, now: float) -> Figures:
    """The first scrape that shows this time."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            text = (await stage.http.get(f"{stage.daemon.operator_url}/metrics")).text
            shown = EVALUATED.search(text)
            if shown and float(shown[1]) >= now:
                return parse(text)
            await asyncio.sleep(0.01)


async def test_on_a_quiet_day_no_alert_fires_but_the_watchdog(promtool: str, tmp_path: Path) -> None:
    clock = SteppedClock()
    patient = FollowUp(silence=3600, interval=3600)
    async with (
        staged(
            tmp_path, settings=SETTINGS, clock=clock, follow_up=patient, evaluate_interval=5, poll_interval=60
        ) as at,
        aiohttp.ClientSession() as session,
    ):
        recording = await live_through_the_day(at, clock, session)
    expected = [{"labels": '{alertname="GenmediaWatchdog"}', "value": 1}]
    asked = {"expr": FIRED, "eval_time": f"{MINUTES - 1}m", "exp_samples": expected}
    case = {"interval": "1m", "input_series": recording.input_series(), "promql_expr_test": [asked]}
    path = tmp_path / "quiet_day.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES / "*.yml")], "evaluation_interval": "1m", "tests": [case]}))
    tested = await asyncio.to_thread(
        subprocess.run, [promtool, "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, (tested.stdout + tested.stderr)[-3000:]
