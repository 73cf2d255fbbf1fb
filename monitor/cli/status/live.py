"""Asks and shows again and again, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from io import TextIOWrapper

import msgspec
import typer
from rich.console import Console
from rich.live import Live

from monitor.cli.client import DaemonClient
from monitor.cli.status.view import View
from monitor.cli.status.watch import Watch
from monitor.errors import DaemonError
from monitor.views.figures import Figures, figures

REDRAW_SECONDS = 1.0


class Choice:
    """Which accounts and models of a daemon are looked at."""

    def __init__(self, daemon: DaemonClient, names: list[str], *, every_model: bool) -> None:
        self.url = daemon.url
        self._daemon, self._names, self._every_model = daemon, names, every_model

    async def figures(self) -> Figures:
        """The newest.

        Raises:
            DaemonError: they cannot be had, or there is no such account.
        """
        return figures(await self._daemon.ask(), self._names, every_model=self._every_model)


async def present(url: str, names: list[str], *, every_model: bool, interval: float, once: bool, as_json: bool) -> None:
    """The command: the figures once, as text or JSON, or live where there is a terminal to show them on.

    Raises:
        DaemonError: the first figures cannot be had; a live view waits for later ones.
    """
    if isinstance(sys.stdout, TextIOWrapper):  # a name may hold what an old terminal's encoding has no letter for
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    async with DaemonClient(url) as daemon:
        choice = Choice(daemon, names, every_model=every_model)
        newest = await choice.figures()
        if as_json:
            typer.echo(msgspec.json.format(msgspec.json.encode(newest), indent=2))
        elif once or not sys.stdout.isatty() or console.is_dumb_terminal:
            now = time.monotonic()
            console.print(View(Watch(newest, now), choice.url, now))
        else:
            await show_live(console, choice, newest, interval)


async def show_live(console: Console, choice: Choice, newest: Figures, interval: float) -> None:
    """Fill the terminal until SIGINT or SIGTERM, then give it back as it was. A daemon that goes away is waited for."""
    showing = asyncio.ensure_future(_show(console, choice, Watch(newest, time.monotonic()), interval))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, showing.cancel)
    await asyncio.wait([showing])
    if not showing.cancelled():
        showing.result()


async def _show(console: Console, choice: Choice, watch: Watch, interval: float) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        screen = _Screen(live, choice.url, watch)
        async with asyncio.TaskGroup() as group:
            group.create_task(screen.redraw())
            group.create_task(screen.follow(choice, interval))


class _Screen:
    """Draws a watch: at each answer, and often enough between two for an age to be seen growing."""

    def __init__(self, live: Live, url: str, watch: Watch) -> None:
        self._live, self._url, self._watch = live, url, watch

    async def redraw(self) -> None:
        while True:
            self._draw()
            await asyncio.sleep(REDRAW_SECONDS)

    async def follow(self, choice: Choice, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            try:
                self._watch = Watch(await choice.figures(), time.monotonic())
            except DaemonError as error:
                self._watch = self._watch.missed(str(error))
            self._draw()

    def _draw(self) -> None:
        self._live.update(View(self._watch, self._url, time.monotonic()), refresh=True)
