import asyncio
import gzip

import pytest
from wire import Call, answers, between, dechunk, get, post, reply, split

JSON = b'{"id":"17f20503-6c24-4c16-946b-35dbbce2af2f","status":"RUNNING"}'


async def test_a_request_arrives_as_it_was_sent() -> None:
    fields = [
        b"accept: */*",
        b"X-Twice: one",
        b"x-twice: two",
        b"X-TWICE: three",
        b"Authorization: Bearer secret",
        b"X-Utf8: caf\xc3\xa9",
        b"X-Empty: ",
        b"Cookie: a=1; b=2",
    ]
    raw = b"\r\n".join([b"GET /runway/v1/x HTTP/1.1", b"Host: here:1", *fields, b"Connection: close", b"", b""])
    async with between(answers(reply(b""))) as (front, vendor):
        await front.ask(raw)
    host = b"Host: 127.0.0.1:%d" % vendor.port
    assert vendor.calls[0].lines == [b"GET /v1/x HTTP/1.1", host, *fields]


async def test_a_bare_request_gains_nothing_but_the_vendors_host() -> None:
    async with between(answers(reply(b""))) as (front, vendor):
        for method in ("GET", "DELETE", "POST", "PATCH", "OPTIONS"):
            await front.ask(get("/runway/v1/x", method=method))
    assert [call.lines[1:] for call in vendor.calls] == [[b"Host: 127.0.0.1:%d" % vendor.port]] * 5


async def test_an_answer_arrives_as_it_was_sent() -> None:
    fields = [
        b"content-type: application/json; charset=utf-8",
        b"apigw-requestid: Abc=",
        b"SET-cookie: a=1; Path=/",
        b"set-cookie: b=2",
        b"X-Latin1: caf\xe9",
    ]
    async with between(answers(reply(JSON, *fields, status=b"299 Custom Reason"))) as (front, _):
        lines, body = split(await front.ask(get()))
    assert lines == [b"HTTP/1.1 299 Custom Reason", *fields, b"Content-Length: %d" % len(JSON), b"Connection: close"]
    assert body == JSON


async def test_hop_by_hop_fields_stay_on_their_side() -> None:
    hops = ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: trailers", "Upgrade: h2c", "X-Mine: 1"]
    hops.append("Proxy-Authorization: Basic c2VjcmV0")
    lines = ["GET /runway/v1/x HTTP/1.1", "Host: a", *hops, "Connection: close, X-Mine, te", "X-End: 1", "", ""]
    raw = "\r\n".join(lines)
    answer = reply(b"ok", b"Keep-Alive: timeout=5", b"X-Theirs: 1", b"Connection: keep-alive, X-Theirs", b"X-End: 1")
    async with between(answers(answer)) as (front, vendor):
        lines, _ = split(await front.ask(raw.encode()))
    assert vendor.calls[0].lines[2:] == [b"X-End: 1"]
    assert lines[1:] == [b"X-End: 1", b"Content-Length: 2", b"Connection: close"]


async def test_a_websocket_upgrade_is_passed_as_a_plain_request_and_the_connection_goes_on() -> None:
    upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x"]
    raw = "\r\n".join(["GET /runway/v1/x HTTP/1.1", "Host: a", *upgrade, "", ""]).encode()
    async with between(answers(reply(b"no"))) as (front, vendor), front.connect() as (reader, writer):
        for _ in range(2):
            writer.write(raw)
            assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 200 OK")
    assert vendor.calls[0].header(b"upgrade") is None
    assert len(vendor.calls) == 2


@pytest.mark.parametrize("coding", ["gzip", "zstd", "made-up"])
async def test_compressed_bodies_pass_untouched_both_ways(coding: str) -> None:
    body = gzip.compress(JSON) if coding == "gzip" else b"\x00\xff any bytes"
    answer = reply(body, b"Content-Encoding: " + coding.encode())
    async with between(answers(answer)) as (front, vendor):
        lines, got = split(await front.ask(post(body, f"Content-Encoding: {coding}")))
    assert vendor.calls[0].body == body
    assert got == body
    assert b"Content-Encoding: " + coding.encode() in lines


