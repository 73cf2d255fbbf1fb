"""The services of the demo profile without containers: commands, environment and files as they are, on loopback."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from end_to_end.stage import Figures, parse

PATIENCE_SECONDS = 60.0
DATA = "/var/lib/genmedia-monitor"
CONFIG = "/etc/genmedia-monitor/monitor.yml"
STARTED = ("simulator", "runware-simulator", "monitor", "workload", "runware-workload")
ADDRESS = re.compile(rf"\b(0\.0\.0\.0|127\.0\.0\.1|{'|'.join(STARTED)})(:|', )(\d+)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def image(root: Path, target: str) -> dict[str, list[str]]:
    """ENTRYPOINT, CMD and HEALTHCHECK of a stage of the Dockerfile."""
    found: dict[str, list[str]] = {}
    _, _, stage = (root / "Dockerfile").read_text().partition(f" AS {target}\n")
    for line in stage.partition("\nFROM ")[0].splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction in {"ENTRYPOINT", "CMD", "HEALTHCHECK"} and "[" in rest:
            found[instruction] = json.loads(rest[rest.index("[") :])
    return found


class Composition:
    """Services on loopback: each address of a service is a free port, each path of a container is in a folder."""

    def __init__(self, services: dict[str, Any], root: Path, folder: Path) -> None:
        self._services = services
        self._root = root
        self._folder = folder
        self._ports: defaultdict[tuple[str, str], int] = defaultdict(free_port)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, service: str, port: int) -> str:
        return self._here(f"http://{service}:{port}", service)

    def start(self, name: str) -> None:
        """Run what the container would, once what it depends on is healthy."""
        for needed in self._services[name].get("depends_on", {}):
            self._wait_until_healthy(needed)
        built = image(self._root, self._services[name]["build"]["target"])
        command = [*built["ENTRYPOINT"], *(self._services[name].get("command") or built["CMD"])]
        with (self._folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                [self._here(part, name) for part in command],
                cwd=self._root,
                env=self._environment(name),
                stdout=log,
                stderr=log,
            )

    def _environment(self, name: str) -> dict[str, str]:
        given = self._services[name].get("environment", {})
        paths = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": os.fspath(self._root)}
        return paths | {key: value for key, value in given.items() if value is not None}

    def _here(self, text: str, service: str) -> str:
        """A text with the addresses and paths of this machine; an address of no name is the service's own."""

        def local(found: re.Match[str]) -> str:
            host = service if found[1][0].isdigit() else found[1]
            return f"127.0.0.1{found[2]}{self._ports[host, found[3]]}"

        text = text.replace(CONFIG, str(self._config(service))) if CONFIG in text else text
        return ADDRESS.sub(local, text).replace(DATA, str(self._folder))

    def _config(self, service: str) -> Path:
        (mounted,) = (each for each in self._services[service]["volumes"] if each["target"] == CONFIG)
        local = self._folder / "monitor.yml"
        local.write_text(self._here(Path(mounted["source"]).read_text(), service))
        return local

    def _wait_until_healthy(self, name: str) -> None:
        checked = self._services[name].get("healthcheck", {}).get("test")
        command = checked[1:] if checked else image(self._root, self._services[name]["build"]["target"])["HEALTHCHECK"]
        local = [self._here(part, name) for part in command]
        self.wait_for(
            lambda: subprocess.run(local, env=self._environment(name), capture_output=True, check=False).returncode == 0
        )

    def wait_for(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            ended = [name for name, process in self.running.items() if process.poll() is not None]
            assert not ended, (ended, self.logs)
            assert time.monotonic() < deadline, self.logs
            time.sleep(0.2)

    @property
    def logs(self) -> str:
        return "".join(path.read_text() for path in self._folder.glob("*.log"))

    def stop(self) -> dict[str, int]:
        """The exit status of each."""
        for process in reversed(self.running.values()):
            process.terminate()
        return {name: process.wait(PATIENCE_SECONDS) for name, process in self.running.items()}


@contextmanager
def composed(services: dict[str, Any], root: Path, folder: Path) -> Iterator[Composition]:
    composition = Composition(services, root, folder)
    try:
        for name in STARTED:
            composition.start(name)
        yield composition
    finally:
        composition.stop()


@pytest.fixture
def composition(compose: Any, root: Path, tmp_path: Path) -> Iterator[Composition]:
    with composed(compose(COMPOSE_PROFILES="demo"), root, tmp_path) as running:
        yield running


def is_watched(figures: Figures, account: str) -> bool:
    """Whether the account's reads work, and generations of its application pass and end."""
    reads = figures.select("genmedia_account_read_up", account=account).values()
    ended = figures.total("genmedia_tasks_finished_total", account=account, outcome="succeeded")
    return bool(reads) and all(reads) and ended > 0


def test_the_demo_s_services_watch_both_simulated_vendors_under_load(composition: Composition) -> None:
    metrics = f"{composition.url('monitor', 10190)}/metrics"

    def figures() -> Figures:
        return parse(httpx.get(metrics, trust_env=False).text)

    for account in ("demo", "demo-runware"):
        composition.wait_for(lambda account=account: is_watched(figures(), account))
    assert figures().total("genmedia_requests_total", outcome="unauthorized") == 0
    assert composition.stop() == dict.fromkeys(STARTED, 0), composition.logs
