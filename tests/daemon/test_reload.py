"""A reload takes over the accounts of a good configuration, and nothing of a bad one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.process import ProcessStage, process_stage, write_config

RELOADED = "genmedia_monitor_config_last_reload_successful"
READ_UP = "genmedia_account_read_up"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A daemon that serves the first of two accounts."""
    async with process_stage(tmp_path, ["first", "second"], serving=["first"]) as stage:
        yield stage


async def test_accounts_come_and_go(stage: ProcessStage) -> None:
    assert (await stage.ask("/v1/organization", "first")).status_code == 200
    assert (await stage.ask("/v1/organization", "second")).status_code == 404

    stage.configure(["second"])
    reply = await stage.reload()
    assert (reply.status_code, reply.text) == (200, "reloaded\n")
    assert (await stage.ask("/v1/organization", "second")).status_code == 200
    refused = await stage.ask("/v1/organization", "first")
    assert (refused.status_code, refused.json()["source"]) == (404, "genmedia-monitor")

    figures = await stage.until(lambda figures: figures.value(READ_UP, account="second", read="organization") == 1)
    assert not figures.select(READ_UP, account="first")
    assert figures.value(RELOADED) == 1


async def test_what_an_account_has_counted_outlasts_its_absence(stage: ProcessStage) -> None:
    asked = {"account": "first", "kind": "account", "code": "200"}
    await stage.ask("/v1/organization", "first")
    await stage.until(lambda figures: figures.value("genmedia_requests_total", **asked) == 1)

    stage.configure(["second"])
    await stage.reload()
    await stage.until(lambda figures: not figures.select("genmedia_requests_total", account="first"))

    stage.configure(["first", "second"])
    await stage.reload()
    await stage.until(lambda figures: figures.value("genmedia_requests_total", **asked) == 1)


async def test_requests_in_flight_are_those_of_an_account_that_came_back(stage: ProcessStage) -> None:
    assert (await stage.ask("/v1/organization", "first")).status_code == 200
    for serving in (["second"], ["first", "second"]):
        stage.configure(serving)
        await stage.reload()
    await stage.control("POST", "/faults", fault="hang", own=False, account="first")
    request = asyncio.create_task(stage.ask("/v1/organization", "first"))
    await stage.until(lambda figures: figures.value("genmedia_requests_in_flight", account="first") == 1)
    await stage.control("DELETE", "/faults")
    assert (await request).status_code == 200


async def test_a_bad_file_is_refused_with_every_fault_until_it_is_mended(stage: ProcessStage) -> None:
    path = stage.configure(["second"])
    path.write_text(path.read_text().replace("1s", "1 second").replace("second.key", "nowhere.key"))
    reply = await stage.reload()
    assert reply.status_code == 422
    interval, key = reply.text.splitlines()
    assert interval.startswith(f"{path}: accounts[0].poll_interval: ")
    assert key.startswith(f"{path}: accounts[0].api_key_file: cannot read ")
    assert (await stage.daemon.logged("config.rejected"))["faults"] == [interval, key]

    await stage.until(lambda figures: figures.value(RELOADED) == 0)
    assert (await stage.ask("/v1/organization", "first")).status_code == 200
    assert (await stage.ask("/v1/organization", "second")).status_code == 404

    stage.configure(["first"])
    assert (await stage.reload()).status_code == 200
    await stage.until(lambda figures: figures.value(RELOADED) == 1)


@pytest.mark.parametrize("by_signal", [False, True], ids=["over HTTP", "by SIGHUP"])
async def test_a_template_that_nobody_rendered_is_told_and_changes_nothing(
    stage: ProcessStage, by_signal: bool
) -> None:
    path = stage.folder / "monitor.yml"
    path.write_text("listen: {{ listen }}")
    if by_signal:
        stage.daemon.signal(signal.SIGHUP)
    else:
        reply = await stage.reload()
        assert (reply.status_code, reply.text.count("\n")) == (422, 1)
    (fault,) = (await stage.daemon.logged("config.rejected"))["faults"]
    assert fault.startswith(f"{path}: line 1, column 10: the key is a group or a list; ")
    await stage.until(lambda figures: figures.value(RELOADED) == 0)
    assert (await stage.ask("/v1/organization", "first")).status_code == 200
    assert "Traceback" not in stage.daemon.output


async def test_a_file_that_is_gone_is_refused(stage: ProcessStage) -> None:
    path = stage.configure(["first"])
    path.unlink()
    reply = await stage.reload()
    assert (reply.status_code, reply.text.count("\n")) == (422, 1)
    assert reply.text.startswith(f"{path}: cannot be read: ")
    assert (await stage.ask("/v1/organization", "first")).status_code == 200


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("listen", "127.0.0.1:1"),
        ("gateway", {"listen": "127.0.0.1:2"}),
        ("store", "sqlite:///elsewhere.db"),
        ("evaluate_interval", "7s"),
        ("retention", {"tasks": "9d"}),
    ],
)
async def test_what_a_running_daemon_cannot_change_is_refused(stage: ProcessStage, key: str, value: object) -> None:
    write_config(stage.folder, {"second": stage.account("second")}, **{key: value})
    reply = await stage.reload()
    assert (reply.status_code, reply.text) == (422, f"{key}: cannot change while running; restart the daemon\n")
    assert (await stage.ask("/v1/organization", "second")).status_code == 404
