"""WebSockets that bring more than anybody could look at beside the traffic."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from gateway.wire import Call, ListSink, until, vendor
from hostile.bombs import MIB, deflated, frame
from hostile.conftest import Beats
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Account, GatewayConfig
from monitor.gateway import build_gateway
from monitor.gateway.observe.observer import Observer
from monitor.gateway.websocket.observer import SocketObserver
from monitor.http.network import Network
from monitor.metrics import SelfMetrics
from monitor.providers import PROVIDERS
from monitor.providers.base import UnansweredTasks
from monitor.providers.http import Failure
from monitor.providers.runware.pending import MAX_PENDING_TASKS
from monitor.runtime.clock import ManualClock

READ_BYTES = 256 * 1024
COMPRESSED = 0x80 | 0x40
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
FLOODS = {
    "messages": frame(b"{}") * (READ_BYTES // 8),
    "pings": frame(b"", 9) * (READ_BYTES // 6),
    "fragments": frame(b"", first=0) + frame(b"", 0, first=0) * (READ_BYTES // 6),
    "arrays": frame(b"[" + b"{}," * 999 + b"{}]") * (READ_BYTES // 3011),
    "zeros": frame(deflated(bytes(MIB), 200), first=COMPRESSED),
    "brackets": frame(deflated(b"[" * MIB, 200), first=COMPRESSED),
    "quotes": frame(deflated(b'{"a":"' * (MIB // 6), 200), first=COMPRESSED),
    "bombs": frame(deflated(b"[{}," * (MIB // 4), 10), first=COMPRESSED) * 20,
}


@dataclass
class Watched:
    """A watch of one WebSocket, and what it tells."""

    watch: SocketObserver
    sink: ListSink
    registry: CollectorRegistry

    @property
    def errors(self) -> float:
        return self.registry.get_sample_value("genmedia_monitor_observer_errors_total", {"stage": "socket"}) or 0

    @property
    def in_flight(self) -> float:
        return self.registry.get_sample_value("genmedia_requests_in_flight", {"provider": "runware", "account": "a"})


@pytest.fixture
def watched() -> Watched:
    sink, registry = ListSink(), CollectorRegistry()
    own = SelfMetrics(registry)
    account = Account(name="a", provider="runware", api_key=SecretStr("unused"), base_url="http://127.0.0.1:9")
    observer, in_flight = Observer(sink, own, ManualClock()), own.in_flight.labels("runware", "a")
    watch = SocketObserver(observer, account, PROVIDERS["runware"], "", "permessage-deflate", in_flight)
    return Watched(watch, sink, registry)


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("side", ["client_bytes", "provider_bytes"])
async def test_one_read_full_of_work_gives_way_to_the_rest(
    watched: Watched, flood: str, side: str, beats: Beats
) -> None:
    await asyncio.sleep(0)
    getattr(watched.watch, side)(FLOODS[flood])
    before, has_waited = beats.count, watched.watch.is_behind
    await until(lambda: not watched.watch.is_behind)
    if flood != "zeros":
        assert has_waited
        assert beats.count > before
    watched.watch.end(Failure.CLIENT_GONE)
    await until(lambda: watched.watch.is_idle)
    assert watched.in_flight == 0


async def test_what_waits_is_read_in_order_and_to_its_end(watched: Watched) -> None:
    watch, number = watched.watch, 3_000
    for index in range(number):
        watch.client_bytes(frame(b'[{"taskType":"getResponse","taskUUID":"task-%d"}]' % index))
        watch.provider_bytes(frame(b'{"data":[{"taskType":"getResponse","taskUUID":"task-%d"}]}' % index, masked=False))
    watch.end(Failure.CLIENT_GONE)
    await until(lambda: watch.is_idle)
    assert [seen.outcome for seen in watched.sink.requests] == ["success"] * number
    assert watched.errors == 0


async def test_a_socket_that_stays_behind_is_watched_no_more_and_counted(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.gateway.websocket.observer.MOST_TURNS_BEHIND", 3)
    watched.watch.client_bytes(FLOODS["messages"] * 4)
    await until(lambda: watched.errors == 1)
    assert watched.in_flight == 0
    told = len(watched.sink.observations)
    watched.watch.client_bytes(FLOODS["messages"])
    assert len(watched.sink.observations) == told


async def test_bytes_that_wait_are_bounded(watched: Watched) -> None:
    for _ in range(80):
        watched.watch.client_bytes(FLOODS["messages"])
    assert watched.watch.is_behind
    await until(lambda: watched.errors == 1)
    assert watched.in_flight == 0


def test_tasks_that_await_an_answer_are_bounded_however_many_a_message_has() -> None:
    reader = PROVIDERS["runware"].socket("a", UnansweredTasks())
    assert reader is not None
    for _ in range(100):
        reader.sent([{}] * 1000, frozenset(), 1.0)
    assert reader.pending <= MAX_PENDING_TASKS // 1000


async def test_a_flood_passes_unchanged_and_other_requests_with_it() -> None:
    """Four megabytes of messages, and a message that is a bomb, through a real gateway."""
    flood, got = FLOODS["messages"] * 16 + FLOODS["brackets"], bytearray()

    async def script(call: Call) -> None:
        if call.header(b"upgrade") is None:
            await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        await call.send(SWITCH)
        while part := await call.reader.read(READ_BYTES):
            got.extend(part)

    async with vendor(script) as server:
        ws_origin = server.origin.replace("http", "ws")
        account = Account(
            name="a", provider="runware", api_key=SecretStr("unused"), base_url=server.origin, ws_url=ws_origin
        )
        own, clock = SelfMetrics(CollectorRegistry()), ManualClock()
        runner = build_gateway(
            lambda: {"a": account}, PROVIDERS, ListSink(), own, clock, GatewayConfig(), Network({}), 0.2
        )
        await runner.setup()
        listener = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a/v1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.write(flood)
        for _ in range(5):
            other, asking = await asyncio.open_connection("127.0.0.1", port)
            asking.write(b"GET /a/v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert (await other.read()).endswith(b"ok")
            asking.close()
        await until(lambda: len(got) == len(flood))
        assert got == flood
        writer.close()
        listener.close()
        await runner.cleanup()
