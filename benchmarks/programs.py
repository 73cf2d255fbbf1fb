"""Programs under measurement: started, watched and stopped, each a single process."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

START_SECONDS = 20.0
STOP_SECONDS = 15.0


class BenchmarkError(Exception):
    """Why there are no figures, for the user to read."""


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """One process that listens on `port`; leaving the block stops it. Raises BenchmarkError when it does not start."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, port: int, environ: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self._name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **(environ or {})},
            )

    def __enter__(self) -> Program:
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                said = self._log.read_text(errors="replace").strip()[-1000:]
                raise BenchmarkError(f"{self._name} did not start: {said or 'it said nothing'}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        # The clock of another process, as clock_getcpuclockid(3) makes it: to the nanosecond, where /proc counts 10 ms.
        return time.clock_gettime(~self._process.pid << 3 | 2)

    @property
    def resident_mib(self) -> float:
        """Memory that it holds at this moment."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def confine(self, cores: set[int]) -> None:
        """Let all its threads, and those to come, run on these cores only."""
        for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
