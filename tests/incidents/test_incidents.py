"""Ten incidents end to end, and accounts without any: who is told what, and how soon.

Everything is real but the vendor and the unit of time; `incidents.machinery` says how.
"""

from __future__ import annotations

import asyncio
import re

import pytest
import pytest_asyncio
import yaml
from incidents.application import Application
from incidents.machinery import MINUTE, OF_THE_MACHINE, ROOT, Machinery, Told, machinery
from incidents.scenes import ALONE, INCIDENTS, QUIET, SETTINGS, Incident, Scene

LINGER_MINUTES = 6
TOGETHER = "together"
DOWN = "GenmediaMonitorDown"
WATCHDOG = "GenmediaWatchdog"


async def set_up(machine: Machinery, incidents: list[Incident], prometheus: str, alertmanager: str) -> list[Scene]:
    """The vendors, the daemons, and what watches them."""
    for incident in incidents:
        await machine.vendor(incident.name, {**SETTINGS, **incident.settings})
    shared = {incident.name: incident.account for incident in incidents if incident.name not in ALONE}
    together = await machine.daemon(TOGETHER, machine.configure(TOGETHER, shared))
    for incident in incidents:
        if incident.name in ALONE:
            await machine.daemon(incident.name, machine.configure(incident.name, {incident.name: incident.account}))
    await machine.watch(prometheus, alertmanager)

    def scene(incident: Incident) -> Scene:
        def base_url() -> str:
            return f"{machine.daemons.get(incident.name, together).gateway_url}/{incident.name}"

        return Scene(incident, machine, Application(machine, base_url))

    return [scene(incident) for incident in incidents]


async def play(machine: Machinery, incidents: list[Incident], prometheus: str, alertmanager: str) -> list[Scene]:
    """All of them at once, and some time after."""
    scenes = await set_up(machine, incidents, prometheus, alertmanager)
    await asyncio.gather(*(scene.play() for scene in scenes))
    await machine.pass_by(LINGER_MINUTES * MINUTE)
    return scenes


def is_disturbed(machine: Machinery) -> bool:
    """Whether the machine was too busy: Prometheus could not scrape a daemon in time that was there all along."""
    together = machine.instance(TOGETHER)
    return any(told.alert == DOWN and told.labels.get("instance") == together for told in machine.pager.told)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scenes(
    prometheus_binary: str, alertmanager_binary: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Scene]:
    """Every scene when it is over, by name; what was disturbed is played once more."""
    for _ in range(2):
        async with machinery(tmp_path_factory.mktemp("incidents")) as machine:
            played = await play(machine, [*INCIDENTS, QUIET], prometheus_binary, alertmanager_binary)
        if not is_disturbed(machine):
            return {scene.incident.name: scene for scene in played}
    pytest.skip("the machine is too busy: Prometheus could not scrape the daemon in time")


each_incident = pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)


@each_incident
def test_an_incident_is_told_in_time_and_nothing_else_is(incident: Incident, scenes: dict[str, Scene]) -> None:
    scene = scenes[incident.name]
    told = {name: (each.at - scene.began_at) / MINUTE for name, each in scene.told("firing").items()}
    expected = incident.fires.keys()
    assert expected <= told.keys() - OF_THE_MACHINE <= expected | incident.may, str(scene)
    late = {name for name, minutes in told.items() if minutes > incident.fires.get(name, minutes)}
    assert late == set(), str(scene)


@each_incident
def test_the_end_of_an_incident_is_told(incident: Incident, scenes: dict[str, Scene]) -> None:
    scene = scenes[incident.name]
    # A message of an end also lists what was inhibited and ended with it.
    assert incident.ends <= scene.told("resolved").keys() <= scene.told("firing").keys() | incident.may, str(scene)


@each_incident
def test_an_alert_goes_where_its_severity_says_with_its_links(incident: Incident, scenes: dict[str, Scene]) -> None:
    for told in scenes[incident.name].told("firing").values():
        assert told.receiver == told.labels["severity"]
        assert told.annotations["dashboard_url"].startswith("http://127.0.0.1:3000/d/genmedia-")
        assert told.annotations["runbook_url"].endswith(f"/docs/runbooks/{told.alert}.md")
        assert not [label for label in told.labels if label.endswith("_url")]
        if account := told.labels.get("account"):
            assert f"var-account={account}" in told.annotations["dashboard_url"]


def test_of_an_account_without_an_incident_nothing_is_told(scenes: dict[str, Scene]) -> None:
    scene = scenes[QUIET.name]
    assert scene.application.replies.keys() == {200}
    assert sum(scene.application.replies.values()) > QUIET.lasts / 2
    assert scene.told("firing") == scene.told("resolved") == {}, str(scene)


def test_besides_the_watchdog_nothing_is_told_that_is_nobodys(scenes: dict[str, Scene]) -> None:
    told = scenes[QUIET.name].machinery.pager.told
    others = {each for each in told if not any(belongs(each, scene) for scene in scenes.values())}
    assert {(each.alert, each.receiver) for each in others if each.alert not in OF_THE_MACHINE} == {
        (WATCHDOG, "dead-man")
    }


def belongs(told: Told, scene: Scene) -> bool:
    return scene.incident.owns(told.labels, scene.machinery)


def test_no_alert_is_expected_that_is_not_shipped() -> None:
    documents = [yaml.safe_load(path.read_text()) for path in (ROOT / "alerts" / "rules").glob("*.yml")]
    shipped = {rule.get("alert") for each in documents for group in each["groups"] for rule in group["rules"]}
    expected = {name for incident in INCIDENTS for name in (*incident.fires, *incident.may, *incident.ends)}
    assert expected <= shipped


def test_the_document_lists_every_incident_with_its_times() -> None:
    told = {
        incident.name: "; ".join(f"`{name}` {time} min" for name, time in incident.fires.items())
        for incident in INCIDENTS
    }
    rows = re.findall(
        r"^\| ([\w-]+) \| (`.*) \|$", (ROOT / "docs" / "how-to" / "alerting.md").read_text(), re.MULTILINE
    )
    assert dict(rows) == told
