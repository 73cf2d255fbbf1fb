"""Connections that never finish a request, and a daemon that has no descriptor left."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from daemon.process import NOBODY, Process, running, write_config, write_key
from end_to_end.stage import parse

DESCRIPTORS = 256
SECRET = "s3cret_path-of_this-test"
LIMITED = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
runpy.run_module("monitor", run_name="__main__")
"""
PROGRAM = (sys.executable, "-c", LIMITED)
HALF_A_HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nX-A: "
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

pytestmark = pytest.mark.skipif(not psutil.LINUX, reason="descriptors are counted as Linux counts them")


class SlowVendor:
    """Answers each request once it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await self.may_answer.wait()
                writer.write(ANSWER)
        writer.transport.abort()


@asynccontextmanager
async def short_daemon(folder: Path) -> AsyncIterator[tuple[Process, SlowVendor]]:
    """A daemon that may open 256 descriptors, before a vendor of ours."""
    vendor = SlowVendor()
    async with await asyncio.start_server(vendor.serve, "127.0.0.1", 0) as server:
        vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        account = {
            "provider": "runware",
            "api_key_file": write_key(folder, "runware", "k" * 32),
            "base_url": vendor.url,
            "webhook": {"forward_to": NOBODY, "secret_file": write_key(folder, "webhook", SECRET)},
        }
        config = write_config(folder, {"runware": account}, webhooks={"listen": "127.0.0.1:0"})
        async with running("--config", config, cwd=folder, program=PROGRAM) as daemon:
            yield daemon, vendor


@asynccontextmanager
async def half_open(url: str, count: int) -> AsyncIterator[None]:
    """So many connections that have begun a request and do not end it."""
    writers = []
    try:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
            writers.append(writer)
            writer.write(HALF_A_HEAD)
        yield
    finally:
        for writer in writers:
            writer.transport.abort()


async def status(method: str, url: str, **more: bytes) -> int:
    """The status of a request on a connection of its own."""
    async with httpx.AsyncClient(timeout=10) as http:
        return (await http.request(method, url, content=more.get("content"))).status_code


@pytest.mark.parametrize("listener", ["operator", "webhooks"])
async def test_connections_that_never_finish_a_request_take_nothing_from_others(tmp_path: Path, listener: str) -> None:
    async with short_daemon(tmp_path) as (daemon, _):
        urls = daemon.events("daemon.started")[-1]
        async with half_open(urls[listener], 2 * DESCRIPTORS):
            assert await status("GET", f"{urls['gateway']}/runware/v1/models") == 200
            assert await status("GET", f"{urls['operator']}/-/ready") == 200
            assert await status("POST", f"{urls['webhooks']}/runware/{SECRET}", content=b"{}") == 200
            taken = psutil.Process(daemon.pid).num_fds()
    assert taken < DESCRIPTORS / 2


async def test_the_gateways_own_lack_of_descriptors_is_nobody_elses_fault(tmp_path: Path) -> None:
    async with short_daemon(tmp_path) as (daemon, vendor), httpx.AsyncClient(timeout=30) as http:
        urls = daemon.events("daemon.started")[-1]
        vendor.may_answer.clear()

        async def ask() -> httpx.Response | None:
            with suppress(httpx.TransportError):
                return await http.get(f"{urls['gateway']}/runware/v1/models", headers={"Connection": "close"})
            return None

        asked = [asyncio.create_task(ask()) for _ in range(DESCRIPTORS)]
        await daemon.logged("gateway.refused")
        assert await status("GET", f"{urls['operator']}/-/ready") == 200
        vendor.may_answer.set()
        answers = await asyncio.gather(*asked)
        refused = [answer for answer in answers if answer is not None and answer.status_code == 503]
        assert {answer.headers["X-Genmedia-Monitor"] for answer in refused} == {"shortage"}
        assert "descriptor" in refused[0].json()["error"]
        assert await status("GET", f"{urls['gateway']}/runware/v1/models") == 200
        await asyncio.sleep(1)
        figures = parse((await http.get(f"{urls['operator']}/metrics")).text)
    statuses = Counter(0 if answer is None else answer.status_code for answer in answers)
    assert figures.value("genmedia_monitor_gateway_refused_total", reason="shortage") == statuses[503] + statuses[0]
    assert figures.by("genmedia_requests_total", "outcome", account="runware", kind="other").keys() <= {("success",)}
    assert len(daemon.events("gateway.refused")) == 1
