"""A store that cannot be opened at the start keeps no request from its vendor, and one file serves one daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from daemon.process import Process, ProcessStage, environment, running, vendor_stage
from end_to_end.stage import PATIENCE_SECONDS
from stores import administer, figures, postgresql_database

from monitor.store import Database

IN_USE = "another genmedia-monitor uses it"


def corrupt(path: Path) -> None:
    path.write_text("no database, but long enough to be taken for one" * 100)


def newer(path: Path) -> None:
    Database.open(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def folder_is_missing(path: Path) -> None:
    path.parent.rmdir()


def is_a_folder(path: Path) -> None:
    path.mkdir()


def mend(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path.rename(path.with_suffix(".bad"))


async def started(stage: ProcessStage, config: Path) -> Process:
    daemon = await Process.spawn("run", "--config", config, cwd=stage.folder, environ=environment())
    stage.daemon = daemon  # type: ignore[assignment]
    line = await daemon.logged("daemon.started")
    daemon.operator_url, daemon.gateway_url = line["operator"], line["gateway"]
    return daemon


async def is_ready(stage: ProcessStage) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await stage.http.get(f"{stage.daemon.operator_url}/-/ready")).status_code != 200:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (corrupt, "file is not a database: restore the file from a backup, or move it away to start anew"),
        (newer, "a newer version wrote it (revision 9999): upgrade genmedia-monitor"),
        (folder_is_missing, "the folder does not exist: create it"),
        (is_a_folder, "Is a directory: check that the file and its folder may be read and written"),
    ],
)
async def test_a_database_that_cannot_be_opened_keeps_no_request_from_its_vendor(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "data" / "monitor.db"
    path.parent.mkdir()
    spoil(path)
    async with vendor_stage(tmp_path) as stage:
        daemon = await started(stage, stage.configure(["runway"], store=f"sqlite:///{path}"))
        try:
            assert (await stage.ask("/v1/organization")).status_code == 200
            assert reason in (await daemon.logged("store.failed"))["error"]
            reply = await stage.http.get(f"{daemon.operator_url}/-/ready")
            assert (reply.status_code, reason in reply.text) == (503, True)
            assert (await stage.scrape()).value("genmedia_monitor_store_up") == 0
            mend(path)
            await is_ready(stage)
            await stage.until(lambda figures: figures.total("genmedia_requests_total", kind="account") == 1)
            assert [len(daemon.events(name)) for name in ("store.failed", "store.recovered")] == [1, 1]
            daemon.signal(signal.SIGTERM)
            assert await daemon.end() == 0
            assert "Traceback" not in daemon.output
        finally:
            await daemon.kill()


async def test_a_server_that_is_down_at_the_start_is_used_once_it_is_there(postgres_url: str, tmp_path: Path) -> None:
    with postgresql_database(postgres_url) as url:
        absent = url.replace("/test_", "/later_test_")
        name = absent.partition("/later_test_")[2].partition("?")[0]
        async with vendor_stage(tmp_path) as stage:
            daemon = await started(stage, stage.configure(["runway"], store=absent))
            try:
                assert (await stage.ask("/v1/organization")).status_code == 200
                assert "does not exist" in (await daemon.logged("store.failed"))["error"]
                rename(postgres_url, f"test_{name}", f"later_test_{name}")
                await is_ready(stage)
                await stage.until(lambda figures: figures.total("genmedia_requests_total", kind="account") == 1)
            finally:
                await daemon.kill()
                rename(postgres_url, f"later_test_{name}", f"test_{name}")


def rename(server: str, old: str, new: str) -> None:
    administer(server, f"ALTER DATABASE {old} RENAME TO {new}")


@pytest.mark.parametrize("link", [None, os.symlink, os.link], ids=["same name", "symbolic link", "hard link"])
async def test_a_second_daemon_on_one_file_is_refused_and_the_first_goes_on(
    tmp_path: Path, link: Callable[[Path, Path], None] | None
) -> None:
    path, other = tmp_path / "monitor.db", tmp_path / "other.db"
    async with vendor_stage(tmp_path) as stage:
        config = stage.configure(["runway"])
        async with running("--config", config, cwd=tmp_path) as stage.daemon:
            if link:
                link(path, other)
                config = stage.configure(["runway"], store=f"sqlite:///{other}")
            second = await Process.spawn("run", "--config", config, cwd=tmp_path, environ=environment())
            assert await second.end() == 1
            assert second.output.count("\n") == 1
            assert second.output.startswith("genmedia-monitor: store ")
            assert IN_USE in second.output

            stage.configure(["runway"])
            assert (await stage.reload()).status_code == 200
            assert (await stage.http.get(f"{stage.daemon.operator_url}/-/ready")).status_code == 200
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as reader:
                assert reader.execute("SELECT count(*) FROM tallies").fetchone()[0] >= 0
            reader.close()


async def test_a_killed_daemon_leaves_its_file_to_the_next(tmp_path: Path) -> None:
    async with vendor_stage(tmp_path) as stage:
        config = stage.configure(["runway"])
        for _ in range(2):
            async with running("--config", config, cwd=tmp_path) as daemon:
                daemon.signal(signal.SIGKILL)


def beside(path: Path) -> list[Path]:
    """The files of a database; the write-ahead log is the last."""
    return sorted(path.parent.glob(f"{path.name}*"))


async def test_what_the_store_keeps_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    for _ in range(2):
        async with vendor_stage(tmp_path) as stage:
            config = stage.configure(["runway"])
            async with running("--config", config, cwd=tmp_path):
                files = {file.name: file.stat().st_mode & 0o777 for file in await asyncio.to_thread(beside, path)}
                assert files == dict.fromkeys(("monitor.db", "monitor.db-wal", "monitor.db-shm"), 0o600)
        await asyncio.to_thread(path.chmod, 0o666)


async def test_facts_in_a_log_that_was_removed_outlive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    async with vendor_stage(tmp_path) as stage:
        config = stage.configure(["runway"])
        async with running("--config", config, cwd=tmp_path) as stage.daemon:
            assert (await stage.ask("/v1/organization")).status_code == 200
            asked = {"kind": "account", "code": "200"}
            await stage.until(lambda figures: figures.total("genmedia_requests_total", **asked) == 1)
            await asyncio.to_thread(beside(path)[-1].unlink)
            assert "removed or replaced" in (await stage.daemon.logged("store.failed"))["error"]
            await stage.daemon.logged("store.recovered")
            stage.daemon.signal(signal.SIGKILL)
            await stage.daemon.end()
    database = Database.open(f"sqlite:///{path}")
    requests = {labels[1:]: count for labels, count in figures(database, "runway").items() if labels[0] == "requests"}
    database.close()
    assert requests["/v1/organization", "account", "", "200", "success"] == 1
