"""The command as its user has it: a process, with a terminal or without."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

PROGRAM = (sys.executable, "-m", "monitor", "status")
PATIENCE_SECONDS = 20.0
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    """This process's environment less what would change how a terminal is used."""
    unwanted = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | more


async def call(*arguments: str, **environ: str) -> tuple[int | None, str, str]:
    """Its exit status, standard output and standard error, without a terminal."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        cwd=ROOT,
        env=environment(**environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


class Terminal:
    """A terminal in which it runs."""

    def __init__(self, process: asyncio.subprocess.Process, descriptor: int) -> None:
        self._process, self._descriptor = process, descriptor
        self.raw = ""
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            self.raw += os.read(self._descriptor, 1 << 16).decode(errors="replace")
        except OSError:  # Linux says so when the program has closed its side
            asyncio.get_running_loop().remove_reader(self._descriptor)

    @property
    def screen(self) -> str:
        """What the last redraw shows."""
        return CODES.sub("", self.raw.rpartition("\x1b[H")[2])

    async def until(self, holds: Callable[[str], bool]) -> str:
        """The first screen of which this holds; the test fails when none comes."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not holds(self.screen):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the screen is:\n{self.screen}") from None
        return self.screen

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def end(self) -> int:
        """Its exit status, once it has ended."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._process.wait()


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@asynccontextmanager
async def terminal(*arguments: str, columns: int = 100, lines: int = 50, **environ: str) -> AsyncIterator[Terminal]:
    """The command in a terminal of its own; killed at the end, if it still runs."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        cwd=ROOT,
        env=environment(TERM="xterm-256color", **environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=_own_terminal,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
