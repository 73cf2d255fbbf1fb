import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from fake_runware import KEY, FakeRunware
from runware_stage import Front, front, stage
from wire import Call as VendorCall
from wire import ListSink, until, vendor

from monitor.observations import Kind, Outcome, TaskStatus
from monitor.providers import PROVIDERS
from monitor.providers.base import UnansweredTasks
from monitor.providers.runware import Runware

AUTH = {"taskType": "authentication", "apiKey": KEY}
U, V = "5f1c2f8a-7a7e-4c1b-9d55-000000000001", "5f1c2f8a-7a7e-4c1b-9d55-000000000002"
PATIENCE = 10


def image(uuid: str = U, **more: object) -> dict[str, object]:
    return {"taskType": "imageInference", "taskUUID": uuid, "model": "runware:100@1", "includeCost": True} | more


@asynccontextmanager
async def connected(gateway: Front, **options: Any) -> AsyncIterator[ClientWebSocketResponse]:
    """A client's WebSocket through the gateway."""
    async with (
        aiohttp.ClientSession() as session,
        asyncio.timeout(PATIENCE),
        session.ws_connect(gateway.ws_url, max_msg_size=0, **options) as ws,
    ):
        yield ws


async def say(ws: ClientWebSocketResponse, *items: dict[str, object]) -> dict[str, Any]:
    """Send a message and give the next one."""
    await ws.send_json(items)
    answer: dict[str, Any] = await ws.receive_json()
    return answer


def requests(gateway: Front) -> list[tuple[Kind, Outcome, str]]:
    return [(seen.kind, seen.outcome, seen.code) for seen in gateway.sink.requests]


def statuses(gateway: Front, task: str = U) -> list[TaskStatus]:
    return [seen.status for seen in gateway.sink.tasks if seen.task == task]


HANDSHAKE = (Kind.OTHER, Outcome.SUCCESS, "101")
AUTHENTICATED = (Kind.OTHER, Outcome.SUCCESS, "none")


@pytest.mark.parametrize("compress", [0, 15])
async def test_a_conversation_passes_and_is_understood(compress: int) -> None:
    async with stage() as (fake, gateway), connected(gateway, compress=compress) as ws:
        assert ws.compress == compress
        assert (await say(ws, AUTH))["data"][0]["taskType"] == "authentication"
        assert (await say(ws, {"taskType": "ping", "ping": True}))["data"] == [{"taskType": "ping", "pong": True}]
        first = await say(ws, image(numberResults=2))
        assert [first["data"][0]["cost"], (await ws.receive_json())["data"][0]["cost"]] == [0.0013, 0.0013]
        await until(lambda: len(gateway.sink.requests) == 4)
        assert requests(gateway) == [HANDSHAKE, AUTHENTICATED, AUTHENTICATED, (Kind.CREATE, Outcome.SUCCESS, "none")]
        assert (statuses(gateway)[0], statuses(gateway)[-1]) == (TaskStatus.PENDING, TaskStatus.SUCCEEDED)
        assert gateway.sink.tasks[-1].credits == pytest.approx(0.0026)
        assert fake.frames[-1] == [image(numberResults=2)]
        assert gateway.in_flight() == 0
        assert gateway.observer_errors("socket") == 0


