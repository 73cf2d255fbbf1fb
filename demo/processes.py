"""Programs that the demo starts, watches and stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 12.0
LAST_LINES = 5


class DemoError(Exception):
    """Why the demo cannot go on, for the user to read."""


def check_free(port: int, flag: str) -> None:
    """Raise DemoError when something listens on a loopback port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DemoError(f"port {port} is taken; stop what listens there, or choose another with {flag}") from None


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a Python module."""
    return [sys.executable, "-m", name, *arguments]


class Program:
    """A process in a session of its own: a Ctrl-C reaches it only through us."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environ},
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise DemoError, with the last words, when it has ended."""
        status = self._process.poll()
        if status is not None:
            said = self._log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
            raise DemoError(f"the {self.name} ended with status {status}: {' | '.join(said) or 'it said nothing'}")

    def stop(self) -> None:
        """End it: by SIGTERM, and by SIGKILL when that takes too long."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
