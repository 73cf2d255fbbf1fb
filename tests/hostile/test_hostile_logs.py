"""Requests that are not HTTP, at every listener of a real daemon: what they carry is written nowhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from daemon.process import Process, running, write_config, write_key
from daemon.test_secrets import files
from gateway.wire import Call, reply, vendor

PATH_SECRET = "s3cret_path-of_this-test"
PLANTED = "pl4nted0f9a"
CHUNKED = "Host: a\r\nTransfer-Encoding: chunked"
LISTENERS = ("operator", "gateway", "webhooks")
PATHS = {
    "operator": "/api/v1/observations",
    "gateway": "/runway/v1/organization",
    "webhooks": f"/runware/{PATH_SECRET}",
}
# `PATH` is one that the listener knows; a request of two parts pauses after the first.
MALFORMED: Mapping[str, tuple[str, ...]] = {
    "control character in credentials": (
        f"GET PATH HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {PLANTED}\x01\r\n\r\n",
    ),
    "zero byte in a header": (f"GET PATH HTTP/1.1\r\nHost: a\r\nCookie: {PLANTED}\x00\r\n\r\n",),
    "bare line feed in a header": (f"GET PATH HTTP/1.1\r\nHost: a\r\nX-Key: a\r{PLANTED}\r\n\r\n",),
    "space before the colon": (f"GET PATH HTTP/1.1\r\nHost: a\r\nX-Api-Key : {PLANTED}\r\n\r\n",),
    "name of a header": (f"GET PATH HTTP/1.1\r\nHost: a\r\n{PLANTED}(: a\r\n\r\n",),
    "header without a colon": (f"GET PATH HTTP/1.1\r\nHost: a\r\n{PLANTED}\r\n\r\n",),
    "control character in the target": (f"GET PATH?apikey={PLANTED}\x01 HTTP/1.1\r\nHost: a\r\n\r\n",),
    "control character in the root": (f"GET /?apikey={PLANTED}\x01 HTTP/1.1\r\nHost: a\r\n\r\n",),
    "blank in the target": (f"GET PATH?apikey={PLANTED} x HTTP/1.1\r\nHost: a\r\n\r\n",),
    "long target": (f"GET PATH?{PLANTED * 9000} HTTP/1.1\r\nHost: a\r\n\r\n",),
    "long header": (f"GET PATH HTTP/1.1\r\nHost: a\r\nX-Key: {PLANTED * 9000}\r\n\r\n",),
    "many headers": (f"GET PATH HTTP/1.1\r\nHost: a\r\n{f'X-Key: {PLANTED}{chr(13)}{chr(10)}' * 500}\r\n",),
    "method": (f"{PLANTED}( PATH HTTP/1.1\r\nHost: a\r\n\r\n",),
    "unknown method": (f"{PLANTED.upper()} PATH HTTP/1.1\r\nHost: a\r\n\r\n",),
    "version": (f"GET PATH HTTP/{PLANTED}\r\nHost: a\r\n\r\n",),
    "no version": (f"GET PATH?{PLANTED}\r\n\r\n",),
    "host": (f"GET PATH HTTP/1.1\r\nHost: {PLANTED}:port:@[\r\n\r\n",),
    "absolute target": (f"GET http://{PLANTED}:x@[/ HTTP/1.1\r\nHost: a\r\n\r\n",),
    "authority as target": (f"CONNECT {PLANTED}:bad HTTP/1.1\r\nHost: a\r\n\r\n",),
    "percent-encoding": (f"GET PATH/%zz{PLANTED}%ff%00?k=%{PLANTED} HTTP/1.1\r\nHost: a\r\n\r\n",),
    "bytes that are no text": (f"GET PATH?{PLANTED}\xff\xfe HTTP/1.1\r\nHost: a\r\nX-Key: \xff{PLANTED}\xc3\r\n\r\n",),
    "length": (f"POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: {PLANTED}\r\n\r\n",),
    "two lengths": (f"POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{PLANTED}",),
    "coding": (f"POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {PLANTED}\r\n\r\n",),
    "content coding": (f"POST PATH HTTP/1.1\r\nContent-Encoding: {PLANTED}\r\n{CHUNKED}\r\n\r\n0\r\n\r\n",),
    "expectation": (f"POST PATH HTTP/1.1\r\nExpect: {PLANTED}\r\n{CHUNKED}\r\n\r\n0\r\n\r\n",),
    "upgrade": (f"GET PATH HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {PLANTED}\r\n\r\n{PLANTED}\x01",),
    "size of a chunk": (f"POST PATH HTTP/1.1\r\n{CHUNKED}\r\n\r\n{PLANTED}(\r\n",),
    "size of a later chunk": (f"POST PATH HTTP/1.1\r\n{CHUNKED}\r\n\r\n5\r\nhello\r\n", f"{PLANTED}(\r\nx"),
    "end of a chunk": (f"POST PATH HTTP/1.1\r\n{CHUNKED}\r\n\r\n5\r\nhello", f"{PLANTED}\r\n"),
    "extension of a chunk": (f"POST PATH HTTP/1.1\r\n{CHUNKED}\r\n\r\n", f"5;{PLANTED}=\x01\x00\r\nhello\r\n0\r\n\r\n"),
    "trailer": (f"POST PATH HTTP/1.1\r\n{CHUNKED}\r\n\r\n", f"5\r\nhello\r\n0\r\n{PLANTED} : \x01\r\n\r\n"),
    "body of a GET": (f"GET PATH HTTP/1.1\r\n{CHUNKED}\r\n\r\n", f"{PLANTED}(\r\n"),
    "body broken off": (f"POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n{PLANTED}", PLANTED),
    "chunk broken off": (f"POST PATH HTTP/1.1\r\n{CHUNKED}\r\n\r\n99\r\n{PLANTED}", PLANTED),
    "head broken off": (f"GET PATH HTTP/1.1\r\nAuthorization: Bearer {PLANTED}",),
    "second request": ("GET PATH HTTP/1.1\r\nHost: a\r\n\r\n", f"GET /{PLANTED}\x01 {PLANTED}\r\n\r\n"),
    "TLS": (f"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03{PLANTED}\x00\x00\x1c\x0b{PLANTED}\r\n\r\n",),
}


async def odd(call: Call) -> None:
    """A vendor whose cookies carry the secret where no cookie may."""
    await call.send(reply(b"{}", f"Set-Cookie: {PLANTED}@,(;={PLANTED}".encode(), b"Connection: close"))


async def send(url: str, path: str, parts: tuple[str, ...]) -> None:
    """Send this to a listener, and break off once it is answered or is not."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    for part in parts:
        with suppress(ConnectionError):
            writer.write(part.replace("PATH", path).encode("latin-1"))
            await writer.drain()
        await asyncio.sleep(0.02)
    with suppress(OSError):
        writer.write_eof()
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def configure(folder: Path, origin: str) -> Path:
    runway = {"api_key_file": write_key(folder, "runway", "k" * 32), "base_url": origin}
    hook = {"forward_to": origin, "secret_file": write_key(folder, "hook", PATH_SECRET)}
    accounts = {"runway": runway, "runware": {**runway, "provider": "runware", "webhook": hook}}
    return write_config(folder, accounts, webhooks={"listen": "127.0.0.1:0"})


