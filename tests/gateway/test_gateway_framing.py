"""Answers that are framed oddly: what RFC 9112 lets a proxy repair arrives, what it does not is refused once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runware_stage import front as runware_front
from wire import Call, HangUpError, Script, answers, between, dechunk, get, post, split, until, vendor

from monitor.gateway.http.head_repair import UnreadableHead, repaired
from monitor.observations import Outcome

OK = b"HTTP/1.1 200 OK\r\n"
ID = b'{"id":"17f20503-6c24-4c16-946b-35dbbce2af2f"}'
LENGTH = b"Content-Length: %d" % len(ID)
CHUNKED = b"Transfer-Encoding: chunked"
IN_CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ID), ID)
CREATE = post(b'{"model":"gen4.5"}')


def head(*fields: bytes, start: bytes = OK) -> bytes:
    return start + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


REPAIRED = {
    "length and chunked": head(LENGTH, CHUNKED) + IN_CHUNKS,
    "chunked and a wrong length": head(CHUNKED, b"Content-Length: 7") + IN_CHUNKS,
    "the same length twice": head(LENGTH, LENGTH) + ID,
    "the same length in a list": head(LENGTH + b", %d" % len(ID)) + ID,
    "blank before the colon": head(b"X-Note : a", LENGTH) + ID,
    "tab before the colon": head(b"X-Note\t: a", LENGTH) + ID,
    "blank before the colon of the length": head(b"Content-Length : %d" % len(ID)) + ID,
    "blank before the colon of the coding": head(b"Transfer-Encoding : chunked") + IN_CHUNKS,
    "folded": head(b"X-Note: a\r\n  b\r\n\tc", LENGTH) + ID,
    "folded length": head(b"Content-Length:\r\n %d" % len(ID)) + ID,
    "blank line start": head(b" X-Note: a", LENGTH) + ID,
    "bare line feeds": head(b"X-Note: a", LENGTH).replace(b"\r\n", b"\n") + ID,
    "bare carriage return": head(b"X-Note: a\rb", LENGTH) + ID,
    "NUL": head(b"X-Note: a\0b", LENGTH) + ID,
    "empty lines first": b"\r\n\n" + head(LENGTH) + ID,
    "no reason": head(LENGTH, start=b"HTTP/1.1 200\r\n") + ID,
    "blanks in the status line": head(LENGTH, start=b"HTTP/1.1\t200  OK \r\n") + ID,
    "a minor version to come": head(LENGTH, start=b"HTTP/1.2 200 OK\r\n") + ID,
    "HTTP/1.0 and chunked": head(CHUNKED, start=b"HTTP/1.0 200 OK\r\n") + IN_CHUNKS,
    "chunked twice": head(CHUNKED, CHUNKED) + IN_CHUNKS,
    "chunked in capitals": head(b"TRANSFER-ENCODING: CHUNKED") + IN_CHUNKS,
    "identity": head(b"Transfer-Encoding: identity", LENGTH) + ID,
    "more than its length": head(LENGTH) + ID + b"more",
    "more than its chunks": head(CHUNKED) + IN_CHUNKS + b"more",
    "a second answer": (head(LENGTH) + ID) * 2,
    "chunk extensions": head(CHUNKED) + b'%x;a=b;c="d"\r\n%b\r\n0;x\r\n\r\n' % (len(ID), ID),
    "interim answers": head(b"Link : <a>", start=b"HTTP/1.1 103 Early Hints\r\n") * 3 + head(LENGTH) + ID,
    "1,900 fields": head(*(b"X-%d: a" % number for number in range(1_900)), LENGTH) + ID,
    "a field of 60 KiB": head(b"X-Large: " + b"a" * 60 * 1024, LENGTH) + ID,
}

REFUSED = {
    "lengths that differ": head(LENGTH, b"Content-Length: 7") + ID,
    "lengths that differ in a list": head(b"Content-Length: 45, 7") + ID,
    "a signed length": head(b"Content-Length: +45") + ID,
    "an empty length": head(b"Content-Length:") + ID,
    "a length beyond all bounds": head(b"Content-Length: " + b"9" * 40) + ID,
    "gzip, chunked": head(b"Transfer-Encoding: gzip, chunked") + IN_CHUNKS,
    "gzip": head(b"Transfer-Encoding: gzip") + ID,
    "xchunked": head(b"Transfer-Encoding: xchunked") + IN_CHUNKS,
    "a line without a colon": head(b"no field", LENGTH) + ID,
    "an empty name": head(b": a", LENGTH) + ID,
    "a blank in a name": head(b"X Note: a", LENGTH) + ID,
    "status 099": head(LENGTH, start=b"HTTP/1.1 099 No\r\n") + ID,
    "status 000": head(LENGTH, start=b"HTTP/1.1 000 No\r\n") + ID,
    "status 99": head(LENGTH, start=b"HTTP/1.1 99 No\r\n") + ID,
    "status 2000": head(LENGTH, start=b"HTTP/1.1 2000 No\r\n") + ID,
    "not HTTP": b"<html></html>\r\n\r\n",
    "3,000 fields": head(*(b"X-%d: a" % number for number in range(3_000)), LENGTH) + ID,
    "a head of 600 KiB": head(*(b"X-%d: " % number + b"a" * 60_000 for number in range(10)), LENGTH) + ID,
}


@pytest.mark.parametrize("answer", REPAIRED.values(), ids=REPAIRED)
async def test_an_oddly_framed_answer_to_a_create_arrives_whole(answer: bytes) -> None:
    async with between(answers(answer)) as (front, vendor):
        lines, body = split(await front.ask(CREATE))
        assert lines[0].startswith(b"HTTP/1.1 200")
        assert (dechunk(body) if CHUNKED in lines else body) == ID
        assert sum(line.lower().startswith((b"content-length", b"transfer-encoding")) for line in lines) == 1
        assert not any(b" :" in line or b"\t:" in line or b"\0" in line or b"\r" in line for line in lines)
        assert front.sink.requests[0].outcome is Outcome.SUCCESS
    assert len(vendor.calls) == 1


async def test_a_repaired_field_keeps_its_value() -> None:
    odd = head(b"X-Note : a", b"X-Fold: a\r\n  b\r\n\tc", b"X-Ctl: a\0b\rc", LENGTH) + ID
    async with between(answers(odd)) as (front, _):
        lines, _ = split(await front.ask(CREATE))
    assert lines[1:4] == [b"X-Note: a", b"X-Fold: a b c", b"X-Ctl: a b c"]


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
async def test_an_answer_that_means_nothing_for_certain_is_a_bad_gateway(answer: bytes) -> None:
    async with between(answers(answer)) as (front, vendor):
        lines, _ = split(await front.ask(CREATE))
        assert lines[0] == b"HTTP/1.1 502 Bad Gateway"
        assert b"X-Should-Retry: false" in lines
        assert front.sink.requests[0].outcome is Outcome.TRUNCATED
        assert front.sink.requests[0].code == "none"
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("extra", [b"more", head(LENGTH) + ID], ids=["bytes", "answer"])
async def test_what_follows_an_answer_unasked_is_never_taken_for_the_next_one(extra: bytes) -> None:
    number = iter(range(9))

    async def script(call: Call) -> None:
        await call.send(head(b"Content-Length: 1") + b"%d" % next(number) + extra)

    async with between(script) as (front, vendor):
        got = [split(await front.ask(get()))[1] for _ in range(3)]
    assert got == [b"0", b"1", b"2"]
    assert vendor.connections == 3


async def test_a_connection_that_was_framed_two_ways_is_not_used_again() -> None:
    async with between(answers(head(LENGTH, CHUNKED) + IN_CHUNKS)) as (front, vendor):
        for _ in range(2):
            await front.ask(get())
    assert vendor.connections == 2


@pytest.mark.parametrize("size", [1, 7])
async def test_a_head_in_pieces_is_repaired_too(size: int) -> None:
    answer = head(b"Link : a", start=b"HTTP/1.1 103 Early Hints\r\n") + head(b"X-Note : a", LENGTH, CHUNKED) + IN_CHUNKS

    async def script(call: Call) -> None:
        await call.read_body()
        for start in range(0, len(answer), size):
            await call.send(answer[start : start + size])
            await asyncio.sleep(0)

    async with between(script) as (front, _):
        lines, body = split(await front.ask(CREATE))
    assert lines[1:] == [b"X-Note: a", CHUNKED, b"Connection: close"]
    assert dechunk(body) == ID


def then(*parts: bytes) -> Script:
    """Send these parts one after the other, each by itself, and hang up."""

    async def script(call: Call) -> None:
        await call.read_body()
        for part in parts:
            await call.send(part)
            await asyncio.sleep(0.05)
        await call.reader.read()
        raise HangUpError

    return script


@pytest.mark.parametrize("chunk", [b"nonsense\r\n", b"2\r\nabc\r\n", b"0x2\r\nab\r\n"])
async def test_a_body_that_turns_out_malformed_ends_the_answer_at_once(chunk: bytes) -> None:
    async with between(then(head(CHUNKED), b"2\r\nok\r\n", chunk)) as (front, _):
        lines, body = split(await front.ask(get()))
        assert lines[0] == b"HTTP/1.1 200 OK"
        assert not body.endswith(b"0\r\n\r\n")
        await until(lambda: bool(front.sink.requests))
        assert front.sink.requests[0].outcome is Outcome.TRUNCATED


async def test_an_event_stream_with_an_odd_head_comes_event_by_event() -> None:
    release = asyncio.Event()

    async def script(call: Call) -> None:
        await call.read_body()
        begin = head(b"Content-Type : text/event-stream", b"Content-Length: 1", CHUNKED)
        await call.send(begin + b"9\r\ndata: 1\n\n\r\n")
        await release.wait()
        await call.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    async with between(script) as (front, _), front.connect() as (reader, writer):
        writer.write(CREATE)
        first = await reader.readuntil(b"data: 1\n\n\r\n")
        assert b"Content-Type: text/event-stream" in first
        release.set()
        assert (await reader.read()) == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"


@pytest.mark.parametrize("extra", [b"Content-Length: 0", b"Transfer-Encoding: chunked", b"X-Note : a"])
async def test_a_websocket_opens_with_an_oddly_framed_handshake(extra: bytes) -> None:
    ask = b"GET /runware/v1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    fields = [b"Upgrade : websocket", b"Connection\t: upgrade", extra]

    async def script(call: Call) -> None:
        await call.send(head(*fields, start=b"HTTP/1.1 101 Switching Protocols\r\n") + b"first")
        assert await call.reader.readexactly(4) == b"back"
        raise HangUpError

    async with (
        vendor(script) as server,
        runware_front(server.origin, server.origin.replace("http", "ws")) as front,
        front.connect() as (reader, writer),
    ):
        writer.write(ask)
        lines, _ = split(await reader.readuntil(b"\r\n\r\n"))
        assert await reader.readexactly(5) == b"first"
        writer.write(b"back")
        assert await reader.read() == b""
    assert lines[:3] == [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: upgrade"]


async def test_trailers_and_their_announcement_stay_on_their_side_both_ways() -> None:
    chunked = b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"
    request = (
        b"POST /runway/v1/uploads HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Sum\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close, TE\r\n\r\n" + chunked
    )

    async def script(call: Call) -> None:
        await call.read_body()
        await call.send(head(b"Trailer: X-Sum", CHUNKED) + chunked)

    async with between(script) as (front, vendor):
        lines, body = split(await front.ask(request))
    assert vendor.calls[0].lines[2:] == [CHUNKED]
    assert vendor.calls[0].body == b"a"
    assert lines[1:] == [CHUNKED, b"Connection: close"]
    assert dechunk(body) == b"a"


def test_a_well_formed_head_stays_the_same_object() -> None:
    for plain in (head(LENGTH), head(CHUNKED), head(b"X-Empty:", b"X: caf\xe9", start=b"HTTP/1.0 404 Not Found\r\n")):
        assert repaired(plain) is plain


NAMES = b"HTTP/1.1 200 OK|Content-Length|Transfer-Encoding|X-A|5|05|chunked|gzip|identity".split(b"|")
PIECES = st.sampled_from([*NAMES, b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b",", b"\0", b"\xff"])


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_any_head_is_refused_or_framed_one_way_for_good(rest: bytes) -> None:
    try:
        once = repaired(OK + rest + b"\r\n\r\n")
    except UnreadableHead:
        return
    assert repaired(once).count(b"\n") == once.count(b"\n")
    names = [line.partition(b":")[0].lower() for line in once.split(b"\r\n")[1:] if line]
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert all(name == name.strip() for name in names)
