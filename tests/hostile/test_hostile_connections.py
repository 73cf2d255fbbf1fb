"""Connections that never finish a request, and a daemon that has no descriptor left."""

from __future__ import annotations

import asyncio
import errno
import socket
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
from end_to_end.stage import PATIENCE_SECONDS, parse
from structlog.testing import capture_logs

from monitor.http import listener
from monitor.http.clients import problem_of
from monitor.http.network import Network
from monitor.runtime import descriptors
from monitor.runtime.descriptors import is_own_shortage
from monitor.runtime.logs import Seldom

DESCRIPTORS = 256
SECRET = "s3cret_path-of_this-test"
LIMITED = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
runpy.run_module("monitor", run_name="__main__")
"""
PROGRAM = (sys.executable, "-c", LIMITED)
HALF_A_HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nX-A: "
UNFINISHED = {
    "nothing": b"",
    "half a line": b"GET /-/rea",
    "half a head": HALF_A_HEAD,
    "half a body": b"POST /api/v1/observations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{",
    "a body for nobody": b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{",
    "a kept connection": b"GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "answers that nobody reads": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20,
}
READ = b"GET /runware/v1/models HTTP/1.1\r\nHost: a\r\n\r\n"
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
async def half_open(url: str, count: int, begun: bytes = HALF_A_HEAD) -> AsyncIterator[None]:
    """So many connections that have begun a request and do not end it."""
    writers = []
    try:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
            writers.append(writer)
            writer.write(begun)
        yield
    finally:
        for writer in writers:
            writer.transport.abort()


async def status(method: str, url: str, **more: bytes) -> int:
    """The status of a request on a connection of its own."""
    async with httpx.AsyncClient(timeout=10) as http:
        return (await http.request(method, url, content=more.get("content"))).status_code


@pytest.mark.parametrize("name", ["operator", "webhooks"])
async def test_connections_that_never_finish_a_request_take_nothing_from_others(tmp_path: Path, name: str) -> None:
    async with short_daemon(tmp_path) as (daemon, _):
        urls = daemon.events("daemon.started")[-1]
        async with half_open(urls[name], 2 * DESCRIPTORS):
            assert await status("GET", f"{urls['gateway']}/runware/v1/models") == 200
            assert await status("GET", f"{urls['operator']}/-/ready") == 200
            assert await status("POST", f"{urls['webhooks']}/runware/{SECRET}", content=b"{}") == 200
            taken = psutil.Process(daemon.pid).num_fds()
    assert taken < DESCRIPTORS / 2


@pytest.mark.parametrize("begun", UNFINISHED)
async def test_no_unfinished_request_holds_the_operator_listener(tmp_path: Path, begun: str) -> None:
    async with short_daemon(tmp_path) as (daemon, _):
        operator = daemon.operator_url
        async with half_open(operator, DESCRIPTORS // 2, UNFINISHED[begun]):
            assert await status("GET", f"{operator}/-/ready") == 200
        assert [line["listener"] for line in daemon.events("listener.full")] == ["operator"]  # once a minute


async def test_idle_clients_of_the_gateway_leave_the_others_a_clear_refusal(tmp_path: Path) -> None:
    async with short_daemon(tmp_path) as (daemon, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(daemon.gateway_url).port)
        writer.write(READ)
        assert b" 200 " in await reader.readuntil(b"{}")
        async with half_open(daemon.gateway_url, DESCRIPTORS):
            writer.write(READ)  # it has its connections, to us and to the vendor
            assert b" 200 " in await reader.readuntil(b"{}")
            assert await answered(daemon) == 503
            assert await status("GET", f"{daemon.operator_url}/-/ready") == 200
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await answered(daemon) != 200:  # until the daemon has seen them leave
                await asyncio.sleep(0.05)
        assert len(daemon.events("gateway.refused")) == 1
        writer.transport.abort()


async def answered(daemon: Process) -> int:
    """The gateway's answer to a new client, once it gives one; the last descriptors are free again within a second."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(httpx.TransportError):
                return await status("GET", f"{daemon.gateway_url}/runware/v1/models")
            await asyncio.sleep(0.05)


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


FULL = OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("name", ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"])
def test_every_shortage_of_the_machine_is_ours(name: str) -> None:
    assert is_own_shortage(OSError(getattr(errno, name), name))


@pytest.mark.parametrize("name", ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT"])
def test_a_provider_that_refuses_while_descriptors_are_short_has_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vague = [socket.gaierror(socket.EAI_NONAME, "unknown"), OSError("several addresses, several reasons")]
    assert not any(map(is_own_shortage, vague))
    monkeypatch.setattr(descriptors, "_has_none_left", lambda: True)
    assert all(map(is_own_shortage, vague))
    assert not is_own_shortage(OSError(getattr(errno, name), name))


def test_an_account_read_that_lacks_a_descriptor_says_so() -> None:
    wrapped = httpx.ConnectError("All connection attempts failed")
    wrapped.__cause__ = FULL
    way, peer = Network({}).way("https://api.example", None, None), "https://api.example"
    assert "file descriptor" in problem_of(wrapped, way, peer)
    assert "file descriptor" in problem_of(FULL, way, peer)
    assert problem_of(httpx.ConnectError("refused"), way, peer) == "cannot connect to https://api.example"


def test_connections_that_cannot_be_accepted_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_seldom", Seldom())
    context = {"message": "socket.accept() out of system resource", "exception": FULL}
    with asyncio.Runner() as runner, capture_logs() as logs:
        for _ in range(3):
            listener.note_in_loop(runner.get_loop(), context)
    assert [(line["event"], line["why"]) for line in logs] == [("connections.lost", "EMFILE")]


def test_a_fault_in_the_loop_is_told_without_what_it_quotes() -> None:
    context = {"message": "Exception in callback f(b'planted')", "exception": ValueError("planted")}
    with asyncio.Runner() as runner, capture_logs() as logs:
        listener.note_in_loop(runner.get_loop(), context)
    assert [(line["event"], line["error"]) for line in logs] == [("loop.failed", "ValueError")]
    assert "planted" not in str(logs)
