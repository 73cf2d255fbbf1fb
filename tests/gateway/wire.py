"""Both ends of the gateway as bytes: a vendor that shows what it got and sends what it is told, and raw clients."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Account, GatewayConfig
from monitor.gateway import build_gateway
from monitor.http.network import Network
from monitor.metrics import SelfMetrics
from monitor.observations import AnyObservation, RequestSeen, TaskSeen
from monitor.providers import PROVIDERS
from monitor.providers.base import Provider
from monitor.runtime.clock import ManualClock

TASK = "17f20503-6c24-4c16-946b-35dbbce2af2f"
KEY = "key_" + "5ec2e7" * 21
PATIENCE = 10

Script = Callable[["Call"], Awaitable[None]]


@dataclass
class Call:
    """One request as the vendor sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes
    body: bytes = b""

    @property
    def lines(self) -> list[bytes]:
        return self.head.split(b"\r\n")[:-2]

    def header(self, name: bytes) -> bytes | None:
        for line in self.lines[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name.lower():
                return value.strip()
        return None

    async def read_body(self) -> bytes:
        if self.header(b"transfer-encoding") == b"chunked":
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                self.body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        else:
            self.body = await self.reader.readexactly(int(self.header(b"content-length") or 0))
        return self.body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class HangUpError(Exception):
    """A script raises it to close the connection."""


@dataclass
class Vendor:
    """A server that runs a script for each request; `calls` keeps them, `connections` counts, `gone` fires on EOF."""

    script: Script
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                call = Call(reader, writer, await reader.readuntil(b"\r\n\r\n"))
                self.calls.append(call)
                await self.script(call)
        except (HangUpError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


@asynccontextmanager
async def vendor(script: Script) -> AsyncIterator[Vendor]:
    """A running vendor on loopback."""
    running = Vendor(script)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await running.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 20)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answers(*parts: bytes) -> Script:
    """Read the whole request, then send these bytes; the connection stays open."""

    async def script(call: Call) -> None:
        await call.read_body()
        for part in parts:
            await call.send(part)
            await asyncio.sleep(0.01)

    return script


def reply(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole response with a length."""
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


class ListSink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.observations: list[AnyObservation] = []
        self.sources: set[str] = set()

    def put(self, observations: Sequence[AnyObservation], source: str) -> None:
        self.observations.extend(observations)
        self.sources.add(source)

    async def submit(self, observations: Sequence[AnyObservation], source: str) -> None:
        self.put(observations, source)

    @property
    def requests(self) -> list[RequestSeen]:
        return [seen for seen in self.observations if isinstance(seen, RequestSeen)]

    @property
    def tasks(self) -> list[TaskSeen]:
        return [seen for seen in self.observations if isinstance(seen, TaskSeen)]


@dataclass
class Gateway:
    """A running gateway with one account, `runway`, and what it says about itself."""

    port: int
    accounts: dict[str, Account]
    sink: ListSink
    registry: CollectorRegistry
    clock: ManualClock

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def refused(self, reason: str) -> float:
        return self.count("genmedia_monitor_gateway_refused_total", reason=reason)

    def observer_errors(self, stage: str) -> float:
        return self.count("genmedia_monitor_observer_errors_total", stage=stage)

    def in_flight(self) -> float:
        return self.count("genmedia_requests_in_flight", provider="runway", account="runway")

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def ask(self, raw: bytes) -> bytes:
        """Send these bytes and give all that comes until the gateway closes; the request must ask it to."""
        async with self.connect() as (reader, writer):
            writer.write(raw)
            async with asyncio.timeout(PATIENCE):
                return await reader.read()


def account(name: str, origin: str) -> Account:
    return Account(name=name, provider="runway", api_key=SecretStr(KEY), base_url=origin)


@asynccontextmanager
async def gateway(
    origin: str, provider: Provider = PROVIDERS["runway"], *, patience: float = 5.0, sink: ListSink | None = None
) -> AsyncIterator[Gateway]:
    """A running gateway in front of `origin`."""
    registry, clock = CollectorRegistry(), ManualClock()
    accounts = {"runway": account("runway", origin)}
    sink = sink or ListSink()
    config = GatewayConfig(timeout=patience, connect_timeout=patience)
    runner = build_gateway(
        lambda: accounts,
        {"runway": provider},
        sink,
        SelfMetrics(registry),
        clock,
        config,
        Network({}),
        shutdown_timeout=1.0,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Gateway(runner.addresses[0][1], accounts, sink, registry, clock)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def between(
    script: Script, provider: Provider = PROVIDERS["runway"], *, patience: float = 5.0, sink: ListSink | None = None
) -> AsyncIterator[tuple[Gateway, Vendor]]:
    """A gateway in front of a vendor that runs `script`, waiting `patience` seconds for it."""
    async with vendor(script) as server, gateway(server.origin, provider, patience=patience, sink=sink) as front:
        yield front, server


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until `condition` holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def get(path: str = f"/runway/v1/tasks/{TASK}", *headers: str, version: str = "1.1", method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: gateway", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


def post(body: bytes, *headers: str, path: str = "/runway/v1/text_to_video") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: gateway", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def split(raw: bytes) -> tuple[list[bytes], bytes]:
    """The head's lines and all after it."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), rest


def dechunk(raw: bytes) -> bytes:
    """The body of a chunked message; a broken one raises."""
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        assert raw[length : length + 2] == b"\r\n"
        body, raw = body + raw[:length], raw[length + 2 :]
        if length == 0:
            assert raw == b""
            return body
    raise ValueError("no last chunk")
