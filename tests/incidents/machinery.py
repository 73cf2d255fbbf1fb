"""Everything that alerts pass through, on clocks that agree: simulated vendors and the daemon on one that is `SPEED`
times as fast as the machine's, Prometheus and Alertmanager with the shipped files in a unit of time as much smaller.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from daemon.process import Process, environment, write_config, write_key
from daemon.prometheus import serving
from end_to_end.stage import KEY, PATIENCE_SECONDS
from incidents.scale import document, shorter

from monitor.runtime.clock import FastClock
from monitor.simulator.runway.app import build_app
from monitor.simulator.shared.server import serve

ROOT = Path(__file__).parent.parent.parent
FAST_DAEMON = Path(__file__).with_name("fast_daemon.py")
SPEED = 25.0
MINUTE = 60.0
OF_THE_MACHINE = {"GenmediaJobsMissed", "GenmediaLoopLag"}
"""They judge how fast the machine is, and that is not faster than it is."""


@dataclass(frozen=True)
class Told:
    """One alert in one notification: which, in which state, to whom, and when by the fast clock."""

    alert: str
    status: str
    receiver: str
    at: float
    labels: dict[str, str] = field(compare=False)
    annotations: dict[str, str] = field(compare=False)


class Pager:
    """The one receiver behind all of Alertmanager's: keeps what it was told."""

    def __init__(self, clock: FastClock) -> None:
        self.url = ""
        self.told: list[Told] = []
        self._clock = clock

    async def take(self, request: web.Request) -> web.Response:
        message = await request.json()
        for alert in message["alerts"]:
            self.told.append(
                Told(
                    alert["labels"]["alertname"],
                    alert["status"],
                    message["receiver"],
                    self._clock.now(),
                    alert["labels"],
                    alert["annotations"],
                )
            )
        return web.Response()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post("/", self.take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            yield
        finally:
            await runner.cleanup()


@dataclass
class Machinery:
    """Starts daemons, and Prometheus and Alertmanager when told; all end with it."""

    folder: Path
    clock: FastClock
    pager: Pager
    session: aiohttp.ClientSession
    vendors: dict[str, str] = field(default_factory=dict)
    daemons: dict[str, Process] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def vendor(self, name: str, settings: dict[str, Any]) -> None:
        """A simulated vendor with one organization."""
        app = build_app(self.clock, accounts=())
        self.vendors[name] = await self._stack.enter_async_context(serve(app))
        await self.control(name, "POST", "/accounts", name=name, key=KEY, **settings)

    async def control(self, name: str, method: str, path: str, /, **json: Any) -> None:
        """Ask a vendor's control API."""
        url = f"{self.vendors[name]}/_control{path}"
        async with self.session.request(method, url, json=json or None) as reply:
            reply.raise_for_status()

    def configure(self, daemon: str, accounts: Mapping[str, Mapping[str, Any]], listen: str = "127.0.0.1:0") -> Path:
        """The configuration of a daemon for accounts at their vendors, with what they have of their own."""
        folder = self.folder / daemon
        folder.mkdir(exist_ok=True)
        key_file = write_key(folder, "vendor", KEY)
        at_vendor = {"api_key_file": key_file}
        entries = {name: {**at_vendor, "base_url": self.vendors[name], **own} for name, own in accounts.items()}
        return write_config(folder, entries, evaluate_interval="30s", listen=listen)

    async def daemon(self, name: str, config: Path) -> Process:
        """Start a daemon that is ready."""
        program = (sys.executable, str(FAST_DAEMON), str(self.clock.speed), str(self.clock.epoch))
        process = await Process.spawn(
            "run", "--config", config, cwd=config.parent, environ=environment(), program=program
        )
        self._stack.push_async_callback(process.kill)
        await process.ready()
        self.daemons[name] = process
        return process

    async def restart(self, name: str) -> None:
        """Start a daemon that has ended again, on its store and where it listened."""
        await self.daemon(name, self.configure(name, {name: {}}, self.instance(name)))

    async def watch(self, prometheus: str, alertmanager: str) -> None:
        """Start Alertmanager, and a Prometheus that scrapes all daemons.

        It evaluates the rules only when it scrapes: the five seconds that finding its targets takes do not shrink.
        """
        config = self._write("alertmanager", self._alertmanager())
        shutil.copytree(ROOT / "alerts" / "templates", config.parent / "templates")
        flags = (f"--storage.path={config.parent / 'data'}", "--cluster.listen-address=")
        told = await self._stack.enter_async_context(serving(alertmanager, config, *flags))
        config = self._write("prometheus", self._prometheus(told))
        watching = serving(
            prometheus,
            config,
            f"--storage.tsdb.path={config.parent / 'data'}",
            f"--query.lookback-delta={shorter('5m', self.clock.speed)}",
            f"--rules.alert.resend-delay={shorter('1m', self.clock.speed)}",
            "--web.enable-lifecycle",
        )
        url = await self._stack.enter_async_context(watching)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._scraped(url) < len(self.daemons):
                await asyncio.sleep(0.1)
        (config.parent / "rules").mkdir()
        for shipped in (ROOT / "alerts" / "rules").glob("*.yml"):
            (config.parent / "rules" / shipped.name).write_text(yaml.safe_dump(self._scaled(shipped)))
        async with self.session.post(f"{url}/-/reload") as reply:
            reply.raise_for_status()

    async def _scraped(self, prometheus: str) -> int:
        """How many targets are up."""
        async with self.session.get(f"{prometheus}/api/v1/query", params={"query": "up == 1"}) as reply:
            return len((await reply.json())["data"]["result"])

    def instance(self, daemon: str) -> str:
        """A daemon's label in Prometheus."""
        return self.daemons[daemon].operator_url.removeprefix("http://")

    def _scaled(self, shipped: Path) -> Any:
        return document(yaml.safe_load(shipped.read_text()), self.clock)

    def _write(self, name: str, content: Any) -> Path:
        folder = self.folder / name
        folder.mkdir()
        config = folder / f"{name}.yml"
        config.write_text(yaml.safe_dump(content))
        return config

    def _alertmanager(self) -> Any:
        """The shipped one; what goes to any service goes to the pager."""
        config = self._scaled(ROOT / "alerts" / "alertmanager.yml")
        for receiver in config["receivers"]:
            if services := [key for key in receiver if key.endswith("_configs")]:
                for key in services:
                    del receiver[key]
                receiver["webhook_configs"] = [{"url": self.pager.url, "send_resolved": True}]
        return config

    def _prometheus(self, alertmanager: str) -> Any:
        """The one of the containers, with these daemons and this Alertmanager as its targets."""
        config = self._scaled(ROOT / "deploy" / "prometheus.yml")
        (job,) = (job for job in config["scrape_configs"] if job["job_name"] == "genmedia-monitor")
        job["static_configs"] = [{"targets": [self.instance(daemon) for daemon in self.daemons]}]
        config["scrape_configs"] = [job]
        (alerting,) = config["alerting"]["alertmanagers"]
        alerting["static_configs"] = [{"targets": [alertmanager.removeprefix("http://")]}]
        return config

    async def pass_by(self, seconds: float) -> None:
        """Wait for so many seconds of the fast clock."""
        await asyncio.sleep(self.clock.real_seconds(seconds))

    async def until(self, holds: Callable[[], object], seconds: float) -> None:
        """Wait until something holds, or for so many seconds of the fast clock."""
        end = self.clock.now() + seconds
        while not holds() and self.clock.now() < end:
            await self.pass_by(5)

    async def close(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def machinery(folder: Path, speed: float = SPEED) -> AsyncIterator[Machinery]:
    """No vendor and no daemon yet."""
    clock = FastClock(speed)
    pager = Pager(clock)
    connector = aiohttp.TCPConnector(limit=0)
    async with pager.serving(), aiohttp.ClientSession(connector=connector) as session:
        running = Machinery(folder, clock, pager, session)
        try:
            yield running
        finally:
            await running.close()
