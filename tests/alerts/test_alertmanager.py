"""The shipped Alertmanager configuration: it loads, routes as promised, and what it delivers reads well."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from alerts.receivers import inbox, mailbox
from daemon.prometheus import serving
from end_to_end.stage import PATIENCE_SECONDS

from alerts import pack

ALERTS = Path(__file__).parent.parent.parent / "alerts"
SHIPPED = ALERTS / "alertmanager.yml"
DOCUMENTATION = ALERTS.parent / "docs" / "how-to" / "alerting.md"
SECRETS = "/etc/alertmanager/secrets/"
BOARD = "http://127.0.0.1:3000/d/genmedia-limits?var-provider=runway&var-account=production&var-model=gen4.5"
RUNBOOK = "https://example.com/docs/runbooks/GenmediaDailyLimitExhausted.md"
EXHAUSTED: dict[str, Any] = {
    "labels": {
        "alertname": "GenmediaDailyLimitExhausted",
        "severity": "critical",
        "group": "limits",
        "provider": "runway",
        "account": "production",
        "model": "gen4.5",
    },
    "annotations": {
        "summary": "production: gen4.5 has used up its daily limit",
        "description": "Creates answer 429 & fail. The next slot frees in <40 min. Next step: see the runbook.",
        "dashboard_url": BOARD,
        "runbook_url": RUNBOOK,
    },
}

ALL = ("pagerduty-routing-key", "slack-url", "dead-man-url")


def alert(summary: str = "", description: str = "", startsAt: str = "", **labels: str) -> dict[str, Any]:  # noqa: N803
    """The alert above with other labels and words; an empty label is none."""
    kept = {name: value for name, value in {**EXHAUSTED["labels"], **labels}.items() if value}
    words = {name: text for name, text in (("summary", summary), ("description", description)) if text}
    began = {"startsAt": startsAt} if startsAt else {}
    return {"labels": kept, "annotations": {**EXHAUSTED["annotations"], **words}, **began}


# Labels, and the receiver they go to.
ROUTES = [
    ({"alertname": "GenmediaWatchdog", "severity": "info"}, "dead-man"),
    ({"alertname": "GenmediaWatchdog"}, "dead-man"),
    ({"alertname": "GenmediaKeyRejected", "severity": "critical", "account": "a"}, "critical"),
    ({"alertname": "GenmediaKeyRejected", "severity": "warning", "account": "a"}, "warning"),
    ({"alertname": "GenmediaKeyRejected", "severity": "info", "account": "a"}, "nowhere"),
    ({"alertname": "SomebodyElses"}, "warning"),
    ({"alertname": "SomebodyElses", "severity": "page"}, "warning"),
]


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_and_its_templates_load(amtool: str) -> None:
    assert "FAILED" not in run(amtool, "check-config", SHIPPED)


@pytest.mark.parametrize(("labels", "receiver"), ROUTES, ids=[str(labels) for labels, _ in ROUTES])
def test_alerts_go_where_their_severity_says(amtool: str, labels: dict[str, str], receiver: str) -> None:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    routed = run(amtool, "config", "routes", "test", f"--config.file={SHIPPED}", *pairs)
    assert routed.split() == [receiver]


def test_every_secret_is_a_file_outside_the_repository() -> None:
    document = yaml.safe_load(SHIPPED.read_text())
    settings = [(key, value) for key, value in leaves(document) if re.search(r"(_key|_url|password|token|secret)", key)]
    own = {"client_url", "title_link"}
    assert {key for key, _ in settings} - own == {"routing_key_file", "api_url_file"}
    files = {value for key, value in settings if key.endswith("_file")}
    assert files == {f"{SECRETS}{name}" for name in ("pagerduty-routing-key", "slack-url", "dead-man-url")}
    named = set(re.findall(r"^#   ([a-z-]+)   ", SHIPPED.read_text(), re.MULTILINE))
    assert {f"{SECRETS}{name}" for name in named} == files


def test_every_alert_that_routes_and_inhibitions_name_exists() -> None:
    document = yaml.safe_load(SHIPPED.read_text())
    names = {rule.name for rule in pack.alerts()}
    asked = [matcher for key, matcher in leaves(document) if key.endswith("matchers") and "alertname" in matcher]
    for matcher in asked:
        pattern = matcher.split(maxsplit=2)[2].strip('"')
        for alternative in alternatives(pattern):
            assert any(re.fullmatch(alternative, name) for name in names), (matcher, alternative)


def alternatives(pattern: str) -> list[str]:
    """A pattern taken apart at every `|`, so that each piece can be asked for by itself."""
    found = re.search(r"\(([^()]*)\)", pattern)
    if found is None:
        return pattern.split("|")
    choices = (pattern[: found.start()] + choice + pattern[found.end() :] for choice in found[1].split("|"))
    return [piece for choice in choices for piece in alternatives(choice)]


def leaves(document: Any, key: str = "") -> list[tuple[str, Any]]:
    if isinstance(document, dict):
        return [leaf for name, value in document.items() for leaf in leaves(value, name)]
    if isinstance(document, list):
        return [leaf for value in document for leaf in leaves(value, key)]
    return [(key, document)]


# What fires, what of it is silenced by the others.
SILENCES: list[tuple[set[str], set[str]]] = [
    ({"VendorOverloaded", "ApiErrorsHigh", "LatencyRising", "AccountReadFailing", "OutOfCredits"},
     {"ApiErrorsHigh", "LatencyRising", "AccountReadFailing"}),
    ({"KeyRejected", "SomeKeyRejected", "AccountReadStale", "ThrottledMany"}, {"SomeKeyRejected", "AccountReadStale"}),
    ({"DailyLimitExhausted", "DailyLimitApproaching", "RateLimited", "SpendLimitApproaching"},
     {"DailyLimitApproaching", "RateLimited"}),
    ({"DailyLimitNearlyExhausted", "DailyLimitPredicted"}, {"DailyLimitPredicted"}),
    ({"OutOfCredits", "CreditsNearlyExhausted", "AutobillingStopped", "AutobillingOverdue"},
     {"CreditsNearlyExhausted", "AutobillingOverdue"}),
    ({"ClientsGivingUp", "ThrottledLong", "LatencyHigh"}, {"ThrottledLong"}),
    ({"ModerationWave", "RefusedRepeatedly"}, {"RefusedRepeatedly"}),
    ({"EvaluationStuck", "AccountReadStale", "UnseenTraffic", "LatencyHigh"}, {"AccountReadStale", "UnseenTraffic"}),
    ({"MonitorDown", "AccountReadStale", "UnseenTraffic", "StoreFailing", "DailyLimitExhausted"},
     {"AccountReadStale", "UnseenTraffic", "StoreFailing"}),
]  # fmt: skip
OF_A_DAEMON = {"MonitorDown", "EvaluationStuck", "StoreFailing"}


def as_fired(name: str, account: str) -> dict[str, Any]:
    if name in OF_A_DAEMON:
        labels = {"group": "monitor", "instance": account, "severity": "critical"}
        if name != "StoreFailing":
            labels |= {"provider": "runway", "account": account}
    else:
        labels = {**EXHAUSTED["labels"], "account": account}
    return {"labels": {**labels, "alertname": f"Genmedia{name}"}, "annotations": EXHAUSTED["annotations"]}


async def test_what_something_else_says_better_is_silent(alertmanager_binary: str, tmp_path: Path) -> None:
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        for number, (firing, silenced) in enumerate(SILENCES):
            account = f"account-{number}"
            await running.send(*(as_fired(name, account) for name in firing))
            assert await settled(running, silenced, account) == silenced, firing
        await running.send(as_fired("LatencyRising", "elsewhere"))
        (other,) = [each for each in await running.alerts() if each["labels"].get("account") == "elsewhere"]
        assert not is_silent(other)


async def test_a_monitor_that_is_not_scraped_does_not_silence_the_watchdog(
    alertmanager_binary: str, tmp_path: Path
) -> None:
    """Neither has an instance, which Alertmanager takes for the same one."""
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        for name in ("GenmediaMonitorDown", "GenmediaWatchdog", "GenmediaForecastPoor"):
            await running.send({"labels": {"alertname": name, "group": "monitor"}})
        await running.send(*OF_DAEMON_A)
        assert await settled(running, {"AccountReadStale"}, "of-a") == {"AccountReadStale"}


def daemons(name: str, instance: str, account: str = "") -> dict[str, Any]:
    """An alert on a daemon, and on an account of it."""
    of_account = {"provider": "runway", "account": account} if account else {}
    return {
        "labels": {
            "alertname": f"Genmedia{name}",
            "severity": "critical",
            "group": "monitor",
            "instance": instance,
            **of_account,
        }
    }


def reads(name: str, account: str) -> dict[str, Any]:
    """An alert on an account's reads, which has no instance."""
    return {"labels": {**EXHAUSTED["labels"], "alertname": f"Genmedia{name}", "group": "monitor", "account": account}}


