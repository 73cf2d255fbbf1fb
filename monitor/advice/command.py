"""`genmedia-monitor advice`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer


def advice(
    account: Annotated[str | None, typer.Argument(help="Only this account.", show_default="all")] = None,
    url: Annotated[str, typer.Option(help="The daemon's operator listener.")] = "http://127.0.0.1:10190",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell which usage tier would have sufficed in the last 7 and 30 days, and what it takes to reach it.

    At a provider without tiers, tell how each model's queue stands, and how many tasks to have open at once.
    """
    # Rich and httpx would cost every other command its start.
    from monitor.advice.present import present  # noqa: PLC0415

    asyncio.run(present(url, account, as_json=json))