async def test_a_body_with_a_length_keeps_it_and_a_chunked_one_stays_chunked() -> None:
    chunked = (
        b"POST /runway/v1/uploads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n"
    )
    async with between(answers(reply(b""))) as (front, vendor):
        await front.ask(post(b"hello"))
        await front.ask(chunked)
        await front.ask(post(b""))
    first, second, third = vendor.calls
    assert (first.header(b"content-length"), first.header(b"transfer-encoding"), first.body) == (b"5", None, b"hello")
    assert (second.header(b"content-length"), second.body) == (None, b"hello world")
    assert (third.header(b"content-length"), third.header(b"transfer-encoding")) == (b"0", None)


async def test_a_chunked_answer_stays_chunked_and_comes_piece_by_piece() -> None:
    release = asyncio.Event()

    async def script(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await release.wait()
        release.clear()
        await call.send(b"3\r\none\r\n")
        await release.wait()
        await call.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async with between(script) as (front, _), front.connect() as (reader, writer):
        writer.write(get())
        head = await reader.readuntil(b"\r\n\r\n")
        release.set()
        first = await reader.readuntil(b"one\r\n")
        release.set()
        rest = await reader.read()
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert dechunk(first + rest) == b"onetwo"


async def test_an_answer_that_ends_with_its_connection_is_framed_for_the_client() -> None:
    async def script(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nall of it")
        call.writer.close()

    async with between(script) as (front, _):
        modern, body = split(await front.ask(get()))
        old, old_body = split(await front.ask(get(version="1.0")))
    assert modern[1:] == [b"X-A: 1", b"Transfer-Encoding: chunked", b"Connection: close"]
    assert dechunk(body) == b"all of it"
    assert old[1:] == [b"X-A: 1", b"Connection: close"]
    assert old_body == b"all of it"


async def test_a_chunked_answer_to_an_http_1_0_client_ends_with_the_connection() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    async with between(answers(answer)) as (front, _):
        lines, body = split(await front.ask(b"GET /runway/v1/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
    assert lines[1:] == [b"Connection: close"]
    assert body == b"hi"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("DELETE", b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 99\r\n\r\n'),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"),
    ],
)
async def test_an_answer_without_a_body_keeps_its_head_and_both_connections(method: str, answer: bytes) -> None:
    raw = f"{method} /runway/v1/x HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    async with between(answers(answer)) as (front, vendor), front.connect() as (reader, writer):
        for _ in range(2):
            writer.write(raw)
            assert await reader.readuntil(b"\r\n\r\n") == answer
    assert vendor.connections == 1


async def test_an_answer_to_head_of_unknown_length_is_not_chunked() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-A: 1\r\n"
    async with between(answers(answer + b"\r\n")) as (front, _):
        assert await front.ask(get(method="HEAD")) == answer + b"Connection: close\r\n\r\n"


async def test_redirects_are_the_clients_to_follow() -> None:
    answer = reply(b"", b"Location: https://evil.invalid/", status=b"307 Temporary Redirect")
    async with between(answers(answer)) as (front, vendor):
        raw = await front.ask(post(b"{}"))
    assert raw.startswith(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://evil.invalid/\r\n")
    assert len(vendor.calls) == 1


async def test_cookies_of_one_answer_are_not_sent_with_the_next_request() -> None:
    async with between(answers(reply(b"", b"Set-Cookie: session=1"))) as (front, vendor):
        await front.ask(get())
        await front.ask(get())
    assert [call.header(b"cookie") for call in vendor.calls] == [None, None]


async def test_informational_answers_do_not_confuse_the_real_one() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with between(answers(early + reply(b"real"))) as (front, _):
        assert (await front.ask(get())).endswith(b"Connection: close\r\n\r\nreal")


async def test_large_header_fields_pass() -> None:
    large = b"X-Large: " + b"a" * 40_000
    async with between(answers(reply(b"", large))) as (front, vendor):
        lines, _ = split(await front.ask(get("/runway/v1/x", large.decode())))
    assert large in vendor.calls[0].lines
    assert large in lines


async def test_200_requests_at_once_each_get_their_own_answer() -> None:
    everybody = asyncio.Barrier(200)

    async def script(call: Call) -> None:
        await everybody.wait()
        await call.send(reply(call.lines[0].split(b" ")[1].rpartition(b"/")[2]))

    async with between(script) as (front, _):
        raws = await asyncio.gather(*(front.ask(get(f"/runway/v1/tasks/{number}")) for number in range(200)))
        assert [split(raw)[1] for raw in raws] == [str(number).encode() for number in range(200)]
        assert front.in_flight() == 0
        assert len(front.sink.requests) == 200
