"""`genmedia-monitor status`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from monitor.runtime.durations import parse_duration

SHORTEST_INTERVAL_SECONDS = 0.1


def status(
    url: Annotated[str, typer.Option(help="The daemon's operator listener.")] = "http://127.0.0.1:10190",
    account: Annotated[
        list[str] | None, typer.Option(help="Show only this account; repeat the option for more.", show_default="all")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also list models without use.")] = False,
    interval: Annotated[str, typer.Option(help="Refresh interval of the live view, such as 500ms or 10s.")] = "2s",
    once: Annotated[
        bool, typer.Option("--once", help="Print once and exit. This is the default without a terminal.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print once as JSON and exit.")] = False,
) -> None:
    """Show every account of a running daemon: limits, tasks, errors, credits. Live, until Ctrl-C."""
    # Rich and httpx would cost every other command its start.
    from monitor.cli.status.live import present

    asyncio.run(present(url, account or [], every_model=all_, interval=_seconds(interval), once=once, as_json=json))


def _seconds(interval: str) -> float:
    try:
        seconds = parse_duration(interval)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--interval") from None
    if seconds < SHORTEST_INTERVAL_SECONDS:
        raise typer.BadParameter(f"give at least {SHORTEST_INTERVAL_SECONDS:g}s", param_hint="--interval")
    return seconds
