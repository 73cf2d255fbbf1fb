import asyncio
import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from web.listeners import Daemon as Listener

from monitor.cli import client as module
from monitor.cli.client import DaemonClient
from monitor.errors import DaemonError
from monitor.judgement.snapshot import Snapshot
from monitor.views.replies import Reply, account_reply

HOSTILE = "\x1b[2J"


async def fault(url: str) -> str:
    with pytest.raises(DaemonError) as raised:
        async with DaemonClient(url) as daemon:
            await daemon.ask()
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:10190", "ftp://user:secret@127.0.0.1", "http://", "", "http://127.0.0.1:port", "/tmp/x", "http://[::"],
)
async def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    assert await fault(url) == "--url: not a URL of a daemon; give one such as http://127.0.0.1:10190"


async def test_no_daemon_is_told() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        told = await fault(url)
    assert told.startswith(f"no daemon answers at {url} (")


async def test_a_daemon_before_its_first_evaluation_is_not_ready_yet(listener: Listener, url: str) -> None:
    listener.snapshot = None
    told = await fault(url)
    assert told == f"the daemon at {url.rstrip('/')} is not ready yet: the first evaluation has not ended yet"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": 404, "text": "?"}, "answers 404 Not Found; give the operator listener of a daemon"),
        ({"status": 302, "headers": {"Location": "/"}}, "answers 302 Found; give"),
        ({"status": 401}, "answers 401 Unauthorized; give"),
        ({"status": 200, "text": "<html>"}, "answers something else than figures; give"),
        ({"status": 200, "body": b'{"at": 1}'}, "answers something else than figures; give"),
        ({"status": 200, "body": b"\xff\xfe"}, "answers something else than figures; give"),
        ({"status": 503, "text": HOSTILE}, "is not ready yet"),
        ({"status": 503, "text": '{"error": "\\u001b[2J"}'}, "is not ready yet: \N{REPLACEMENT CHARACTER}[2J"),
    ],
)
async def test_what_is_no_daemon_is_told(answer: dict[str, object], told: str) -> None:
    async def reply(_: web.Request) -> web.Response:
        return web.Response(**answer)

    app = web.Application()
    app.router.add_get(module.PATH, reply)
    async with TestServer(app) as server:
        assert told in await fault(str(server.make_url("/")))


async def test_a_daemon_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    left = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.05)
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await fault(url) == f"{url} did not answer within 0.05 s"
        await left.wait()


async def test_credentials_and_a_prefix_are_used_and_never_shown() -> None:
    seen = []

    async def proxy(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers["Authorization"]))
        return web.Response(status=403)

    app = web.Application()
    app.router.add_get("/{path:.*}", proxy)
    async with TestServer(app) as server:
        told = await fault(f"http://me:secret@127.0.0.1:{server.port}/monitor/")
        assert told.startswith(f"http://127.0.0.1:{server.port}/monitor answers 403 Forbidden")
    assert seen == [("/monitor/api/v1/accounts", "Basic bWU6c2VjcmV0")]


async def test_the_proxies_of_the_environment_are_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with DaemonClient(url) as daemon:
        assert (await daemon.ask()).age_seconds == 3


async def test_a_client_reads_exactly_what_the_daemon_answers(listener: Listener, url: str, snapshot: Snapshot) -> None:
    async with DaemonClient(url) as daemon:
        reply = await daemon.ask()
    assert reply == Reply(snapshot.at, 3.0, tuple(account_reply(account, snapshot.at) for account in snapshot.accounts))
