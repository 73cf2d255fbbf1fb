"""What cannot be seen from outside of the daemon: how long and how often it tries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from helpers_collect import until
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Webhook
from monitor.engine.engine import Engine
from monitor.errors import StoreError
from monitor.http.network import Network
from monitor.ingest import delivery_rows
from monitor.ingest.application import Sender
from monitor.ingest.delivery_rows import KEEP_SECONDS
from monitor.ingest.forwarding import MOST_AT_ONCE, Deliveries
from monitor.metrics import SelfMetrics
from monitor.polling.clock_steps import Steps
from monitor.polling.schedule import Schedule
from monitor.runtime.clock import ManualClock
from monitor.simulator.shared.server import serve
from monitor.store import Database


class Application:
    """Answers with a status, once it is let."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.open = self.most_open = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        await self.may_answer.wait()
        self.open -= 1
        return web.Response(status=self.status)


@pytest.fixture
async def application() -> Application:
    return Application()


@pytest.fixture
async def forwarding(
    application: Application, database: Database, engine: Engine, own: SelfMetrics, clock: ManualClock
) -> AsyncIterator[Deliveries]:
    schedule = Schedule(own, clock)
    schedule.start()
    app = web.Application()
    app.router.add_post("/hooks", application.handle)
    async with serve(app) as origin:
        sender = Sender()
        webhook = Webhook(secret=SecretStr("unused"), forward_to=SecretStr(f"{origin}/hooks"))
        way = Network({}).way(origin)
        yield Deliveries("a", webhook, way, database, engine, schedule, sender, own, clock, Steps(clock), lambda: 0.0)
        application.may_answer.set()
        await schedule.drain(5)
        await sender.aclose()


@pytest.fixture
def count(registry: CollectorRegistry) -> Callable[[str], float]:
    return lambda event: (
        registry.get_sample_value("genmedia_monitor_webhooks_total", {"account": "a", "event": event}) or 0
    )


def keep(database: Database, clock: ManualClock, *bodies: bytes) -> None:
    with database.begin(write=True) as connection:
        for body in bodies:
            assert delivery_rows.add(connection, "a", "", body, clock.now())


def waiting(database: Database) -> int:
    with database.begin() as connection:
        return delivery_rows.waiting(connection, "a")


async def test_delays_grow_until_the_application_takes_it(application, forwarding, database, clock, count) -> None:
    keep(database, clock, b"x")
    application.status = 500
    for attempt, delay in enumerate([2, 4, 8, 16], start=1):
        await forwarding.run()
        await until(lambda attempt=attempt: count("failed") == attempt and not forwarding._under_way)
        clock.advance(delay - 0.5)
        await forwarding.run()
        assert len(application.bodies) == attempt
        clock.advance(0.5)
    application.status = 204
    await forwarding.run()
    await until(lambda: waiting(database) == 0)
    assert application.bodies == [b"x"] * 5
    assert (count("forwarded"), count("dropped")) == (1, 0)


async def test_after_three_days_it_is_dropped_and_counted(application, forwarding, database, clock, count) -> None:
    keep(database, clock, b"x")
    application.status = 500
    clock.advance(KEEP_SECONDS + 1)
    await forwarding.run()
    await until(lambda: waiting(database) == 0)
    assert count("dropped") == 1


async def test_a_slow_application_gets_eight_at_once_and_none_twice(application, forwarding, database, clock) -> None:
    keep(database, clock, *(b"%d" % number for number in range(20)))
    application.may_answer.clear()
    for _ in range(3):
        await forwarding.run()
    await until(lambda: len(application.bodies) == 8)
    application.may_answer.set()
    await until(lambda: not waiting(database))
    assert sorted(application.bodies) == sorted(b"%d" % number for number in range(20))


async def test_a_store_that_takes_nothing_lets_nothing_be_sent_again(
    application, forwarding, database, engine, clock, monkeypatch
) -> None:
    keep(database, clock, b"x")
    works = engine.write

    async def fails(operation, work):
        raise StoreError("full")

    monkeypatch.setattr(engine, "write", fails)
    await forwarding.run()
    await until(lambda: bool(application.bodies) and not forwarding._under_way)
    for _ in range(3):
        with pytest.raises(StoreError):
            await forwarding.run()
    monkeypatch.setattr(engine, "write", works)
    await forwarding.run()
    assert (application.bodies, waiting(database)) == ([b"x"], 0)


async def test_the_next_starts_when_a_place_frees_so_that_a_backlog_drains_without_a_tick(
    application, forwarding, database, clock
) -> None:
    keep(database, clock, *(b"%d" % number for number in range(1200)))
    await forwarding.run()
    await until(lambda: len(application.bodies) == 1200 and not forwarding._under_way)
    await until(lambda: waiting(database) == 0)
    assert len(set(application.bodies)) == 1200
    assert application.most_open <= MOST_AT_ONCE


async def test_an_application_that_does_not_answer_holds_up_no_other(
    application, forwarding, database, engine, own, clock
) -> None:
    keep(database, clock, *(b"slow" for _ in range(30)))
    application.may_answer.clear()
    await forwarding.run()
    await until(lambda: application.open == MOST_AT_ONCE)
    other = Application()
    app = web.Application()
    app.router.add_post("/hooks", other.handle)
    async with serve(app) as origin:
        webhook = Webhook(secret=SecretStr("unused"), forward_to=SecretStr(f"{origin}/hooks"))
        parts = (database, engine, forwarding._schedule, forwarding._sender, own, clock, Steps(clock), lambda: 0.0)
        beside = Deliveries("b", webhook, Network({}).way(origin), *parts)
        with database.begin(write=True) as connection:
            for _ in range(30):
                assert delivery_rows.add(connection, "b", "", b"quick", clock.now())
        await beside.run()
        await until(lambda: len(other.bodies) == 30 and not beside._under_way and not beside._ends)
        beside.stop()
    assert application.bodies == [b"slow"] * MOST_AT_ONCE


async def test_what_is_stopped_begins_nothing_more(application, forwarding, database, clock) -> None:
    keep(database, clock, *(b"%d" % number for number in range(30)))
    application.may_answer.clear()
    await forwarding.run()
    await until(lambda: application.open == MOST_AT_ONCE)
    forwarding.stop()
    application.may_answer.set()
    await until(lambda: not forwarding._under_way and not forwarding._ends)
    assert (len(application.bodies), waiting(database)) == (MOST_AT_ONCE, 30 - MOST_AT_ONCE)


async def test_bodies_read_ahead_are_bounded_in_bytes(database, clock) -> None:
    keep(database, clock, b"x" * 20_000_000, b"y" * 20_000_000, b"z")
    with database.begin() as connection:
        assert [each.body[:1] for each in delivery_rows.due(connection, "a", clock.now(), 8, set())] == [b"x"]


async def test_a_clock_that_steps_forward_drops_nothing_that_is_young(
    application, forwarding, database, clock, count
) -> None:
    keep(database, clock, b"x")
    application.status = 500
    clock.step(40 * 86400.0)
    await forwarding.run()
    await until(lambda: count("failed") == 1 and not forwarding._ends)
    assert (count("dropped"), waiting(database)) == (0, 1)
