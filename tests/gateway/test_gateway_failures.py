import asyncio
import json
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from wire import TASK, Call, HangUpError, Script, between, dechunk, gateway, get, post, reply, split, until

from monitor.observations import Outcome

HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" + b"x" * 40
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
HALF_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n10\r\nhal"


def patience(*, ends: bool) -> float:
    """Seconds for the gateway to wait: few only where they are to pass, so that no pause of the machine ends them."""
    return 0.3 if ends else 5.0


def sends(data: bytes, then: str) -> Script:
    """Send these bytes once the whole request is here, then close, reset or hang."""

    async def script(call: Call) -> None:
        await call.read_body()
        await call.send(data)
        await asyncio.sleep(0.05)
        if then == "reset":
            call.reset()
        if then == "hang":
            await asyncio.Event().wait()
        raise HangUpError

    return script


def own_error(raw: bytes) -> tuple[bytes, str, str]:
    """Status, header and text of an answer that must be the gateway's own."""
    lines, body = split(raw)
    document = json.loads(body)
    assert document["source"] == "genmedia-monitor"
    header = next(line for line in lines if line.startswith(b"X-Genmedia-Monitor: "))
    return lines[0].split(b" ")[1], header.partition(b": ")[2].decode(), document["error"]


async def test_a_vendor_that_refuses_the_connection_gives_502() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with gateway(origin) as front:
            status, header, text = own_error(await front.ask(post(b'{"model":"gen4.5"}')))
            assert (status, header) == (b"502", "unreachable")
            assert origin in text
            [seen] = front.sink.requests
            assert (seen.outcome, seen.code, seen.model) == (Outcome.UNREACHABLE, "none", "gen4.5")


async def test_a_vendor_whose_name_is_unknown_gives_502() -> None:
    async with gateway("http://vendor.invalid") as front:
        assert own_error(await front.ask(get()))[:2] == (b"502", "unreachable")


