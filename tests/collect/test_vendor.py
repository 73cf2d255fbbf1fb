from __future__ import annotations

import asyncio
import gzip
import tracemalloc

import brotli
import pytest
from backports import zstd
from helpers_collect import wire
from pydantic import SecretStr

from monitor.config import Account
from monitor.http.clients import Clients
from monitor.http.network import Network
from monitor.polling import provider_client as vendor_module
from monitor.polling.provider_client import MOST_BODY_BYTES, Vendor
from monitor.providers import PROVIDERS
from monitor.providers.http import Call, Failure
from monitor.runtime.clock import ManualClock

KEY = "key_" + "f" * 128
READ = Call("GET", "/v1/organization")


def account_at(base_url: str) -> Account:
    return Account(name="production", provider="runway", api_key=SecretStr(KEY), base_url=base_url)


def reply(body: bytes, head: str = "", length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{head}\r\n".encode() + body


class Peer:
    """Sends the given bytes to every request, and closes the connection or leaves it open."""

    def __init__(self, answer: bytes, *, hangs: bool = False) -> None:
        self.requests: list[str] = []
        self._answer = answer
        self._hangs = hangs

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self._answer)
        await writer.drain()
        if self._hangs:
            await reader.read()
        writer.close()


@pytest.mark.parametrize(
    ("answer", "status", "body", "failure"),
    [
        (reply(b"{}"), 200, b"{}", None),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, b"busy", None),
        (reply(b"{", length=100), 200, b"", Failure.TRUNCATED),
        (reply(b"x" * (MOST_BODY_BYTES + 1)), 200, b"", Failure.TRUNCATED),
        (reply(b"not gzip", "Content-Encoding: gzip\r\n"), 200, b"", Failure.TRUNCATED),
        (reply(gzip.compress(brotli.compress(b"{}")), "Content-Encoding: br, gzip\r\n"), 200, b"{}", None),
        (reply(zstd.compress(b"{}"), "Content-Encoding: zstd\r\n"), 200, b"{}", None),
        (reply(b"{}", "Content-Encoding: made-up\r\n"), 200, b"", Failure.TRUNCATED),
        (b"", None, b"", Failure.UNREACHABLE),
        (b"rubbish\r\n\r\n", None, b"", Failure.UNREACHABLE),
    ],
    ids=["whole", "error", "half", "huge", "badly packed", "packed", "zstd", "unknown coding", "nothing", "rubbish"],
)
async def test_whatever_comes_back_becomes_an_exchange(
    vendor: Vendor, answer: bytes, status: int | None, body: bytes, failure: Failure | None
) -> None:
    async with wire(Peer(answer)) as origin:
        exchange = await vendor.exchange(account_at(origin), READ)

    assert (exchange.status, exchange.body, exchange.failure) == (status, body, failure)
    assert (exchange.account, exchange.by_client, exchange.route.endpoint) == ("production", False, "/v1/organization")


async def test_a_body_that_grows_out_of_proportion_is_never_inflated(vendor: Vendor) -> None:
    bomb = brotli.compress(bytes(128 * 1024 * 1024), quality=1)
    async with wire(Peer(reply(bomb, "Content-Encoding: br\r\n"))) as origin:
        tracemalloc.start()
        exchange = await vendor.exchange(account_at(origin), READ)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert (exchange.status, exchange.body, exchange.failure) == (200, b"", Failure.TRUNCATED)
    assert peak < 8 * MOST_BODY_BYTES


@pytest.mark.parametrize("answer", [b"", reply(b"{", length=100)], ids=["before the head", "in the body"])
async def test_a_vendor_that_hangs_is_a_timeout(vendor: Vendor, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(vendor_module, "TIMEOUT_SECONDS", 0.2)
    async with wire(Peer(answer, hangs=True)) as origin:
        exchange = await vendor.exchange(account_at(origin), READ)

    assert exchange.failure is Failure.TIMEOUT


async def test_a_vendor_that_is_not_there_is_unreachable(vendor: Vendor) -> None:
    async with wire(Peer(b"")) as origin:
        pass

    exchange = await vendor.exchange(account_at(origin), READ)

    assert (exchange.status, exchange.failure) == (None, Failure.UNREACHABLE)


async def test_a_host_name_that_no_url_can_hold_is_unreachable(vendor: Vendor) -> None:
    exchange = await vendor.exchange(account_at("http://" + "a" * 300), READ)

    assert exchange.failure is Failure.UNREACHABLE


async def test_a_redirect_is_not_followed_so_the_key_stays_with_the_vendor(vendor: Vendor) -> None:
    other = Peer(reply(b"{}"))
    async with wire(other) as elsewhere:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n".encode()
        async with wire(Peer(redirect)) as origin:
            exchange = await vendor.exchange(account_at(origin), READ)

    assert (exchange.status, other.requests) == (302, [])


async def test_no_compression_is_asked_for_so_that_the_bound_on_a_body_is_one_on_memory(vendor: Vendor) -> None:
    peer = Peer(reply(b"{}"))
    async with wire(peer) as origin:
        await vendor.exchange(account_at(origin), READ)

    assert "accept-encoding: identity\r\n" in peer.requests[0].lower()


async def test_a_cookie_is_not_sent_back(vendor: Vendor) -> None:
    peer = Peer(reply(b"{}", "Set-Cookie: session=1; Path=/\r\nConnection: close\r\n"))
    async with wire(peer) as origin:
        for _ in range(2):
            await vendor.exchange(account_at(origin), READ)

    assert len(peer.requests) == 2
    assert not [request for request in peer.requests if "cookie" in request.lower()]


async def test_the_key_is_sent_in_its_header_and_stands_nowhere_in_the_exchange(vendor: Vendor) -> None:
    peer = Peer(reply(b"{}"))
    async with wire(peer) as origin:
        exchange = await vendor.exchange(account_at(origin), READ)

    assert f"Bearer {KEY}" in peer.requests[0]
    assert KEY not in repr(exchange)


async def test_the_duration_is_the_clocks_and_never_negative(clients: Clients) -> None:
    clock = ManualClock()
    vendor = Vendor(clients, Network({}), PROVIDERS, clock)

    class Slow(Peer):
        def __init__(self, seconds: float) -> None:
            super().__init__(reply(b"{}"))
            self._seconds = seconds

        async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            clock.advance(self._seconds)
            await super().__call__(reader, writer)

    for seconds, told in ((3.0, 3.0), (-3600.0, 0.0)):
        async with wire(Slow(seconds)) as origin:
            exchange = await vendor.exchange(account_at(origin), READ)
        assert exchange.duration_seconds == told
