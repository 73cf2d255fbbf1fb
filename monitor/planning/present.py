"""From a request to what is printed."""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console

from monitor.errors import DaemonError
from monitor.planning.estimate import reckon
from monitor.planning.request import Request
from monitor.planning.standing import Standing, given, live
from monitor.planning.view import view
from monitor.status.daemon import Daemon

WIDTH_WITHOUT_TERMINAL = 140


async def present(request: Request, now: float, url: str, *, as_json: bool) -> None:
    """Print the plan as text or JSON; `now` is Unix seconds, `url` the daemon's where one has to be asked.

    Raises:
        DaemonError: the daemon cannot be asked.
        PlanError: what it answers leaves open what is meant.
    """
    answer = reckon(request, await _standing(request, url), now)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
    console.print(view(answer, console.width))


async def _standing(request: Request, url: str) -> Standing:
    if request.offline:
        return given(request)
    async with Daemon(url) as daemon:
        try:
            reply = await daemon.ask()
        except DaemonError as error:
            raise DaemonError(f"{error} (without a daemon, give --tier, or --concurrency and --daily)") from None
        return live(reply, request)