OF_DAEMON_A = [daemons("MonitorDown", "a", "of-a"), reads("AccountReadStale", "of-a")]


@pytest.mark.parametrize("trouble", ["MonitorDown", "EvaluationStuck"])
async def test_a_daemon_in_trouble_silences_no_account_of_another(
    alertmanager_binary: str, tmp_path: Path, trouble: str
) -> None:
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await running.send(daemons(trouble, "a", "of-a"), daemons(trouble, "c"))
        await running.send(reads("AccountReadStale", "of-a"), reads("AccountReadStale", "of-b"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any("of-b" in str(message) for message in box.at("/pagerduty")):
                await asyncio.sleep(0.05)
        silent = [each["labels"]["account"] for each in await running.alerts() if is_silent(each)]
    assert silent == ["of-a"]


async def test_a_daemon_that_is_down_is_one_message_whatever_the_number_of_its_accounts(
    alertmanager_binary: str, tmp_path: Path
) -> None:
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await running.send(*(daemons("MonitorDown", "a", f"account-{number}") for number in range(5)))
        event = await box.first("/pagerduty")
    assert event["payload"]["summary"].endswith("(first of 5 alerts)")
    assert len(box.at("/pagerduty")) == 1


def told_by_cases(matchers: list[str]) -> list[dict[str, str]]:
    """The labels of every alert that the rules' cases expect and these matchers select."""
    expected = (
        {"alertname": asked["alertname"], **each["exp_labels"]}
        for path in pack.test_files()
        for case in pack.read(path)["tests"]
        for asked in case.get("alert_rule_test", ())
        for each in asked.get("exp_alerts", ())
    )
    return [labels for labels in expected if all(selects(matcher, labels) for matcher in matchers)]


def selects(matcher: str, labels: dict[str, str]) -> bool:
    label, operator, value = (part.strip('"') for part in matcher.split(maxsplit=2))
    found = labels.get(label, "")
    same = bool(re.fullmatch(value, found)) if "~" in operator else found == value
    return same is (operator in {"=", "=~"})


@pytest.mark.parametrize(
    "rule", yaml.safe_load(SHIPPED.read_text())["inhibit_rules"], ids=lambda r: str(r["source_matchers"])
)
def test_what_silences_has_every_label_that_must_be_equal(rule: dict[str, Any]) -> None:
    """Alertmanager takes a label that neither has for equal, so a source without it would silence everybody's."""
    sources = told_by_cases(rule["source_matchers"])
    assert sources
    assert [labels for labels in sources if not set(rule["equal"]) <= labels.keys()] == []


async def settled(running: Alertmanager, expected: set[str], account: str = "") -> set[str]:
    """Which alerts of the account are silent: as expected, or after a while. Alertmanager silences a moment later."""
    for _ in range(100):
        known = [each for each in await running.alerts() if each["labels"].get("account", account) == account]
        silent = {each["labels"]["alertname"].removeprefix("Genmedia") for each in known if is_silent(each)}
        if silent == expected:
            break
        await asyncio.sleep(0.05)
    return silent


def is_silent(alert: dict[str, Any]) -> bool:
    return bool(alert["status"]["inhibitedBy"])


class Alertmanager:
    """A real one with the shipped routes, templates and receivers, but a user's addresses and less patience."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url, self._http = url, http

    async def send(self, *alerts: dict[str, Any]) -> None:
        reply = await self._http.post(f"{self.url}/api/v2/alerts", json=alerts)
        assert reply.status_code == 200, reply.text

    async def alerts(self) -> list[dict[str, Any]]:
        """What it knows, once it has judged all of it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = (await self._http.get(f"{self.url}/api/v2/alerts")).json()
                if all(each["status"]["state"] != "unprocessed" for each in found):
                    return list(found)
                await asyncio.sleep(0.05)


def adapt(text: str, secrets: Path, hooks: str, mail: str) -> str:
    for old, new in (
        (SECRETS, f"{secrets}/"),
        ("- routing_key_file:", f"- url: {hooks}/pagerduty\n        routing_key_file:"),
        ("smarthost: localhost:25", f"smarthost: {mail}"),
        ("receiver: nowhere # or mail", "receiver: mail"),
        ("group_wait: 30s", "group_wait: 200ms"),
        ("group_interval: 5m", "group_interval: 1s"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return text


@asynccontextmanager
async def alertmanager(
    binary: str, folder: Path, hooks: str, mail: str = "localhost:25", secrets: tuple[str, ...] = ALL
) -> AsyncIterator[Alertmanager]:
    """An Alertmanager whose secrets in files lead to `hooks`."""
    (folder / "secrets").mkdir()
    for name in secrets:
        (folder / "secrets" / name).write_text(f"{hooks}/{name}\n")
    (folder / "templates").symlink_to(ALERTS / "templates")
    config = folder / "alertmanager.yml"
    config.write_text(adapt(SHIPPED.read_text(), folder / "secrets", hooks, mail))
    flags = (f"--storage.path={folder / 'data'}", "--cluster.listen-address=", "--web.route-prefix=/")
    async with (
        serving(binary, config, *flags, "--web.external-url=http://am.example") as url,
        httpx.AsyncClient() as http,
    ):
        yield Alertmanager(url, http)


def attachment(message: dict[str, Any]) -> dict[str, Any]:
    (only,) = message["attachments"]
    return only


async def test_a_critical_alert_is_told_in_slack_with_its_links(alertmanager_binary: str, tmp_path: Path) -> None:
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await running.send(EXHAUSTED)
        message = await box.first("/slack-url")
    assert message["username"] == "genmedia-monitor"
    shown = attachment(message)
    assert shown["title"] == "Critical: production: gen4.5 has used up its daily limit"
    assert shown["title_link"] == BOARD
    assert shown["fallback"] == "Critical: production: gen4.5 has used up its daily limit"
    assert shown["color"] == "danger"
    assert shown["text"] == (
        "*production (runway) · gen4.5*\n"
        "Creates answer 429 &amp; fail. The next slot frees in &lt;40 min. Next step: see the runbook.\n"
        f"<{BOARD}|Board>  <{RUNBOOK}|Runbook>\n"
    )


async def test_a_critical_alert_pages_with_its_links(alertmanager_binary: str, tmp_path: Path) -> None:
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await running.send(EXHAUSTED)
        event = await box.first("/pagerduty")
    assert event["routing_key"] == f"{box.url}/pagerduty-routing-key"
    assert (event["event_action"], event["client"], event["client_url"]) == ("trigger", "genmedia-monitor", BOARD)
    assert event["links"] == [{"href": BOARD, "text": "Board"}, {"href": RUNBOOK, "text": "Runbook"}]
    payload = event["payload"]
    assert payload["summary"] == "production: gen4.5 has used up its daily limit"
    assert (payload["severity"], payload["class"]) == ("critical", "GenmediaDailyLimitExhausted")
    assert (payload["component"], payload["group"]) == ("gen4.5", "runway/production")
    assert payload["custom_details"]["firing"] == (
        "* production: gen4.5 has used up its daily limit\n"
        "Creates answer 429 & fail. The next slot frees in <40 min. Next step: see the runbook.\n"
    )


async def test_alerts_of_one_account_are_one_message_and_its_end_is_told(
    alertmanager_binary: str, tmp_path: Path
) -> None:
    turbo = alert(model="gen4_turbo", severity="warning", summary="gen4_turbo is slow", description="p95 is 300 s.")
    down = alert(
        model="", severity="warning", alertname="GenmediaReadsStale", summary="Old figures", description="Age 9 m."
    )
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await running.send(turbo, down)
        firing = attachment(await box.first("/slack-url"))
        ended = datetime.now(UTC).isoformat()
        await running.send({**turbo, "endsAt": ended}, {**down, "endsAt": ended})
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(box.at("/slack-url")) < 2:
                await asyncio.sleep(0.05)
        over = attachment(box.at("/slack-url")[1])
    assert (firing["title"], firing["color"]) == ("Warning: 2 alerts, production", "warning")
    assert firing["text"] == (
        f"*production (runway)*\nOld figures\nAge 9 m.\n<{BOARD}|Board>  <{RUNBOOK}|Runbook>\n"
        f"*production (runway) · gen4_turbo*\ngen4_turbo is slow\np95 is 300 s.\n<{BOARD}|Board>  <{RUNBOOK}|Runbook>\n"
    )
    assert (over["title"], over["color"]) == ("Resolved: 2 alerts, production", "good")
    assert over["text"] == ("Over: Old figures\nOver: gen4_turbo is slow\n")
    assert box.at("/pagerduty") == []


async def test_a_long_list_is_cut_for_a_phone(alertmanager_binary: str, tmp_path: Path) -> None:
    many = [alert(model=f"m{n:02}", severity="warning", summary="slow", description="very") for n in range(12)]
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await running.send(*many)
        text = attachment(await box.first("/slack-url"))["text"]
    assert text.count("|Runbook>") == 10
    assert text.endswith("… and more: <http://am.example|all alerts>\n")


async def test_the_documented_test_alert_goes_the_whole_way(
    amtool: str, alertmanager_binary: str, tmp_path: Path
) -> None:
    (documented,) = re.findall(r"^`amtool (alert add .*)`$", DOCUMENTATION.read_text(), re.MULTILINE)
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await asyncio.to_thread(run, amtool, *shlex.split(documented.replace("http://127.0.0.1:9093", running.url)))
        shown = attachment(await box.first("/slack-url"))
    assert (shown["title"], shown["color"], shown["text"].strip()) == ("Warning: A test", "warning", "*test*")


def test_every_alert_that_silences_others_is_documented() -> None:
    rules = yaml.safe_load(SHIPPED.read_text())["inhibit_rules"]
    patterns = [re.split("=~?", one)[1].strip(' "') for rule in rules for one in rule["source_matchers"]]
    silencing = {rule.name for rule in pack.alerts() if any(re.fullmatch(each, rule.name) for each in patterns)}
    section = DOCUMENTATION.read_text().partition("## What silences what")[2].partition("\n## ")[0]
    documented = {name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in row.split(", ")}
    assert {f"`{name}`" for name in silencing} == documented


async def test_information_can_be_mailed(alertmanager_binary: str, tmp_path: Path) -> None:
    info = alert(severity="info", startsAt="2026-11-22T06:00:00Z")
    async with (
        inbox() as box,
        mailbox() as mails,
        alertmanager(alertmanager_binary, tmp_path, box.url, mails.address) as running,
    ):
        await running.send(info)
        message = await mails.first()
    assert message["Subject"] == "[genmedia] Info: production: gen4.5 has used up its daily limit"
    plain, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    assert plain.strip() == (
        "production: gen4.5 has used up its daily limit\n"
        "since 2026-11-22 06:00 UTC\n\n"
        "Creates answer 429 & fail. The next slot frees in <40 min. Next step: see the runbook.\n\n"
        f"Board:   {BOARD}\nRunbook: {RUNBOOK}"
    )
    assert "fail. The next slot frees in &lt;40 min." in html
    assert f'<a href="{BOARD.replace("&", "&amp;")}">Board</a>' in html
    assert f'<a href="{RUNBOOK}">Runbook</a>' in html
    assert box.arrived == []


async def test_the_watchdog_calls_the_dead_man_and_nobody_else(alertmanager_binary: str, tmp_path: Path) -> None:
    watchdog = {"labels": {"alertname": "GenmediaWatchdog", "severity": "info"}, "annotations": {"summary": "always"}}
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url) as running:
        await running.send(watchdog)
        assert attachment(await box.first("/dead-man-url"))["title"] == "Watchdog"
        assert {path for path, _ in box.arrived} == {"/dead-man-url"}


async def test_a_receiver_without_its_file_keeps_nothing_else_from_being_told(
    alertmanager_binary: str, tmp_path: Path
) -> None:
    async with inbox() as box, alertmanager(alertmanager_binary, tmp_path, box.url, secrets=("slack-url",)) as running:
        await running.send(EXHAUSTED)
        assert attachment(await box.first("/slack-url"))["color"] == "danger"
        assert box.at("/pagerduty") == []
