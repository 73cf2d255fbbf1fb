"""A daemon on a store that another version has written to, and one whose evaluation fails."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from daemon.process import running, vendor_stage
from end_to_end.stage import PATIENCE_SECONDS, Figures, staged

import monitor.daemon.publisher
import monitor.metrics.exposition

PLANTED = "INSERT INTO tallies VALUES ('runway', 'count_of_a_newer_version', '[]', 1)"


def has_skipped_one(figures: Figures) -> bool:
    return figures.value("genmedia_monitor_store_rows_skipped", table="tallies") == 1


async def test_a_count_of_a_newer_version_freezes_nothing_and_stops_no_restart(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    async with vendor_stage(tmp_path) as stage:
        config = stage.configure(["runway"], store=f"sqlite:///{path}")
        async with running("--config", config, cwd=tmp_path) as stage.daemon:
            with sqlite3.connect(path) as connection:
                connection.execute(PLANTED)
            connection.close()
            await stage.until(has_skipped_one)
            await stage.ask("/v1/organization")
            await stage.until(lambda figures: figures.total("genmedia_requests_total", kind="account") == 1)
            assert (await stage.http.get(f"{stage.daemon.operator_url}/-/ready")).status_code == 200
        async with running("--config", config, cwd=tmp_path) as stage.daemon:
            await stage.until(has_skipped_one)
            assert len(stage.daemon.events("store.row_skipped")) == 1


async def test_a_daemon_whose_figures_stand_still_is_not_ready_and_its_own_metrics_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, evaluate_interval=0.05) as stage:
        ready = f"{stage.daemon.operator_url}/-/ready"
        monkeypatch.setattr(monitor.metrics.exposition, "STALE_SECONDS", 0.0)
        monkeypatch.setattr(monitor.daemon.publisher, "OLD_SECONDS", 0.1)
        await stage.until(lambda figures: figures.value("genmedia_monitor_account_evaluated", account="runway") == 1)

        def fail(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(monitor.daemon.publisher, "evaluate", fail)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (reply := await stage.http.get(ready)).status_code == 200:
                await asyncio.sleep(0.02)
        assert reply.text == "the figures are old: the evaluation fails or does not end\n"
        await stage.until(lambda figures: figures.total("genmedia_monitor_job_errors_total") > 1)
        monkeypatch.undo()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await stage.http.get(ready)).status_code != 200:
                await asyncio.sleep(0.02)
