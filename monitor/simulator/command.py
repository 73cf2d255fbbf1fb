"""`genmedia-monitor simulate`."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.clock import Clock, FastClock, SystemClock
from monitor.errors import ListenError
from monitor.simulator.catalog import TIERS
from monitor.simulator.settings import DEFAULT_KEY, Durations, Settings

if TYPE_CHECKING:
    from monitor.simulator.server import Opening

_HIGHEST_PORT = 65_535


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, for example 127.0.0.1:10195")
    return host.strip("[]"), int(port)


def simulate(
    listen: Annotated[str, typer.Option(help="HOST:PORT to serve on; port 0 takes a free one.")] = "127.0.0.1:10195",
    key: Annotated[str, typer.Option(help="API key to accept.", show_default="a made-up one")] = DEFAULT_KEY,
    tier: Annotated[int, typer.Option(min=min(TIERS), max=max(TIERS), help="Usage tier.")] = 1,
    credits_: Annotated[int, typer.Option("--credits", min=0, help="Credits at start.")] = 100_000,
    seconds: Annotated[float, typer.Option(min=0, help="How long a task runs.")] = 15.0,
    pending: Annotated[float, typer.Option(min=0, help="How long a task is PENDING before.")] = 1.0,
    jitter: Annotated[float, typer.Option(min=0, max=1, help="Share by which the seconds vary.")] = 0.0,
    failure_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of tasks that fail.")] = 0.0,
    speed: Annotated[float, typer.Option(min=0.001, help="How many times as fast as real time.")] = 1.0,
    epoch: Annotated[
        float | None, typer.Option(help="Unix time from which the speed counts; now if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed repeats a run.")] = 0,
) -> None:
    """Serve a simulated Runway, for tests and demonstrations."""
    # The simulator would cost every other command 2 MiB.
    import uvloop  # noqa: PLC0415

    from monitor.simulator.server import Opening  # noqa: PLC0415

    host, port = _address(listen)
    durations = Durations(pending=pending, running=seconds, jitter=jitter)
    settings = Settings(tier=tier, durations=durations).changed({"failure_rate": failure_rate})
    opening = Opening(key=key, settings=settings, credits=credits_)
    clock = SystemClock() if speed == 1 else FastClock(speed, epoch)
    try:
        uvloop.run(_run(clock, opening, seed, host, port))
    except ListenError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None


async def _run(clock: Clock, opening: Opening, seed: int, host: str, port: int) -> None:
    from monitor.simulator.app import build_app, serve  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(build_app(clock, [opening], seed), host, port) as url:
        secret = opening.key if opening.key == DEFAULT_KEY else "<the key given>"
        typer.echo(f"Simulated Runway on {url}; for an SDK: RUNWAYML_BASE_URL={url} RUNWAYML_API_SECRET={secret}")
        await stop.wait()
