"""What a daemon logs while much fails for a while: when it begins, and when it ends."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from pathlib import Path

import httpx
from daemon.process import NOBODY, running, write_config, write_key

SECRET = "s3cret_path-of_this-test"
OUTAGE_SECONDS = 4.0


async def test_an_outage_of_everything_is_a_few_lines(tmp_path: Path) -> None:
    account = {
        "provider": "runware",
        "api_key_file": write_key(tmp_path, "runware", "k" * 32),
        "base_url": NOBODY,
        "poll_interval": "1s",
        "webhook": {"forward_to": NOBODY, "secret_file": write_key(tmp_path, "webhook", SECRET)},
    }
    config = write_config(tmp_path, {"runware": account}, webhooks={"listen": "127.0.0.1:0"})
    async with running("--config", config, cwd=tmp_path) as daemon, httpx.AsyncClient(timeout=30) as http:
        hook = f"{daemon.events('daemon.started')[-1]['webhooks']}/runware/{SECRET}"
        for _ in range(10):
            assert (await http.post(hook, json={"data": []})).status_code == 200
        await daemon.logged("webhook.failed")
        before = len(daemon.lines)
        store = sqlite3.connect(tmp_path / "monitor.db", isolation_level=None)
        store.execute("BEGIN IMMEDIATE")
        await daemon.logged("store.failed")
        until = asyncio.get_running_loop().time() + OUTAGE_SECONDS
        while asyncio.get_running_loop().time() < until:
            assert (await http.get(f"{daemon.gateway_url}/runware/v1/models")).status_code == 502
        store.execute("ROLLBACK")
        store.close()
        recovered = await daemon.logged("store.recovered")
        lines = len(daemon.lines) - before
        events = Counter(event for event in ("store.failed", "webhook.failed") for _ in daemon.events(event))
    assert recovered["level"] == "info"
    assert events == {"store.failed": 1, "webhook.failed": 1}
    assert lines < 2 * OUTAGE_SECONDS