async def test_a_vendor_that_does_not_speak_tls_gives_502() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server, gateway(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as front:
        assert own_error(await front.ask(get()))[:2] == (b"502", "unreachable")


@pytest.fixture
def untrusted(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed (Debian: apt-get install openssl)")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_vendor_without_a_trusted_certificate_gives_502_and_is_sent_nothing(untrusted: ssl.SSLContext) -> None:
    received = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=untrusted)
    async with server, gateway(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as front:
        status, header, text = own_error(await front.ask(get()))
        assert (status, header) == (b"502", "unreachable")
        assert "certificate" in text
    assert received in ([], [b""])


async def test_a_vendor_that_accepts_no_connection_in_time_gives_504() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.settimeout(0)
            client.connect_ex(full.getsockname())
        async with gateway(f"http://127.0.0.1:{full.getsockname()[1]}", patience=0.2) as front:
            assert own_error(await front.ask(get()))[:2] == (b"504", "timeout")
            assert front.sink.requests[0].outcome is Outcome.TIMEOUT
        for client in waiting:
            client.close()


@pytest.mark.parametrize(
    ("data", "then", "expected"),
    [
        (b"", "close", (b"502", "unreachable", Outcome.UNREACHABLE)),
        (b"", "reset", (b"502", "unreachable", Outcome.UNREACHABLE)),
        (b"", "hang", (b"504", "timeout", Outcome.TIMEOUT)),
        (b"HTTP/1.1 200 OK\r\nConte", "hang", (b"504", "timeout", Outcome.TIMEOUT)),
        (b"HTTP/1.1 200 OK\r\nConte", "reset", (b"502", "unreachable", Outcome.UNREACHABLE)),
        (b"<html>not HTTP</html>\r\n\r\n", "close", (b"502", "truncated", Outcome.TRUNCATED)),
        (TWO_LENGTHS, "hang", (b"502", "truncated", Outcome.TRUNCATED)),
        (SWITCHING, "hang", (b"502", "truncated", Outcome.TRUNCATED)),
    ],
)
async def test_no_answer_gives_an_error_in_the_gateways_name(
    data: bytes, then: str, expected: tuple[bytes, str, Outcome]
) -> None:
    is_timeout = expected[-1] is Outcome.TIMEOUT
    async with between(sends(data, then), patience=patience(ends=is_timeout)) as (front, vendor):
        status, header, _ = own_error(await front.ask(post(b'{"model":"gen4.5"}')))
        [seen] = front.sink.requests
        assert (status, header, seen.outcome) == expected
        assert seen.code == "none"
        assert seen.model == "gen4.5"
        assert front.in_flight() == 0
    assert len(vendor.calls) == 1


async def test_the_vendors_own_errors_pass_as_they_are() -> None:
    html = reply(b"<html>Bad Gateway</html>", b"Content-Type: text/html", status=b"502 Bad Gateway")
    async with between(sends(html, "close")) as (front, _):
        lines, body = split(await front.ask(get()))
        assert lines[:2] == [b"HTTP/1.1 502 Bad Gateway", b"Content-Type: text/html"]
        assert body == b"<html>Bad Gateway</html>"
        assert front.sink.requests[0].outcome is Outcome.OVERLOADED
        assert front.sink.requests[0].code == "502"


@pytest.mark.parametrize("then", ["close", "reset", "hang"])
async def test_an_answer_that_breaks_off_breaks_off_for_the_client_too(then: str) -> None:
    async with between(sends(HALF, then), patience=patience(ends=then == "hang")) as (front, _):
        lines, body = split(await front.ask(get()))
        assert b"Content-Length: 100" in lines
        assert body == b"x" * 40
        [seen] = front.sink.requests
        assert seen.outcome is (Outcome.TIMEOUT if then == "hang" else Outcome.TRUNCATED)
        assert seen.code == "200"


@pytest.mark.parametrize("then", ["close", "reset", "hang"])
async def test_a_chunked_answer_that_breaks_off_gets_no_last_chunk(then: str) -> None:
    async with between(sends(HALF_CHUNKED, then), patience=patience(ends=then == "hang")) as (front, _):
        _, body = split(await front.ask(get()))
        assert body.startswith((b"4\r\nhalf\r\n", b"7\r\nhalfhal\r\n"))
        with pytest.raises(ValueError, match="no last chunk"):
            dechunk(body)


async def test_an_answer_that_ends_with_the_connection_is_reset_when_it_breaks_off() -> None:
    async with between(sends(HALF_CHUNKED, "close")) as (front, _):
        with pytest.raises(ConnectionResetError):
            await front.ask(get(version="1.0"))


async def test_a_request_is_sent_once_even_on_a_kept_connection_that_turns_out_dead() -> None:
    async def script(call: Call) -> None:
        if len(call.lines) and call.lines[0].startswith(b"GET /first"):
            await call.send(reply(b"1"))
        else:
            raise HangUpError

    async with between(script) as (front, vendor):
        assert (await front.ask(get("/runway/first"))).endswith(b"1")
        for method in ("GET", "DELETE", "PUT", "POST"):
            assert own_error(await front.ask(get("/runway/second", method=method)))[:2] == (b"502", "unreachable")
    assert len(vendor.calls) == 5


async def test_a_connection_that_the_vendor_closed_while_idle_is_not_used_again() -> None:
    async def script(call: Call) -> None:
        await call.send(reply(b"ok"))
        raise HangUpError

    async with between(script) as (front, vendor):
        for _ in range(3):
            assert (await front.ask(get())).endswith(b"ok")
            await vendor.closed.wait()
            vendor.closed.clear()
            await asyncio.sleep(0.02)
    assert vendor.connections == 3


async def test_connections_are_kept_on_both_sides() -> None:
    async def script(call: Call) -> None:
        await call.read_body()
        await call.send(reply(b"ok"))

    one = f"GET /runway/v1/tasks/{TASK} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    two = b'POST /runway/v1/text_to_video HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\n{"model":"gen4.5"}'
    async with between(script) as (front, vendor), front.connect() as (reader, writer):
        for raw in (one, two, one, two):
            writer.write(raw)
            await reader.readuntil(b"ok")
        writer.write(one + two + one)
        for _ in range(3):
            await reader.readuntil(b"ok")
    assert vendor.connections == 1
    assert len(vendor.calls) == 7


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
async def test_a_client_that_leaves_ends_the_vendors_exchange_at_once(sent: bytes) -> None:
    async def script(call: Call) -> None:
        await call.read_body()
        await call.send(sent)
        assert await call.reader.read() == b""
        raise HangUpError

    async with between(script) as (front, vendor):
        async with front.connect() as (reader, writer):
            writer.write(post(b'{"model":"gen4.5"}'))
            await until(lambda: bool(vendor.calls and vendor.calls[0].body))
            assert front.in_flight() == 1
            if sent:
                await reader.readuntil(b"half")
        await asyncio.wait_for(vendor.closed.wait(), 5)
        await until(lambda: bool(front.sink.requests))
        [seen] = front.sink.requests
        assert seen.outcome is Outcome.CLIENT_GONE
        assert seen.code == ("200" if sent else "none")
        assert seen.model == "gen4.5"
        assert front.in_flight() == 0


async def test_a_client_that_leaves_amid_its_upload_ends_the_vendors_exchange() -> None:
    async def script(call: Call) -> None:
        await call.read_body()

    async with between(script) as (front, vendor):
        async with front.connect() as (_, writer):
            writer.write(post(b'{"model":"gen4.5"}' + b" " * 100_000)[:-50_000])
            await until(lambda: bool(vendor.calls))
        await asyncio.wait_for(vendor.closed.wait(), 5)
        await until(lambda: bool(front.sink.requests))
        assert front.sink.requests[0].outcome is Outcome.CLIENT_GONE


async def test_a_client_whose_body_is_malformed_is_told_so() -> None:
    async def script(call: Call) -> None:
        await call.read_body()

    head = b"POST /runway/v1/uploads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with between(script) as (front, vendor):
        async with front.connect() as (reader, writer):
            writer.write(head + b"3\r\nabc\r\n")
            await until(lambda: bool(vendor.calls))
            writer.write(b"no chunk\r\n")
            raw = await asyncio.wait_for(reader.read(), 5)
        await asyncio.wait_for(vendor.closed.wait(), 5)
        assert raw.startswith(b"HTTP/1.1 400 ")
        assert json.loads(split(raw)[1].partition(b"HTTP/")[0])["source"] == "genmedia-monitor"
        assert front.sink.requests[0].outcome is Outcome.CLIENT_GONE


async def test_cleanup_lets_an_exchange_finish() -> None:
    release = asyncio.Event()

    async def script(call: Call) -> None:
        await release.wait()
        await call.send(reply(b"done"))

    async with between(script) as (front, vendor):
        asking = asyncio.create_task(front.ask(get()))
        await until(lambda: bool(vendor.calls))
        asyncio.get_running_loop().call_later(0.1, release.set)
    assert (await asking).endswith(b"done")
