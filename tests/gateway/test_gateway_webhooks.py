"""What a vendor that is slow, or brings too much, finds at the listener for webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from end_to_end.stage import PATIENCE_SECONDS
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Account, Webhook
from monitor.engine.apply import Catalogue
from monitor.engine.engine import Engine
from monitor.http import bodies
from monitor.ingest import delivery_rows
from monitor.ingest.webhooks import LARGEST_BODY_BYTES, MOST_AT_ONCE, Webhooks
from monitor.metrics import SelfMetrics
from monitor.providers import PROVIDERS
from monitor.runtime.clock import SystemClock
from monitor.store import Database

SECRET = "a-secret-of-this-test"
ACCOUNT = Account(
    name="a",
    provider="runware",
    api_key=SecretStr("unused"),
    base_url="http://127.0.0.1:9",
    webhook=Webhook(secret=SecretStr(SECRET), forward_to=SecretStr("http://127.0.0.1:9")),
)
HEAD = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"

Calling = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Call = Callable[..., Awaitable[Calling]]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path / 'monitor.db'}")
    yield opened
    opened.close()


@pytest.fixture
async def call(database: Database, registry: CollectorRegistry) -> AsyncIterator[Call]:
    """Connects as a vendor that says how long the body will be, and sends a part of it."""
    own, clock = SelfMetrics(registry), SystemClock()
    engine = Engine(database, lambda _: Catalogue(frozenset(), 100), own, clock)
    running = asyncio.create_task(engine.run())
    runner = Webhooks(lambda: {"a": ACCOUNT}, PROVIDERS, engine, own, clock).runner(1.0)
    await runner.setup()
    server = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", 0)
    writers: list[asyncio.StreamWriter] = []

    async def connect(length: int, part: bytes, header: str = "", path: str = f"/a/{SECRET}") -> Calling:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writers.append(writer)
        head = HEAD % (path, length, header)
        writer.write(head.encode() + part)
        await writer.drain()
        return reader, writer

    yield connect
    for writer in writers:
        writer.close()
    server.close()
    await runner.cleanup()
    await engine.stop()
    await running


async def status(calling: Calling) -> int:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return int((await calling[0].readline()).split()[1])


def waiting(database: Database) -> int:
    with database.begin() as connection:
        return delivery_rows.waiting(connection, "a")


def refused(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("genmedia_monitor_webhooks_total", {"account": "a", "event": "refused"})


@pytest.mark.parametrize(
    "path",
    [
        f"/a/{SECRET}/",
        f"/a/{SECRET}///",
        f"//a//{SECRET}",
        f"/a/{SECRET}?task=5&next=//x/",
        f"/a/{SECRET}/?",
        f"/%61/%{ord(SECRET[0]):x}{SECRET[1:]}",
        f"http://monitor.example.com/a/{SECRET}/",
    ],
)
async def test_a_webhook_is_kept_however_its_address_is_written(call: Call, database: Database, path: str) -> None:
    assert await status(await call(2, b"{}", path=path)) == 200
    assert waiting(database) == 1


@pytest.mark.parametrize("path", ["/a", "/", "//", f"/a/{SECRET}/x", f"/b/{SECRET}", f"/{SECRET}", f"/a/{SECRET[:-1]}"])
async def test_another_address_is_unknown(call: Call, database: Database, path: str) -> None:
    assert await status(await call(2, b"{}", path=path)) == 404
    assert waiting(database) == 0


async def test_no_more_than_sixteen_bodies_are_held_at_once(call: Call, database: Database) -> None:
    slow = [await call(3, b"{") for _ in range(MOST_AT_ONCE)]
    late = await call(2, b"{}")
    answer = asyncio.ensure_future(status(late))
    await asyncio.wait([answer], timeout=0.2)
    assert not answer.done()
    slow[0][1].write(b" }")
    assert (await status(slow[0]), await answer) == (200, 200)
    for _, writer in slow[1:]:
        writer.write(b" }")
    assert [await status(each) for each in slow[1:]] == [200] * (MOST_AT_ONCE - 1)
    assert waiting(database) == MOST_AT_ONCE + 1


async def test_a_body_that_does_not_come_is_refused_and_makes_room(
    call: Call, database: Database, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "READ_SECONDS", 0.05)
    slow = [await call(3, b"{") for _ in range(MOST_AT_ONCE)]
    assert await status(await call(2, b"{}")) == 200
    assert {await status(each) for each in slow} == {408}
    assert waiting(database) == 1
    assert refused(registry) == MOST_AT_ONCE


async def test_a_body_beyond_the_bound_is_refused_and_not_kept(
    call: Call, database: Database, registry: CollectorRegistry
) -> None:
    body = bytes(LARGEST_BODY_BYTES + 1)
    assert await status(await call(len(body), body)) == 413
    assert waiting(database) == 0
    assert refused(registry) == 1


async def test_a_malformed_body_and_a_store_that_fails_count_as_refused(
    call: Call, database: Database, registry: CollectorRegistry
) -> None:
    assert await status(await call(2, b"{}", "Content-Encoding: gzip\r\n")) == 400
    assert waiting(database) == 0
    with database.begin(write=True) as connection:
        connection.exec_driver_sql("DROP TABLE deliveries")
    assert await status(await call(2, b"{}")) == 503
    assert refused(registry) == 2


async def test_who_asks_first_is_told_to_go_on(call: Call, database: Database) -> None:
    reader, writer = await call(2, b"", "Expect: 100-continue\r\n")
    assert await status((reader, writer)) == 100
    assert await reader.readline() == b"\r\n"
    writer.write(b"{}")
    assert await status((reader, writer)) == 200
    assert waiting(database) == 1


async def test_one_that_is_too_large_to_be_read_goes_on_unread(
    call: Call, database: Database, registry: CollectorRegistry
) -> None:
    body = b"[" + b"1," * (1024 * 1024) + b"1]"
    assert await status(await call(len(body), body)) == 200
    assert waiting(database) == 1
    assert registry.get_sample_value("genmedia_monitor_observer_errors_total", {"stage": "decode"}) == 1