@pytest.mark.parametrize("compress", [0, 15])
async def test_messages_of_many_megabytes_pass_both_ways_and_are_understood(compress: int) -> None:
    async with stage() as (fake, gateway), connected(gateway, compress=compress) as ws:
        fake.payload = 6 * 2**20
        seed = os.urandom(2**21).hex()
        answer = await say(ws, image(seedImage=seed))
        assert answer["data"][0]["imageBase64Data"] == "QUJD" * (fake.payload // 4)
        assert fake.frames[-1][0]["seedImage"] == seed
        await until(lambda: statuses(gateway) == [TaskStatus.PENDING, TaskStatus.SUCCEEDED])
        assert gateway.sink.tasks[-1].credits == 0.0013
        assert gateway.observer_errors("socket") == 0


@pytest.mark.parametrize("compress", [0, 15])
async def test_prose_of_megabytes_is_understood(compress: int) -> None:
    async with stage() as (fake, gateway), connected(gateway, compress=compress) as ws:
        await say(ws, AUTH)
        [there] = fake.sockets
        prose = 'Once, "upon" a time: {...}\n' * 100_000
        await there.send_json({"data": [{"taskType": "textInference", "taskUUID": "later", "text": prose}]})
        assert (await ws.receive_json())["data"][0]["text"] == prose
        await until(lambda: statuses(gateway, "later") == [TaskStatus.SUCCEEDED])
        assert gateway.observer_errors("socket") == 0


async def test_a_message_too_large_to_keep_is_lost_alone() -> None:
    async with stage() as (fake, gateway), connected(gateway) as ws:
        await say(ws, AUTH)
        [there] = fake.sockets
        await there.send_json({"data": [{"taskType": "imageInference", "taskUUID": V, "seeds": [0] * 2**20}]})
        await ws.receive_json()
        await say(ws, image())
        await until(lambda: statuses(gateway) == [TaskStatus.PENDING, TaskStatus.SUCCEEDED])
        assert requests(gateway)[-1] == (Kind.CREATE, Outcome.SUCCESS, "none")
        assert gateway.observer_errors("socket") == 1


async def test_an_acknowledged_task_is_polled_to_its_end() -> None:
    async with stage() as (_, gateway), connected(gateway) as ws:
        await say(ws, image(deliveryMethod="async"))
        for _ in range(2):
            last = await say(ws, {"taskType": "getResponse", "taskUUID": U})
        assert last["data"][0]["status"] == "success"
        await until(lambda: len(gateway.sink.requests) == 4)
        assert [kind for kind, _, _ in requests(gateway)[1:]] == [Kind.CREATE, Kind.POLL, Kind.POLL]
        assert {outcome for _, outcome, _ in requests(gateway)} == {Outcome.SUCCESS}
        assert statuses(gateway) == [TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.SUCCEEDED]


async def test_the_key_of_an_authentication_reaches_nothing() -> None:
    async with stage() as (_, gateway), connected(gateway) as ws:
        await say(ws, AUTH)
        await say(ws, AUTH | {"apiKey": "another-secret-key"})
        await until(lambda: len(gateway.sink.requests) == 3)
        assert requests(gateway)[-1] == (Kind.OTHER, Outcome.UNAUTHORIZED, "none")
        told = repr(gateway.sink.observations)
        assert KEY not in told
        assert "another-secret-key" not in told


async def test_subprotocol_query_and_headers_reach_the_vendor() -> None:
    async with stage() as (fake, gateway), aiohttp.ClientSession() as session:
        headers = {"X-SDK-Name": "js", "User-Agent": "sdk/1"}
        url = gateway.ws_url + "?sdk=js&version=1.3.2"
        async with session.ws_connect(url, protocols=("runware",), headers=headers) as ws:
            assert ws.protocol == "runware"
        [seen] = fake.handshakes
        assert (seen["X-SDK-Name"], seen["User-Agent"]) == ("js", "sdk/1")
        assert seen["Host"] == f"127.0.0.1:{fake.port}"
        assert seen["Connection"] == "Upgrade"


@pytest.mark.parametrize("code", [1000, 1009, 1011, 4001])
async def test_the_vendors_close_code_and_its_reason_reach_the_client(code: int) -> None:
    async with stage() as (fake, gateway), connected(gateway) as ws:
        fake.close_code = code
        await ws.send_json([image()])
        message = await ws.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, "restarting")
        await until(lambda: len(gateway.sink.requests) == 2)
        assert requests(gateway)[-1] == (Kind.CREATE, Outcome.TRUNCATED, "none")
        assert gateway.in_flight() == 0


async def test_the_clients_close_code_reaches_the_vendor() -> None:
    async with stage() as (fake, gateway):
        async with connected(gateway) as ws:
            await say(ws, AUTH)
            [there] = fake.sockets
            fake.mute = True
            await ws.send_json([image()])
            await until(lambda: len(fake.frames) == 2)
            await ws.close(code=4123, message=b"bye")
        await until(lambda: there.close_code == 4123)
        await until(lambda: len(gateway.sink.requests) == 3)
        assert requests(gateway)[-1] == (Kind.CREATE, Outcome.CLIENT_GONE, "none")


async def test_protocol_pings_pass_end_to_end() -> None:
    async with stage() as (fake, gateway), connected(gateway, autoping=False) as ws:
        await say(ws, AUTH)
        await ws.ping(b"are you there")
        answer = await ws.receive()
        assert (answer.type, answer.data) == (WSMsgType.PONG, b"are you there")
        [there] = fake.sockets
        await there.ping(b"and you")
        asked = await ws.receive()
        assert (asked.type, asked.data) == (WSMsgType.PING, b"and you")


async def test_a_client_that_vanishes_lets_the_vendor_go() -> None:
    async with stage() as (fake, gateway):
        _, writer = await raw_socket(gateway)
        fake.mute = True
        writer.write(frame(json.dumps([image()]).encode()))
        await until(lambda: gateway.in_flight() == 1 and bool(fake.frames))
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await until(lambda: not fake.sockets)
        await until(lambda: gateway.in_flight() == 0)
        assert requests(gateway)[-1] == (Kind.CREATE, Outcome.CLIENT_GONE, "none")


