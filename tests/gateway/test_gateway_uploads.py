import asyncio
import tracemalloc

import pytest
from wire import Call, answers, between, gateway, post, reply, split, until, vendor

from monitor.observations import Outcome

MIB = 1024 * 1024
IMAGE = b"iVBORw0KGgo" * 6000
ACCEPTED = reply(b'{"id":"17f20503-6c24-4c16-946b-35dbbce2af2f"}', b"Content-Type: application/json")


async def pour(writer: asyncio.StreamWriter, before: bytes, filler: int, after: bytes) -> None:
    """Send a JSON body with one string of `filler` bytes in its middle."""
    total = len(before) + filler + len(after)
    head = f"POST /runway/v1/image_to_video HTTP/1.1\r\nHost: a\r\nContent-Length: {total}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + before)
    while filler > 0:
        writer.write(IMAGE[:filler])
        filler -= len(IMAGE)
        await writer.drain()
    writer.write(after)
    await writer.drain()


async def swallow(call: Call) -> None:
    """Take the body slowly, keep only its size."""
    left = int(call.header(b"content-length") or 0)
    while left:
        left -= len(await call.reader.read(min(left, 256 * 1024)))
        await asyncio.sleep(0)
    await call.send(ACCEPTED)


@pytest.mark.parametrize(
    ("before", "after", "model"),
    [
        (b'{"model":"gen4_turbo","promptImage":"', b'"}', "gen4_turbo"),
        (b'{"promptImage":"', b'","model":"gen4_turbo"}', "unknown"),
    ],
)
async def test_40_mib_of_base64_pass_in_bounded_memory(before: bytes, after: bytes, model: str) -> None:
    async with between(swallow) as (front, _), front.connect() as (reader, writer):
        tracemalloc.start()
        await pour(writer, before, 40 * MIB, after)
        answer = await asyncio.wait_for(reader.read(), 30)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert [seen.model for seen in front.sink.requests] == [model]
    assert peak < 4 * MIB


async def test_a_model_at_the_end_of_15_mib_is_found() -> None:
    async with between(swallow) as (front, _), front.connect() as (reader, writer):
        await pour(writer, b'{"promptImage":"', 15 * MIB, b'","model":"gen4_turbo"}')
        await asyncio.wait_for(reader.read(), 30)
        assert [seen.model for seen in front.sink.requests] == ["gen4_turbo"]
        assert [seen.model for seen in front.sink.tasks] == ["gen4_turbo"]


async def test_a_client_is_held_back_while_the_vendor_does_not_read() -> None:
    resume = asyncio.Event()

    async def script(call: Call) -> None:
        await resume.wait()
        await swallow(call)

    async with between(script) as (front, _), front.connect() as (reader, writer):
        pouring = asyncio.create_task(pour(writer, b'{"model":"gen4_turbo","promptImage":"', 40 * MIB, b'"}'))
        await asyncio.sleep(0.3)
        assert not pouring.done()
        resume.set()
        await asyncio.wait_for(pouring, 30)
        assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 200 OK")


async def test_a_vendor_is_held_back_while_the_client_does_not_read() -> None:
    sent = 0

    async def script(call: Call) -> None:
        nonlocal sent
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (600 * len(IMAGE)))
        for _ in range(600):
            await call.send(IMAGE)
            sent += len(IMAGE)

    async with between(script) as (front, _), front.connect() as (reader, writer):
        writer.transport.pause_reading()
        writer.write(b"GET /runway/v1/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(0.4)
        held = sent
        await asyncio.sleep(0.2)
        assert 0 < sent == held < 600 * len(IMAGE)
        writer.transport.resume_reading()
        _, body = split(await asyncio.wait_for(reader.read(), 30))
        assert body == IMAGE * 600


async def test_a_vendor_that_stops_taking_a_body_gives_504() -> None:
    async def script(call: Call) -> None:
        call.writer.transport.pause_reading()
        await asyncio.Event().wait()

    async with between(script, patience=0.3) as (front, server), front.connect() as (reader, writer):
        pouring = asyncio.create_task(pour(writer, b'{"model":"gen4_turbo","promptImage":"', 40 * MIB, b'"}'))
        raw = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        assert raw.startswith(b"HTTP/1.1 504 ")
        [seen] = front.sink.requests
        assert (seen.outcome, seen.model) == (Outcome.TIMEOUT, "gen4_turbo")
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
    assert len(server.calls) == 1


async def test_an_answer_before_the_end_of_the_upload_reaches_the_client() -> None:
    async def script(call: Call) -> None:
        await call.send(reply(b'{"error":"too large"}', status=b"413 Content Too Large"))
        await asyncio.Event().wait()

    async with between(script) as (front, _), front.connect() as (reader, writer):
        pouring = asyncio.create_task(pour(writer, b'{"model":"gen4_turbo","promptImage":"', 20 * MIB, b'"}'))
        raw = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        assert raw.startswith(b"HTTP/1.1 413 Content Too Large")
        await asyncio.gather(pouring, return_exceptions=True)
        assert front.sink.requests[0].code == "413"


EXPECTING = b"POST /runway/v1/text_to_video HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 18\r\n\r\n"
BODY = b'{"model":"gen4.5"}'


async def test_the_vendor_decides_whether_the_client_may_continue() -> None:
    allow = asyncio.Event()

    async def script(call: Call) -> None:
        await allow.wait()
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await call.read_body()
        await call.send(ACCEPTED)

    async with between(script) as (front, server), front.connect() as (reader, writer):
        writer.write(EXPECTING)
        await until(lambda: bool(server.calls))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting := asyncio.create_task(reader.readuntil(b"\r\n\r\n"))), 0.1)
        allow.set()
        assert await waiting == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 OK")
        assert server.calls[0].header(b"expect") == b"100-continue"
        assert server.calls[0].body == BODY


async def test_a_refusal_in_place_of_100_continue_ends_the_connection() -> None:
    async def script(call: Call) -> None:
        await call.send(reply(b"{}", status=b"401 Unauthorized"))

    async with between(script) as (front, _), front.connect() as (reader, writer):
        writer.write(EXPECTING)
        raw = await reader.readuntil(b"{}")
        assert raw.startswith(b"HTTP/1.1 401 Unauthorized")
        assert b"Connection: close" in raw


async def test_a_vendor_that_knows_no_100_continue_gets_the_body_after_a_moment() -> None:
    async with between(answers(ACCEPTED)) as (front, server), front.connect() as (reader, writer):
        writer.write(EXPECTING)
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 OK")
        assert server.calls[0].body == BODY


async def test_a_client_that_expects_nothing_hears_no_100() -> None:
    async with vendor(answers(ACCEPTED)) as server, gateway(server.origin) as front:
        assert (await front.ask(post(BODY))).startswith(b"HTTP/1.1 200 OK")
