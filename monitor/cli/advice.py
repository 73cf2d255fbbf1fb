"""`genmedia-monitor advice`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

WIDTH_WITHOUT_TERMINAL = 120


def advice(
    account: Annotated[str | None, typer.Argument(help="Only this account.", show_default="all")] = None,
    url: Annotated[str, typer.Option(help="The daemon's operator listener.")] = "http://127.0.0.1:10190",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which tier would have been enough for the last 7 and 30 days, and how to reach it.

    For a provider without tiers, show the state of each model's queue and the recommended number of parallel tasks.
    """
    asyncio.run(_print(url, account, as_json=json))


async def _print(url: str, account: str | None, *, as_json: bool) -> None:
    """Print the advice of one account, or of all."""
    # Rich and httpx would cost every other command its start.
    from monitor.cli.client import DaemonClient
    from monitor.cli.output import console, print_json
    from monitor.planning.advice import as_data, view

    async with DaemonClient(url) as daemon:
        reply = await daemon.ask()
    accounts = reply.named(account)
    if as_json:
        print_json(as_data(reply, accounts))
        return
    shown = console(WIDTH_WITHOUT_TERMINAL)
    for one in accounts:
        shown.print(view(one))
