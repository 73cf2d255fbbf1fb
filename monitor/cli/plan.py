"""`genmedia-monitor plan`."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.errors import DaemonError
from monitor.runtime.clock import SystemClock

if TYPE_CHECKING:
    from monitor.planning.request import Request
    from monitor.planning.standing import PlanBasis

WIDTH_WITHOUT_TERMINAL = 140


def plan(
    count: Annotated[int, typer.Option(help="Number of tasks.")],
    seconds: Annotated[float, typer.Option(help="Duration of one task, from start to end.")],
    model: Annotated[
        str | None, typer.Option(help="Model that the tasks use.", show_default="the most used in the last 24 hours")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Deadline in local time: 18:00 or 2026-11-23T18:00.")] = None,
    account: Annotated[
        str | None, typer.Option(help="Account whose live limits apply.", show_default="the only one")
    ] = None,
    tier: Annotated[int | None, typer.Option(help="Plan for this usage tier, without a daemon.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Parallel tasks, instead of the account's limit.")] = None,
    daily: Annotated[
        int | None, typer.Option(help="Generations in any 24 hours, instead of the account's limit.")
    ] = None,
    used: Annotated[
        int | None, typer.Option(help="Generations used in the last 24 hours, instead of the known count.")
    ] = None,
    credits_per_task: Annotated[
        float | None, typer.Option(help="Price of one task, instead of the list price.")
    ] = None,
    output_seconds: Annotated[
        float | None, typer.Option(help="Length of one result, for models priced by the second.")
    ] = None,
    url: Annotated[str, typer.Option(help="The daemon's operator listener.")] = "http://127.0.0.1:10190",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how long a batch of tasks takes, which limit delays it, which tier is enough, and what it costs.

    The command asks a running daemon for the account's limits. It needs no daemon with --tier, or with --concurrency
    or --daily but without --account.
    """
    # What a plan needs would cost every other command its start.
    from monitor.planning.request import Request, deadline

    now = float(math.floor(SystemClock().now()))
    request = Request(
        count=count,
        seconds=seconds,
        model=model,
        by=None if by is None else deadline(by, now),
        account=account,
        tier=tier,
        concurrency=concurrency,
        daily=daily,
        used=used,
        credits_per_task=credits_per_task,
        output_seconds=output_seconds,
    )
    asyncio.run(_print(request, now, url, as_json=json))


async def _print(request: Request, now: float, url: str, *, as_json: bool) -> None:
    """Print the plan; `now` is Unix seconds, `url` the daemon's where one has to be asked."""
    from monitor.cli.output import console, print_json
    from monitor.planning.estimate import estimate
    from monitor.planning.view import view

    answer = estimate(request, await _standing(request, url), now)
    if as_json:
        print_json(answer)
        return
    shown = console(WIDTH_WITHOUT_TERMINAL)
    shown.print(view(answer, shown.width))


async def _standing(request: Request, url: str) -> PlanBasis:
    from monitor.cli.client import DaemonClient
    from monitor.planning.standing import given, live

    if request.offline:
        return given(request)
    async with DaemonClient(url) as daemon:
        try:
            reply = await daemon.ask()
        except DaemonError as error:
            raise DaemonError(f"{error} (without a daemon, give --tier, or --concurrency and --daily)") from None
        return live(reply, request)
