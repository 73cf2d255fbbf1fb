"""A process that was stopped, as a suspended laptop does it, is told from a database that does not answer."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import httpx
from daemon.process import environment, running, write_config, write_key
from gateway.fake_runware import KEY, fake_runware

from monitor.store import Database

LIMIT_SECONDS = 1.0
IMPATIENT = f"""
import monitor.cli, monitor.engine.engine
monitor.engine.engine.STALL_SECONDS = monitor.engine.engine.SUBMIT_SECONDS = {LIMIT_SECONDS}
monitor.cli.main()
"""
PROGRAM = (sys.executable, "-c", IMPATIENT)


async def test_a_stopped_process_blames_no_database_and_refuses_nothing(tmp_path: Path) -> None:
    async with fake_runware() as fake, httpx.AsyncClient(timeout=30) as http:
        account = {"provider": "runware", "api_key_file": write_key(tmp_path, "key", KEY), "base_url": fake.origin}
        config = write_config(tmp_path, {"runware": account})
        async with running("--config", config, cwd=tmp_path, environ=environment(), program=PROGRAM) as daemon:
            await daemon.logged("read.finished", times=4)
            seen = {"type": "request", "account": "runware", "at": time.time(), "endpoint": "/v1", "kind": "other"}
            line = json.dumps({**seen, "code": "200", "outcome": "success", "duration_seconds": 0})
            database = Database.open(f"sqlite:///{tmp_path / 'monitor.db'}")
            with database.begin(write=True):  # so that a commit is under way
                sent = asyncio.create_task(http.post(f"{daemon.operator_url}/api/v1/observations", content=line))
                await asyncio.sleep(LIMIT_SECONDS / 4)
                daemon.signal(signal.SIGSTOP)
                await asyncio.sleep(1.5 * LIMIT_SECONDS)
            daemon.signal(signal.SIGCONT)
            answer = await sent
            database.close()
            metrics = (await http.get(f"{daemon.operator_url}/metrics")).text
    assert (answer.status_code, daemon.events("store.failed")) == (200, [])
    assert "genmedia_monitor_store_up 1.0" in metrics
    missed = [line for line in metrics.splitlines() if line.startswith("genmedia_monitor_jobs_missed_total")]
    assert all(float(line.split()[-1]) <= 1 for line in missed), missed
