"""All ways out take the same proxy and trust the same authorities: a real proxy, a private authority, both TLS."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import trustme
from daemon.process import Process, environment, running, write_config, write_key
from daemon.proxies import ENCODED, PASSWORD, USER, Proxy, proxy
from daemon.test_webhooks import SECRET, Application, application, received, until
from gateway.fake_runware import KEY, FakeRunware, fake_runware

VENDOR, APPLICATION = "api.vendor.test", "app.customer.test"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
MODEL = "runware:100@1"
ORPHAN = "5f1c2f8a-7a7e-4c1b-9d55-00000000000a"


@dataclass
class Scene:
    """A vendor and an application that only the proxy can reach, and whose certificates only `ca_file` vouches for."""

    folder: Path
    fake: FakeRunware
    told: Application
    proxy: Proxy
    ca_file: Path

    def configure(self, **account: Any) -> Path:
        more = {
            "provider": "runware",
            "api_key_file": write_key(self.folder, "runware", KEY),
            "base_url": self.fake.origin,
            "poll_interval": "1s",
            "follow_up": {"silence": "1s"},
            "webhook": {
                "forward_to": f"https://{APPLICATION}:{self.told.port}/hooks?token=token-of-the-application",
                "secret_file": write_key(self.folder, "webhook", SECRET),
            },
        }
        return write_config(self.folder, {"runware": more | account}, webhooks={"listen": "127.0.0.1:0"})


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    authority = trustme.CA()
    certificate = authority.issue_cert(VENDOR, APPLICATION)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    async with fake_runware(tls) as fake, application(tls=tls) as told, proxy(tmp_path) as between:
        fake.host = VENDOR
        yield Scene(tmp_path, fake, told, between, ca_file)


@asynccontextmanager
async def daemon_of(scene: Scene, config: Path, **environ: str) -> AsyncIterator[Process]:
    async with running("--config", config, cwd=scene.folder, environ=environment(**environ)) as daemon:
        yield daemon
    for secret in (PASSWORD, ENCODED, b64encode(f"{USER}:{PASSWORD}".encode()).decode()):
        assert secret not in daemon.output


async def asks(daemon: Process, account: str = "runware", **more: Any) -> httpx.Response:
    task = {"taskType": "imageInference", "taskUUID": ORPHAN, "model": MODEL, **more}
    async with httpx.AsyncClient(timeout=30) as http:
        return await http.post(f"{daemon.gateway_url}/{account}/v1", json=[task], headers=AUTHORIZED)


async def speaks(daemon: Process) -> list[Any]:
    """What a WebSocket through the gateway is told when it authenticates and asks for an image."""
    url = daemon.gateway_url.replace("http", "ws") + "/runware/v1"
    task = {"taskType": "imageInference", "taskUUID": ORPHAN[:-1] + "b", "model": MODEL}
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        told = []
        for item in ({"taskType": "authentication", "apiKey": KEY}, task):
            await socket.send_json([item])
            told.append(await socket.receive_json(timeout=30))
    return told


async def all_ways_work(scene: Scene, daemon: Process) -> None:
    await daemon.logged("read.finished")
    assert (await asks(daemon, deliveryMethod="async")).status_code == 200
    streamed = await asks(daemon, deliveryMethod="stream", taskUUID=ORPHAN[:-1] + "c", taskType="textInference")
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert all("data" in message for message in await speaks(daemon))
    await until(lambda: scene.fake.polls[ORPHAN] > 0)
    assert await received(daemon, json.dumps({"data": []}).encode()) == 200
    await until(lambda: bool(scene.told.taken))


async def test_reads_follow_up_webhooks_http_streams_and_sockets_take_the_proxy_of_the_environment(
    scene: Scene,
) -> None:
    config = scene.configure(ca_file=scene.ca_file.name)
    async with daemon_of(scene, config, https_proxy=scene.proxy.url) as daemon:
        await all_ways_work(scene, daemon)
    assert scene.proxy.seen() == {f"{VENDOR}:{scene.fake.port}", f"{APPLICATION}:{scene.told.port}"}


async def test_the_accounts_own_proxy_and_the_environments_authorities_do_as_well(scene: Scene) -> None:
    config = scene.configure(proxy=scene.proxy.url)
    ways = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ".vendor.test", "SSL_CERT_FILE": str(scene.ca_file)}
    async with daemon_of(scene, config, **ways) as daemon:
        await daemon.logged("read.finished")
        assert (await asks(daemon)).status_code == 200
        assert all("data" in message for message in await speaks(daemon))
        assert await received(daemon, b"{}") == 200
        failed = await daemon.logged("webhook.failed")
    assert failed["problem"] == "cannot connect to the proxy http://127.0.0.1:9"
    assert scene.proxy.seen() == {f"{VENDOR}:{scene.fake.port}"}


async def test_a_certificate_that_nobody_vouches_for_is_refused_on_all_ways(scene: Scene) -> None:
    config = scene.configure()
    async with daemon_of(scene, config, HTTPS_PROXY=scene.proxy.url) as daemon:
        read, answer = await daemon.logged("read.failed"), await asks(daemon)
        assert await received(daemon, b"{}") == 200
        webhook = await daemon.logged("webhook.failed")
    assert read["problem"].startswith(f"do not trust {scene.fake.origin}")
    assert (answer.status_code, answer.json()["error"].partition(":")[0]) == (502, "do not trust https")
    assert webhook["problem"].startswith("do not trust the application")
    assert APPLICATION not in daemon.output
    assert not scene.fake.posts


async def test_trouble_with_the_proxy_is_called_that_everywhere(scene: Scene) -> None:
    proxies = {
        "wrong": scene.proxy.url.replace("p4ss", "other-p4ss"),
        "down": "http://127.0.0.1:9",
        "beyond": scene.proxy.url,
    }
    origins = {"beyond": f"https://{VENDOR}:9"}
    account = {"provider": "runware", "api_key_file": write_key(scene.folder, "runware", KEY)}
    accounts = {
        name: {**account, "proxy": url, "base_url": origins.get(name, scene.fake.origin)}
        for name, url in proxies.items()
    }
    config = write_config(scene.folder, accounts)
    async with daemon_of(scene, config) as daemon:
        await daemon.logged("read.failed", times=4 * len(proxies))
        problems = {each["account"]: (each["outcome"], each["problem"]) for each in daemon.events("read.failed")}
        answers = {name: await asks(daemon, account=name) for name in proxies}
    for name, url in proxies.items():
        shown = f"the proxy http://{url.rpartition('@')[2].removeprefix('http://')}"
        assert problems[name][0] == answers[name].headers["X-Genmedia-Monitor"] == "unreachable"
        assert shown in problems[name][1]
        assert shown in answers[name].json()["error"]
    assert "other-p4ss" not in daemon.output + "".join(each.text for each in answers.values())


async def test_this_machine_is_never_reached_through_a_proxy(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    async with fake_runware() as fake, application() as told:
        account = {
            "provider": "runware",
            "api_key_file": write_key(tmp_path, "runware", KEY),
            "base_url": fake.origin,
            "proxy": nowhere,
            "webhook": {"forward_to": told.url, "secret_file": write_key(tmp_path, "webhook", SECRET)},
        }
        config = write_config(tmp_path, {"runware": account}, webhooks={"listen": "127.0.0.1:0"})
        environ = environment(HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere, ALL_PROXY=nowhere)
        async with running("--config", config, cwd=tmp_path, environ=environ) as daemon:
            await daemon.logged("read.finished")
            assert (await asks(daemon)).status_code == 200
            assert len(await speaks(daemon)) == 2
            assert await received(daemon, b"{}") == 200
            async with asyncio.timeout(10):
                await until(lambda: bool(told.taken))
