"""Webhooks from the vendor through the daemon to the application, as both have it."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from daemon.process import Process, environment, running, write_config, write_key
from end_to_end.stage import PATIENCE_SECONDS, Figures, parse
from gateway.fake_runware import COST, KEY, FakeRunware, fake_runware

SECRET = "s3cret_path-of_this-test"
TOKEN = "token-of-the-application"
U = "5f1c2f8a-7a7e-4c1b-9d55-000000000001"
MODEL = "runware:100@1"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
DONE = {"taskType": "imageInference", "taskUUID": U, "imageURL": "https://im.example/1.png", "cost": COST}
TYPE = "application/json; charset=utf-8"


@dataclass
class Application:
    """Takes webhooks, or answers with another status."""

    status: int = 200
    taken: list[tuple[bytes, str]] = field(default_factory=list)
    attempts: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?token={TOKEN}"

    async def handle(self, request: web.Request) -> web.Response:
        self.attempts += 1
        assert request.path_qs == f"/hooks?token={TOKEN}"
        body = await request.read()
        if self.status == 200:
            self.taken.append((body, request.headers.get("Content-Type", "")))
        return web.Response(status=self.status)


@asynccontextmanager
async def application(port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Application]:
    told = Application()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/hooks", told.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True, ssl_context=tls).start()
        told.port = runner.addresses[0][1]
        yield told
    finally:
        await runner.cleanup()


def configure(folder: Path, fake: FakeRunware, forward_to: str, **top: Any) -> Path:
    account = {
        "provider": "runware",
        "api_key_file": write_key(folder, "runware", KEY),
        "base_url": fake.origin,
        "follow_up": {"silence": "1h"},  # what ends a task here is its webhook
        "webhook": {"forward_to": forward_to, "secret_file": write_key(folder, "webhook", SECRET)},
    }
    return write_config(folder, {"runware": account}, webhooks={"listen": "127.0.0.1:0"}, **top)


async def received(daemon: Process, body: bytes, path: str = f"/runware/{SECRET}", method: str = "POST") -> int:
    """What a vendor is answered."""
    url = daemon.events("daemon.started")[-1]["webhooks"]
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        return (await http.request(method, url + path, content=body, headers={"Content-Type": TYPE})).status_code


async def created(daemon: Process) -> None:
    """The application asks for a task whose end it wants to be told of."""
    task = {"taskType": "imageInference", "taskUUID": U, "model": MODEL, "deliveryMethod": "async"}
    task["webhookURL"] = f"https://monitor.example.com/runware/{SECRET}"
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        answer = await http.post(f"{daemon.gateway_url}/runware/v1", json=[task], headers=AUTHORIZED)
    assert answer.status_code == 200


async def figures(daemon: Process) -> Figures:
    async with httpx.AsyncClient() as http:
        return parse((await http.get(f"{daemon.operator_url}/metrics")).text)


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("monitor.db*"))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


async def shows(daemon: Process, name: str, value: float, **labels: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await figures(daemon)).value(name, account="runware", **labels) != value:
            await asyncio.sleep(0.05)


async def test_a_webhook_ends_its_task_and_reaches_the_application_unchanged(database_url: str, tmp_path: Path) -> None:
    body = b' {"data": [' + json.dumps(DONE).encode() + b" ] }\n"
    async with fake_runware() as fake, application() as told:
        config = configure(tmp_path, fake, told.url, store=database_url)
        async with running("--config", config, cwd=tmp_path) as daemon:
            await created(daemon)
            assert await received(daemon, body) == 200
            await until(lambda: bool(told.taken))
            await shows(daemon, "genmedia_tasks_finished_total", 1, model=MODEL, outcome="succeeded", reason="")
            await shows(daemon, "genmedia_task_cost_dollars_total", COST, model=MODEL)
            await shows(daemon, "genmedia_monitor_webhooks_waiting", 0)
            await shows(daemon, "genmedia_monitor_webhooks_total", 1, event="forwarded")
            requests = (await figures(daemon)).by("genmedia_requests_total", "kind", "outcome")
            assert {labels: count for labels, count in requests.items() if count} == {("create", "success"): 1}
    assert told.taken == [(body, TYPE)]


async def test_what_the_application_could_not_take_is_forwarded_after_a_kill(tmp_path: Path) -> None:
    bodies = [json.dumps(DONE | {"number": number}).encode() for number in range(20)]
    async with fake_runware() as fake, application() as down:
        config = configure(tmp_path, fake, down.url)
        down.status = 500
        async with running("--config", config, cwd=tmp_path) as daemon:
            answers = await asyncio.gather(*(received(daemon, body) for body in bodies))
            assert answers == [200] * len(bodies)
            await until(lambda: down.attempts >= len(bodies))
            daemon.signal(signal.SIGKILL)
            await daemon.end()
        assert not down.taken
        down.status = 200
        async with running("--config", config, cwd=tmp_path) as daemon:
            await until(lambda: {body for body, _ in down.taken} == set(bodies))
            await shows(daemon, "genmedia_monitor_webhooks_waiting", 0)


async def test_an_application_that_is_not_there_gets_its_webhook_when_it_is(tmp_path: Path) -> None:
    async with fake_runware() as fake, application() as gone:
        config = configure(tmp_path, fake, gone.url)
    async with running("--config", config, cwd=tmp_path) as daemon:
        assert await received(daemon, b"not even JSON") == 200
        await daemon.logged("webhook.failed")
        async with application(gone.port) as back:
            await until(lambda: back.taken == [(b"not even JSON", TYPE)])
    assert TOKEN not in daemon.output


STRANGERS = (
    ("/runware/wrong_secret-of_this", "POST"),
    ("/runware/", "POST"),
    ("/runware", "POST"),
    (f"/nobody/{SECRET}", "POST"),
    (f"/runware/{SECRET}/more", "POST"),
    (f"/runware/{SECRET}", "GET"),
    ("/", "GET"),
)


async def test_who_does_not_know_the_secret_learns_nothing(tmp_path: Path) -> None:
    async with (
        fake_runware() as fake,
        application() as told,
        running("--config", configure(tmp_path, fake, told.url), cwd=tmp_path) as daemon,
    ):
        for path, method in STRANGERS:
            assert await received(daemon, b"{}", path, method) == 404
        async with asyncio.timeout(PATIENCE_SECONDS):
            name = "genmedia_monitor_webhooks_total"
            while (await figures(daemon)).value(name, account="", event="unknown") != len(STRANGERS):
                await asyncio.sleep(0.05)
        assert told.attempts == 0


NONSENSE = (
    f"POST /runware/{SECRET} HTTP/9.9\r\n\r\n",
    f"PO ST /runware/{SECRET} HTTP/1.1\r\n\r\n",
    "\x16\x03\x01 a handshake of TLS\r\n\r\n",
)
BROKEN = (
    "Content-Length: 10\r\nContent-Encoding: gzip\r\n\r\n0123456789",
    "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
)


async def answered(daemon: Process, raw: str) -> bytes:
    url = httpx.URL(daemon.events("daemon.started")[-1]["webhooks"])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(raw.encode("latin-1"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.read()
    writer.close()
    return answer


async def test_nonsense_from_the_internet_is_answered_and_not_logged(tmp_path: Path) -> None:
    async with (
        fake_runware() as fake,
        application() as told,
        running("--config", configure(tmp_path, fake, told.url), cwd=tmp_path) as daemon,
    ):
        broken = [f"POST /runware/{SECRET} HTTP/1.1\r\nHost: x\r\n{rest}" for rest in BROKEN]
        for raw in (*NONSENSE, *broken):
            answer = await answered(daemon, raw)
            assert answer.split()[1] == b"400", answer
            assert SECRET.encode() not in answer
        await shows(daemon, "genmedia_monitor_webhooks_waiting", 0)
        assert await received(daemon, b"{}") == 200
        await until(lambda: bool(told.taken))
    assert [line for line in daemon.lines if '"level": "error"' in line] == []


async def test_no_secret_and_no_address_of_the_application_leaves_the_daemon(tmp_path: Path) -> None:
    async with fake_runware() as fake, application() as told:
        told.status = 302
        config = configure(tmp_path, fake, told.url)
        environ = environment(PYTHONASYNCIODEBUG="1", PYTHONDEVMODE="1")
        async with running("--config", config, cwd=tmp_path, environ=environ) as daemon:
            await created(daemon)
            assert await received(daemon, b"{}") == 200
            await received(daemon, b"{}", f"/runware/{SECRET}\xff")
            await shows(daemon, "genmedia_tasks_created_total", 1, model=MODEL)
            await daemon.logged("webhook.failed")
            async with httpx.AsyncClient() as http:
                pages = [(await http.get(daemon.operator_url + page)).text for page in ("/", "/metrics")]
    shown = "".join([daemon.output, *pages])
    files = stored(tmp_path)
    for secret in (SECRET, TOKEN, f":{told.port}/"):
        assert secret not in shown
        assert secret.encode() not in files
