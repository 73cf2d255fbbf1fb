"""Signals end the daemon, or make it read its configuration again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from daemon.process import (
    Process,
    ProcessStage,
    environment,
    process_stage,
    vendor_stage,
    write_config,
    write_key,
)
from end_to_end.stage import PATIENCE_SECONDS
from sqlalchemy import text
from stores import figures, postgresql_database

from monitor.store import Database

TASK = "/v1/tasks/17f20503-6c24-4c16-946b-35dbbce2af2f"
STOP_SECONDS = 10


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[ProcessStage]:
    async with process_stage(tmp_path) as stage:
        yield stage


async def under_way(stage: ProcessStage, count: int) -> None:
    """Wait until the vendor has so many requests in hand."""
    async with asyncio.timeout(5):
        while (await stage.control("GET", "/counts"))["in_flight"] < count:
            await asyncio.sleep(0.02)


async def hanging(stage: ProcessStage) -> asyncio.Task[httpx.Response]:
    """A request that the vendor has taken and does not answer."""
    await stage.control("POST", "/faults", fault="hang", path=TASK, own=False)
    request = asyncio.create_task(stage.ask(TASK))
    await under_way(stage, 1)
    return request


async def broken_off(request: asyncio.Task[httpx.Response]) -> None:
    with pytest.raises(httpx.TransportError):
        await request


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_quiet_daemon_ends_with_status_0(stage: ProcessStage, number: signal.Signals) -> None:
    stage.daemon.signal(number)
    async with asyncio.timeout(STOP_SECONDS):
        assert await stage.daemon.end() == 0
    assert stage.daemon.events("daemon.stopped")
    assert "Traceback" not in stage.daemon.output


async def test_sigterm_lets_answers_arrive_gives_up_what_hangs_and_stores_both(stage: ProcessStage) -> None:
    hung = await hanging(stage)
    await stage.control("POST", "/faults", fault="latency", seconds=1, path="/v1/organization", own=False)
    slow = asyncio.create_task(stage.ask("/v1/organization"))
    await under_way(stage, 2)

    stage.daemon.signal(signal.SIGTERM)
    async with asyncio.timeout(STOP_SECONDS):
        assert (await slow).status_code == 200
        await broken_off(hung)
        assert await stage.daemon.end() == 0
    assert "Traceback" not in stage.daemon.output
    requests = {labels[1:]: count for labels, count in stored(stage).items() if labels[0] == "requests"}
    assert requests == {
        ("/v1/organization", "account", "", "200", "success"): 1,
        ("/v1/tasks/{id}", "poll", "", "none", "client_gone"): 1,
    }


def stored(stage: ProcessStage) -> dict[tuple[str, ...], float]:
    database = Database.open(f"sqlite:///{stage.folder / 'monitor.db'}")
    try:
        return figures(database, "runway")
    finally:
        database.close()


async def test_no_request_is_taken_while_it_drains(stage: ProcessStage) -> None:
    hung = await hanging(stage)
    stage.daemon.signal(signal.SIGTERM)
    await stage.daemon.logged("daemon.stopping")
    reply = await stage.http.get(f"{stage.daemon.operator_url}/-/ready")
    assert (reply.status_code, reply.text.strip()) == (503, "the gateway does not listen yet, or not any more")
    async with httpx.AsyncClient() as newcomer:
        with pytest.raises(httpx.ConnectError):
            await newcomer.get(stage.base_url())
    await broken_off(hung)


async def test_a_second_signal_ends_it_at_once(stage: ProcessStage) -> None:
    hung = await hanging(stage)
    stage.daemon.signal(signal.SIGTERM)
    await stage.daemon.logged("daemon.stopping")
    stage.daemon.signal(signal.SIGTERM)
    assert await stage.daemon.end() == 1
    assert not stage.daemon.events("daemon.stopped"), "it drained after all"
    await broken_off(hung)


async def test_sighup_loads_a_key_that_was_replaced(stage: ProcessStage) -> None:
    await stage.control("PATCH", "/accounts/runway", keys="revoked")
    await stage.until(lambda figures: figures.value("genmedia_account_read_up", read="organization") == 0)

    stage.keys["runway"] = stage.keys["runway"][:-4] + "beef"
    await stage.control("PATCH", "/accounts/runway", add_key=stage.keys["runway"])
    stage.configure(["runway"])
    stage.daemon.signal(signal.SIGHUP)
    await stage.until(lambda figures: figures.value("genmedia_account_read_up", read="organization") == 1)
    assert len(stage.daemon.events("config.loaded")) == 1


async def test_sighup_does_not_end_a_daemon_that_starts(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    async with vendor_stage(tmp_path) as stage:
        command = f"sh -c 'touch {begun}; sleep 0.3; cat {write_key(tmp_path, 'runway', stage.keys['runway'])}'"
        account = {"api_key_command": command, "base_url": stage.vendor}
        config = write_config(tmp_path, {"runway": account})
        daemon = await Process.spawn("run", "--config", config, cwd=tmp_path, environ=environment())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not begun.exists():
                    await asyncio.sleep(0.01)
            daemon.signal(signal.SIGHUP)
            await daemon.ready()
        finally:
            await daemon.kill()


async def test_a_database_that_does_not_answer_holds_up_no_end(postgres_url: str, tmp_path: Path) -> None:
    with postgresql_database(postgres_url) as url:
        async with process_stage(tmp_path, store=url) as stage:
            watching = Database.open(url)
            with watching.begin() as connection:
                others = (
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                pids = connection.scalars(text(others)).all()
            watching.close()
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            try:
                stage.daemon.signal(signal.SIGTERM)
                async with asyncio.timeout(STOP_SECONDS):
                    assert await stage.daemon.end() == 1
                assert stage.daemon.events("daemon.gave_up")
            finally:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)


async def test_sighup_with_a_bad_file_is_logged_and_changes_nothing(stage: ProcessStage) -> None:
    (stage.folder / "monitor.yml").write_text("accounts: [{name: runway, provider: nobody}]")
    stage.daemon.signal(signal.SIGHUP)
    rejected = await stage.daemon.logged("config.rejected")
    file = stage.folder / "monitor.yml"
    assert any(fault.startswith(f"{file}: accounts[0].provider: ") for fault in rejected["faults"])
    await stage.until(lambda figures: figures.value("genmedia_monitor_config_last_reload_successful") == 0)
    assert (await stage.ask("/v1/organization")).status_code == 200