async def shown(daemon: Process, http: httpx.AsyncClient) -> str:
    paths = ("/", "/metrics", "/-/ready", "/api/v1/accounts")
    return "".join([(await http.get(daemon.operator_url + path)).text for path in paths])


async def test_a_malformed_request_leaves_no_piece_of_itself_behind(tmp_path: Path) -> None:
    async with vendor(odd) as server:
        config = configure(tmp_path, server.origin)
        async with running("--config", config, cwd=tmp_path) as daemon, httpx.AsyncClient(timeout=30) as http:
            urls = daemon.events("daemon.started")[-1]
            for name in LISTENERS:
                await asyncio.gather(*(send(urls[name], PATHS[name], parts) for parts in MALFORMED.values()))
            pages = await shown(daemon, http)
        stored = b"".join(files(tmp_path).values())
    for place, text in {"log": daemon.output, "pages": pages, "store": stored.decode(errors="replace")}.items():
        assert PLANTED not in text.lower(), place
    assert "Traceback" not in daemon.output
    assert {line["listener"] for line in daemon.events("request.malformed")} == set(LISTENERS)
    assert len(daemon.events("request.malformed")) == len(LISTENERS)  # once a minute
    assert daemon.events("request.failed") == daemon.events("loop.failed") == []
    unexpected = {json.loads(line)["level"] for line in daemon.lines} - {"info", "warning"}
    assert not unexpected


@pytest.mark.parametrize("name", ["size of a later chunk", "body of a GET", "control character in credentials"])
async def test_a_listener_serves_on_after_a_malformed_request(name: str, tmp_path: Path) -> None:
    async with (
        running("--config", configure(tmp_path, "http://127.0.0.1:9"), cwd=tmp_path) as daemon,
        httpx.AsyncClient(timeout=30) as http,
    ):
        await send(daemon.operator_url, PATHS["operator"], MALFORMED[name])
        assert (await http.get(f"{daemon.operator_url}/-/ready")).status_code == 200