async def test_a_vendor_that_vanishes_lets_the_client_go() -> None:
    async with stage() as (fake, gateway), connected(gateway) as ws:
        fake.mute = True
        await ws.send_json([image()])
        await until(lambda: bool(fake.frames))
        [there] = fake.sockets
        transport = there._req.transport if there._req else None
        assert transport is not None
        transport.abort()
        assert (await ws.receive()).type in {WSMsgType.CLOSED, WSMsgType.CLOSE}
        await until(lambda: len(gateway.sink.requests) == 2)
        assert requests(gateway)[-1] == (Kind.CREATE, Outcome.TRUNCATED, "none")


async def test_a_session_is_resumed_on_a_new_connection_and_a_task_sent_again_counts_once() -> None:
    async with stage() as (fake, gateway):
        async with connected(gateway) as ws:
            session = (await say(ws, AUTH))["data"][0]["connectionSessionUUID"]
            await say(ws, image(deliveryMethod="async"))
        async with connected(gateway) as ws:
            await say(ws, AUTH | {"connectionSessionUUID": session})
            answer = await say(ws, image(deliveryMethod="async"))
            assert answer["errors"][0]["code"] == "conflictTaskUUID"
        assert fake.sessions == [None, session]
        creates = [seen for seen in gateway.sink.requests if seen.kind is Kind.CREATE]
        assert [(seen.retry, seen.outcome) for seen in creates] == [(False, Outcome.SUCCESS), (True, Outcome.SUCCESS)]
        assert {seen.task for seen in gateway.sink.tasks} == {U}


SWITCHING = b"""HTTP/1.1 101 Switching Protocols\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
\r
"""


