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
    count: Annotated[int, typer.Option(help="How many tasks.")],
    seconds: Annotated[float, typer.Option(help="How long one runs, from start to end.")],
    model: Annotated[
        str | None, typer.Option(help="The model they use.", show_default="the most used of the last 24 hours")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="When all should be done: 18:00, or 2026-11-23T18:00. Local time.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Whose live limits count.", show_default="the only one there is")
    ] = None,
    tier: Annotated[int | None, typer.Option(help="Plan for this usage tier; no daemon is asked.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Tasks that run at once, instead of the limit there is.")
    ] = None,
    daily: Annotated[
        int | None, typer.Option(help="Generations in any 24 hours, instead of the limit there is.")
    ] = None,
    used: Annotated[int | None, typer.Option(help="Generations of the last 24 hours, instead of those known.")] = None,
    credits_per_task: Annotated[
        float | None, typer.Option(help="What a task costs, instead of the list price.")
    ] = None,
    output_seconds: Annotated[
        float | None, typer.Option(help="Length of one result, for prices by the second.")
    ] = None,
    url: Annotated[str, typer.Option(help="The daemon's operator listener.")] = "http://127.0.0.1:10190",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how long a batch of tasks takes, which limit holds it up, which tier would do, and what it costs.

    Asks a running daemon for the account's limits. With --tier, or without --account but with --concurrency or --daily,
    it needs none.
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
