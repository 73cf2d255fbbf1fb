from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from monitor.config import load


@pytest.fixture
def instructions(root: Path) -> list[tuple[str, str]]:
    """Instruction and argument of each line of the Dockerfile, continuation lines joined."""
    text = (root / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def arguments(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [argument for instruction, argument in instructions if instruction == name]


def test_what_is_copied_exists_and_reaches_the_build(root: Path, instructions: list[tuple[str, str]]) -> None:
    allowed = [line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copies = [each.split()[:-1] for each in arguments(instructions, "COPY") if not each.startswith("--from")]
    for source in (source for copy in copies for source in copy):
        assert (root / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in allowed), source


def test_everything_installed_is_locked_by_hash(instructions: list[tuple[str, str]]) -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install ([^&]*)", " && ".join(arguments(instructions, "RUN")))
    assert installs
    assert all("--require-hashes -r" in each or "--no-deps --no-index" in each for each in installs)


def test_the_daemon_runs_as_a_numbered_user_who_owns_the_volume(instructions: list[tuple[str, str]]) -> None:
    assert arguments(instructions, "USER") == ["10001:10001"]
    (volume,) = arguments(instructions, "VOLUME")
    assert f"install -d -o 10001 -g 10001 {volume}" in arguments(instructions, "RUN")


def test_the_ports_exposed_are_the_daemons(instructions: list[tuple[str, str]]) -> None:
    config = load(None, {"RUNWAYML_API_SECRET": "key_test"})
    (exposed,) = arguments(instructions, "EXPOSE")
    assert exposed.split() == [str(config.listen.port), str(config.gateway.listen.port)]


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_a_healthy_daemon(
    instructions: list[tuple[str, str]], status: int, healthy: bool
) -> None:
    asked = []

    class Daemon(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    command = json.loads(arguments(instructions, "HEALTHCHECK")[0].partition("CMD ")[2])
    with HTTPServer(("127.0.0.1", 0), Daemon) as server:
        serving = Thread(target=server.handle_request)
        serving.start()
        code = command[2].replace("10190", str(server.server_port))
        environ = {"http_proxy": "http://127.0.0.1:9"}
        done = subprocess.run([sys.executable, *command[1:2], code], env=environ, check=False, capture_output=True)
        serving.join()
    assert (done.returncode == 0) is healthy
    assert asked == ["/-/healthy"]