def frame(payload: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A client's frame, masked."""
    mask, size = b"\x01\x02\x03\x04", len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([(0x80 if final else 0) | opcode]) + length + mask + masked


async def raw_socket(gateway: Front) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has become a WebSocket, to be spoken by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    lines = ["GET /runware/v1 HTTP/1.1", "Host: x", "Connection: keep-alive, Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    return reader, writer


async def test_a_message_in_fragments_with_control_frames_between_passes_and_is_understood() -> None:
    async with stage() as (fake, gateway):
        _, writer = await raw_socket(gateway)
        body = json.dumps([image()]).encode()
        parts = [body[start : start + 11] for start in range(0, len(body), 11)]
        wire = frame(parts[0], final=False)
        for part in parts[1:-1]:
            wire += frame(part, opcode=0, final=False) + frame(b"ping", opcode=9)
        wire += frame(parts[-1], opcode=0)
        for start in range(0, len(wire), 5):
            writer.write(wire[start : start + 5])
            await asyncio.sleep(0)
        await until(lambda: statuses(gateway) == [TaskStatus.PENDING, TaskStatus.SUCCEEDED])
        assert fake.frames == [[image()]]
        writer.close()


async def test_frames_sent_together_with_the_handshake_are_not_lost() -> None:
    async with stage() as (fake, gateway):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        lines = ["GET /runware/v1 HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        writer.write("\r\n".join(lines).encode() + frame(json.dumps([image()]).encode()))
        await until(lambda: len(statuses(gateway)) == 2)
        assert fake.frames == [[image()]]
        writer.close()


@pytest.mark.parametrize("junk", [b"\xff" * 64, frame(b"x")[:1].replace(b"\x81", b"\xc1") + frame(b"x")[1:]])
async def test_bytes_that_are_no_frames_pass_uncounted_until_the_vendor_closes(junk: bytes) -> None:
    async with stage() as (_, gateway):
        reader, writer = await raw_socket(gateway)
        writer.write(junk)
        async with asyncio.timeout(PATIENCE):
            await reader.read()
        assert gateway.observer_errors("socket") == 1
        assert requests(gateway) == [HANDSHAKE]
        writer.close()


class Blind(Runware):
    """A provider whose reader has a fault."""

    def socket(self, account: str, unanswered_tasks: UnansweredTasks) -> Any:
        raise RuntimeError(f"secret of {account}")


class ThrowingSink(ListSink):
    def put(self, observations: Any, source: str) -> None:
        raise RuntimeError("secret")


@pytest.mark.parametrize("fault", ["reader", "sink"])
async def test_a_fault_in_observing_is_counted_and_the_conversation_goes_on(fault: str) -> None:
    providers = PROVIDERS | ({"runware": Blind()} if fault == "reader" else {})
    sink = ThrowingSink() if fault == "sink" else ListSink()
    async with stage() as (fake, _), front(fake.origin, fake.ws_origin, providers, sink) as gateway:
        async with connected(gateway) as ws:
            await say(ws, AUTH)
            assert (await say(ws, image()))["data"][0]["taskUUID"] == U
        assert gateway.observer_errors("socket" if fault == "reader" else "sink") >= 1


async def test_a_handshake_that_the_vendor_refuses_is_its_own_answer() -> None:
    async with (
        stage() as (fake, _),
        front(fake.origin, fake.ws_origin + "/") as gateway,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(gateway.ws_url + "/elsewhere")
        assert refused.value.status == 404
        assert requests(gateway) == [(Kind.OTHER, Outcome.NOT_FOUND, "404")]


async def test_a_vendor_that_cannot_be_reached_is_a_502() -> None:
    async with front("http://127.0.0.1:1", "ws://127.0.0.1:1") as gateway, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(gateway.ws_url)
        assert refused.value.status == 502
        assert requests(gateway) == [(Kind.OTHER, Outcome.UNREACHABLE, "none")]


async def test_a_slow_client_holds_the_vendor_back() -> None:
    async with stage() as (fake, gateway):
        reader, writer = await raw_socket(gateway)
        fake.payload = 2**25
        writer.write(frame(json.dumps([image()]).encode()))
        await until(lambda: U in fake.ends)
        [there] = fake.sockets
        transport = there._req.transport if there._req else None
        assert transport is not None
        await asyncio.sleep(0.2)
        assert transport.get_write_buffer_size() > 2**23
        async with asyncio.timeout(PATIENCE):
            assert len(await reader.readexactly(fake.payload)) == fake.payload
        await until(lambda: TaskStatus.SUCCEEDED in statuses(gateway))
        writer.close()


async def test_a_slow_vendor_holds_the_client_back() -> None:
    shaken, read_on = asyncio.Event(), asyncio.Event()
    payload, received = os.urandom(2**25), bytearray()

    async def script(call: VendorCall) -> None:
        call.writer.write(SWITCHING)
        shaken.set()
        await read_on.wait()
        while data := await call.reader.read(2**16):
            received.extend(data)

    async with vendor(script) as server, front(server.origin, server.origin.replace("http", "ws")) as gateway:
        _, writer = await raw_socket(gateway)
        await shaken.wait()
        writer.write(payload)
        await asyncio.sleep(0.2)
        assert writer.transport.get_write_buffer_size() > 2**23
        read_on.set()
        await until(lambda: len(received) == len(payload))
        assert received == payload
        writer.close()


async def test_idle_sockets_end_at_once_when_the_gateway_stops_and_busy_ones_after_their_answer() -> None:
    async with stage() as (fake, gateway), aiohttp.ClientSession() as session:
        idle = await session.ws_connect(gateway.ws_url)
        await say(idle, AUTH)
        forwarder = gateway.runner._forwarder
        busy = await session.ws_connect(gateway.ws_url)
        await say(busy, AUTH)
        fake.mute = True
        await busy.send_json([image()])
        await until(lambda: gateway.in_flight() == 1)
        forwarder.drain_sockets()
        async with asyncio.timeout(PATIENCE):
            assert (await idle.receive()).type is WSMsgType.CLOSED
        [there] = [each for each in fake.sockets if not each.closed]
        await there.send_json({"data": fake.answer(image())[0]})
        assert (await busy.receive_json())["data"][0]["taskUUID"] == U
        async with asyncio.timeout(PATIENCE):
            assert (await busy.receive()).type is WSMsgType.CLOSED


async def test_what_is_under_way_when_the_gateway_stops_has_the_time_to_end_that_was_given_once() -> None:
    async with stage() as (fake, gateway), connected(gateway) as ws:
        fake.mute = True
        await ws.send_json([image()])
        await until(lambda: gateway.in_flight() == 1)
        [connection] = gateway.runner.server.connections
        ticks = 0
        stopping = asyncio.ensure_future(connection.shutdown(0.4))
        while not stopping.done():
            await asyncio.sleep(0.1)
            ticks += 1
        assert ticks <= 6
        await until(lambda: gateway.in_flight() == 0)


async def test_an_upgrade_to_anything_else_stays_an_ordinary_request() -> None:
    async with stage() as (_, gateway):
        lines = ["GET /runware/v1 HTTP/1.1", "Host: x", "Connection: Upgrade, close", "Upgrade: h2c", "", ""]
        with suppress(ConnectionError):
            answer = await gateway.ask("\r\n".join(lines).encode())
        assert b" 101 " not in answer.split(b"\r\n")[0]


async def test_http_goes_to_the_http_origin_and_sockets_to_theirs() -> None:
    async with stage() as (one, _), stage() as (other, _), front(one.origin, other.ws_origin) as gateway:
        async with connected(gateway) as ws:
            await say(ws, AUTH)
        async with aiohttp.ClientSession() as session:
            await session.post(gateway.http_url, json=[image()], headers={"Authorization": f"Bearer {KEY}"})
        assert (len(one.posts), len(one.frames), len(other.posts), len(other.frames)) == (1, 0, 0, 1)


def test_the_fake_is_what_the_tests_take_it_for() -> None:
    fake = FakeRunware()
    assert fake.answer(image())[0][0]["status"] == "success"
    assert fake.answer(image())[1][0]["code"] == "conflictTaskUUID"
