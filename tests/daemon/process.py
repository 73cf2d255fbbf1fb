"""The daemon as its user has it: a process with its configuration in a file and its log on standard error."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from end_to_end.stage import KEY, PATIENCE_SECONDS, Stage

from monitor.runtime.clock import SystemClock
from monitor.simulator.runway.app import build_app
from monitor.simulator.shared.server import serve

MODULE = (sys.executable, "-m", "monitor")
SCRIPT = (str(Path(sys.executable).with_name("genmedia-monitor")),)
LONGEST_LINE = 1 << 20
NOBODY = "http://127.0.0.1:9"
NOT_INHERITED = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "RUNWAYML_API_SECRET", "RUNWARE_API_KEY")


def environment(**more: str) -> dict[str, str]:
    """This process's environment less what would change where the daemon's requests go."""
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in NOT_INHERITED}
    return {**inherited, **more}


class Process:
    """A running program: what it has written so far, and where it listens once it has said so."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._read())
        self.lines: list[str] = []
        self.operator_url = ""
        self.gateway_url = ""

    @classmethod
    async def spawn(
        cls, *arguments: str | Path, cwd: Path, environ: Mapping[str, str], program: tuple[str, ...] = MODULE
    ) -> Process:
        """Start the program; its standard output and error are one."""
        return cls(
            await asyncio.create_subprocess_exec(
                *program,
                *arguments,
                cwd=cwd,
                env=dict(environ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=LONGEST_LINE,
            )
        )

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode())

    @property
    def output(self) -> str:
        """Everything it has written."""
        return "".join(self.lines)

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event so far."""
        logged = (json.loads(line) for line in self.lines if line.startswith("{"))
        return [line for line in logged if line["event"] == name]

    async def logged(self, name: str, times: int = 1) -> dict[str, Any]:
        """The log line of an event, which may be still to come; the last of so many."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found := self.events(name)) < times:
                assert not self._reading.done(), f"ended without {name}: {self.output}"
                await asyncio.sleep(0.01)
        return found[times - 1]

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        started = await self.logged("daemon.started")
        self.operator_url, self.gateway_url = started["operator"], started["gateway"]
        async with httpx.AsyncClient(base_url=self.operator_url) as http, asyncio.timeout(PATIENCE_SECONDS):
            while (await http.get("/-/ready")).status_code != 200:
                await asyncio.sleep(0.01)

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def end(self) -> int:
        """Its exit status, once it has ended."""
        status = await self._process.wait()
        await self._reading
        return status

    async def kill(self) -> None:
        """End it without warning, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await self.end()


@asynccontextmanager
async def running(
    *arguments: str | Path, cwd: Path, environ: Mapping[str, str] | None = None, program: tuple[str, ...] = MODULE
) -> AsyncIterator[Process]:
    """A daemon that is ready; killed at the end, if it still runs."""
    process = await Process.spawn(
        "run", *arguments, cwd=cwd, environ=environment() if environ is None else environ, program=program
    )
    try:
        await process.ready()
        yield process
    finally:
        await process.kill()


def write_config(folder: Path, accounts: Mapping[str, Mapping[str, Any]], **top: Any) -> Path:
    """A configuration file for these accounts, which listens on free ports and evaluates often."""
    document = {
        "listen": "127.0.0.1:0",
        "gateway": {"listen": "127.0.0.1:0"},
        "store": f"sqlite:///{folder / 'monitor.db'}",
        "evaluate_interval": "200ms",
        "accounts": [{"name": name, "provider": "runway", **account} for name, account in accounts.items()],
        **top,
    }
    path = folder / "monitor.yml"
    path.write_text(yaml.safe_dump(document))
    return path


def write_key(folder: Path, name: str, key: str) -> str:
    """A key file that only its owner may read."""
    path = folder / f"{name}.key"
    path.touch(mode=0o600)
    path.write_text(key)
    return str(path)


@dataclass
class ProcessStage(Stage):
    """A stage whose daemon is a process; its configuration may be written anew."""

    folder: Path

    def configure(self, accounts: Iterable[str], **top: Any) -> Path:
        """Write the configuration for these of the accounts."""
        return write_config(self.folder, {name: self.account(name) for name in accounts}, **top)

    def account(self, name: str, **more: Any) -> dict[str, Any]:
        """An account at the simulator, read every second, its key in a file."""
        key_file = write_key(self.folder, name, self.keys[name])
        return {"api_key_file": key_file, "base_url": self.vendor, "poll_interval": "1s", **more}

    async def reload(self) -> httpx.Response:
        """Ask for a reload over HTTP."""
        return await self.http.post(f"{self.daemon.operator_url}/-/reload")

    async def ask(self, path: str, account: str = "runway", method: str = "GET", **more: Any) -> httpx.Response:
        """What an application gets through the gateway with the account's own key."""
        headers = {"Authorization": f"Bearer {self.keys[account]}", "X-Runway-Version": "2024-11-06"}
        return await self.http.request(method, f"{self.base_url(account)}{path}", headers=headers, **more)


@dataclass(frozen=True)
class Nowhere:
    """Where a daemon listens that has not been started yet."""

    operator_url: str = ""
    gateway_url: str = ""


@asynccontextmanager
async def vendor_stage(
    folder: Path, accounts: Iterable[str] = ("runway",), **settings: Any
) -> AsyncIterator[ProcessStage]:
    """A simulator with an organization for each account, and no daemon yet."""
    keys = {name: f"{KEY[:-4]}{number:04x}" for number, name in enumerate(accounts)}
    async with serve(build_app(SystemClock(), accounts=())) as vendor, httpx.AsyncClient(timeout=30) as http:
        stage = ProcessStage(vendor, Nowhere(), keys, http, folder)  # type: ignore[arg-type]
        for name, key in keys.items():
            await stage.control("POST", "/accounts", **{"name": name, "key": key, "credits": 100_000, **settings})
        yield stage


@asynccontextmanager
async def process_stage(
    folder: Path, accounts: Iterable[str] = ("runway",), serving: Iterable[str] | None = None, **top: Any
) -> AsyncIterator[ProcessStage]:
    """A simulator, and a daemon that serves all the accounts there, or those in `serving`."""
    async with vendor_stage(folder, accounts) as stage:
        config = stage.configure(stage.keys if serving is None else serving, **top)
        async with running("--config", config, cwd=folder) as stage.daemon:
            yield stage
