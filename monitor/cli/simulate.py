"""`genmedia-monitor simulate`."""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.errors import ListenError
from monitor.runtime.clock import Clock, FastClock, SystemClock
from monitor.simulator.runware.settings import DEFAULT_KEY as RUNWARE_KEY
from monitor.simulator.runware.settings import Settings as RunwareSettings
from monitor.simulator.runway.catalog import TIERS
from monitor.simulator.runway.settings import DEFAULT_KEY, Durations, Settings

if TYPE_CHECKING:
    from aiohttp import web


class SimulatedProvider(StrEnum):
    """The provider whose API is simulated."""

    RUNWAY = "runway"
    RUNWARE = "runware"


_HIGHEST_PORT = 65_535


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, for example 127.0.0.1:10195")
    return host.strip("[]"), int(port)


def simulate(
    provider: Annotated[
        SimulatedProvider, typer.Option("--vendor", help="Whose API to simulate.")
    ] = SimulatedProvider.RUNWAY,
    listen: Annotated[str, typer.Option(help="HOST:PORT to serve on; port 0 takes a free one.")] = "127.0.0.1:10195",
    key: Annotated[str | None, typer.Option(help="API key to accept.", show_default="a made-up one")] = None,
    tier: Annotated[int, typer.Option(min=min(TIERS), max=max(TIERS), help="Runway: usage tier.")] = 1,
    credits_: Annotated[
        int, typer.Option("--credits", min=0, help="Balance at start: Runway's credits, Runware's dollars.")
    ] = 100_000,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="How long a task runs.", show_default="Runway 15, Runware by model")
    ] = None,
    pending: Annotated[float, typer.Option(min=0, help="Runway: how long a task is PENDING before.")] = 1.0,
    capacity: Annotated[int, typer.Option(min=1, help="Runware: tasks of a model that run at once.")] = 4,
    queue: Annotated[int, typer.Option(min=0, help="Runware: tasks of a model that may wait.")] = 32,
    jitter: Annotated[float, typer.Option(min=0, max=1, help="Share by which the seconds vary.")] = 0.0,
    failure_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of tasks that fail.")] = 0.0,
    speed: Annotated[float, typer.Option(min=0.001, help="How many times as fast as real time.")] = 1.0,
    epoch: Annotated[
        float | None, typer.Option(help="Unix time from which the speed counts; now if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed repeats a run.")] = 0,
) -> None:
    """Serve a simulated Runway or Runware, for tests and demonstrations."""
    # The simulator would cost every other command 2 MiB.
    import uvloop

    host, port = _address(listen)
    clock = SystemClock() if speed == 1 else FastClock(speed, epoch)
    shares = {"failure_rate": failure_rate}
    if provider is SimulatedProvider.RUNWAY:
        durations = Durations(pending=pending, running=15.0 if seconds is None else seconds, jitter=jitter)
        app = _runway(clock, key, Settings(tier=tier, durations=durations).changed(shares), credits_, seed)
    else:
        settings = RunwareSettings(seconds=seconds, capacity=capacity, queue=queue, jitter=jitter).changed(shares)
        app = _runware(clock, key, settings, credits_, seed)
    try:
        uvloop.run(_run(app, _hint(provider, key), host, port))
    except ListenError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None


def _runway(clock: Clock, key: str | None, settings: Settings, credits_: int, seed: int) -> web.Application:
    from monitor.simulator.runway.app import build_app
    from monitor.simulator.runway.server import InitialAccount

    return build_app(clock, [InitialAccount(key=key or DEFAULT_KEY, settings=settings, credits=credits_)], seed)


def _runware(clock: Clock, key: str | None, settings: RunwareSettings, balance: float, seed: int) -> web.Application:
    from monitor.simulator.runware.app import build_app
    from monitor.simulator.runware.server import InitialAccount

    return build_app(clock, [InitialAccount(key=key or RUNWARE_KEY, settings=settings, balance=balance)], seed)


def _hint(provider: SimulatedProvider, key: str | None) -> str:
    """Return the line for the user, with placeholders for the URLs."""
    if provider is SimulatedProvider.RUNWAY:
        address, variable, made_up = "RUNWAYML_BASE_URL={url}", "RUNWAYML_API_SECRET", DEFAULT_KEY
    else:
        address, variable, made_up = "http_base_url={url}/v1 ws_base_url={ws}/v1", "RUNWARE_API_KEY", RUNWARE_KEY
    secret = "<the key given>" if key else made_up
    return f"Simulated {provider.title()} on {{url}}; for an SDK: {address} {variable}={secret}"


async def _run(app: web.Application, hint: str, host: str, port: int) -> None:
    from monitor.simulator.shared.server import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(app, host, port) as url:
        typer.echo(hint.format(url=url, ws=url.replace("http", "ws", 1)))
        await stop.wait()
