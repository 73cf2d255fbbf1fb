"""Bombs at the daemon's own doors, ingest and webhooks, with a real daemon."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import psutil
import pytest
from daemon.process import Process, running, write_config, write_key
from hostile.bombs import MIB, PACKERS, SMALL_PIECES

SECRET = "s3cret_path-of_this-test"
NOBODY = "http://127.0.0.1:9"
REFUSED = {413, 415, 503}
MOST_GROWTH_BYTES = 300 * MIB
LINE = {"type": "task", "account": "runware", "at": 1.0, "task": "t", "status": "pending", "endpoint": ""}


def configure(folder: Path) -> Path:
    account = {
        "provider": "runware",
        "api_key_file": write_key(folder, "runware", "k" * 32),
        "base_url": NOBODY,
        "webhook": {"forward_to": NOBODY, "secret_file": write_key(folder, "webhook", SECRET)},
    }
    return write_config(folder, {"runware": account}, webhooks={"listen": "127.0.0.1:0"})


async def refused(http: httpx.AsyncClient, url: str, coding: str, piece: bytes, times: int) -> int:
    codings, pack = PACKERS[coding]
    answer = await http.post(url, content=pack(piece, times), headers={"Content-Encoding": codings})
    return answer.status_code


def memory(daemon: Process, which: str = "VmRSS") -> int:
    """The memory that the daemon has, or with `VmHWM` the most that it has had, in bytes."""
    status = Path(f"/proc/{daemon._process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(which))) * 1024


linux = pytest.mark.skipif(not psutil.LINUX, reason="another process's memory is read as Linux tells it")


@linux
async def test_bombs_are_refused_within_little_memory(tmp_path: Path) -> None:
    async with running("--config", configure(tmp_path), cwd=tmp_path) as daemon, httpx.AsyncClient(timeout=60) as http:
        hook = f"{daemon.events('daemon.started')[-1]['webhooks']}/runware/{SECRET}"
        ingest, before = f"{daemon.operator_url}/api/v1/observations", memory(daemon)
        for coding in PACKERS:
            for url in (ingest, hook):
                assert await refused(http, url, coding, SMALL_PIECES["lines"], 256) in REFUSED
        many = [refused(http, hook, "members", SMALL_PIECES["escapes"], 15) for _ in range(16)]
        assert set(await asyncio.gather(*many)) <= {*REFUSED, 200}
        long = json.dumps({**LINE, "endpoint": "/%41" * MIB}).encode()
        assert (await http.post(ingest, content=long)).json()["rejected_total"] == 1
        quoted = json.dumps({**LINE, "account": "\x01" * MIB}).encode()
        assert len((await http.post(ingest, content=quoted)).content) < 2_000
        assert (await http.get(f"{daemon.operator_url}/-/ready")).status_code == 200
        assert memory(daemon, "VmHWM") - before < MOST_GROWTH_BYTES
