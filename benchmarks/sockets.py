"""What a WebSocket costs through the gateway, beside a direct connection in the same run."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import aiohttp
import uvloop
from aiohttp import ClientWebSocketResponse, web

from benchmarks.load import quantile
from benchmarks.programs import Program, free_port

IDLE_SOCKETS = 500
BUSY_SOCKETS = 20
RATES = (500, 1000)
WARM_UP_SECONDS = 2.0
STEADY_SECONDS = 15.0
AUTHENTICATION = {"taskType": "authentication", "apiKey": "0" * 32}
CONFIG = """\
listen: 127.0.0.1:{operator}
gateway: {{listen: "127.0.0.1:{port}"}}
store: sqlite:///{folder}/sockets.db
accounts:
  - {{name: bench, provider: runware, api_key_env: BENCH_KEY, base_url: "http://127.0.0.1:{vendor}"}}
"""


class Pace(NamedTuple):
    """At a rate of messages a second: latencies in ms without and with the gateway, CPU in us an exchange."""

    rate: int
    direct_p50: float
    direct_p99: float
    p50: float
    p99: float
    cpu: float


class Figures(NamedTuple):
    """MiB before and with idle sockets, and what was found at each rate."""

    before: float
    idle: float
    paces: list[Pace]


async def answer(request: web.Request) -> web.WebSocketResponse:
    """The vendor: each task has its result at once."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        for task in json.loads(message.data):
            named = {name: task[name] for name in ("taskType", "taskUUID") if name in task}
            await socket.send_json({"data": [named | {"imageURL": "https://im.example/x", "cost": 0.0013}]})
    return socket


def serve(port: int) -> None:
    """Be the vendor."""
    app = web.Application()
    app.router.add_get("/v1", answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None, loop=uvloop.new_event_loop())


async def opened(session: aiohttp.ClientSession, url: str, number: int) -> list[ClientWebSocketResponse]:
    """Authenticated sockets that compress."""
    sockets = [await session.ws_connect(url, compress=15) for _ in range(number)]
    for socket in sockets:
        await exchange(socket, AUTHENTICATION)
    return sockets


async def exchange(socket: ClientWebSocketResponse, task: Mapping[str, object]) -> None:
    await socket.send_json([task])
    await socket.receive_json()


async def steady(url: str, rate: int, seconds: float) -> list[float]:
    """Exchanges of two messages each, `rate` messages a second; how long each took."""
    latencies: list[float] = []
    apart = 2 / rate

    async def keep_pace(socket: ClientWebSocketResponse, start: float) -> None:
        for turn in range(int(seconds / apart / BUSY_SOCKETS)):
            await asyncio.sleep(max(0.0, start + turn * BUSY_SOCKETS * apart - time.perf_counter()))
            task = {"taskType": "imageInference", "taskUUID": str(uuid4()), "model": "runware:100@1"}
            asked = time.perf_counter()
            await exchange(socket, task | {"positivePrompt": "a cat on a mat " * 10, "numberResults": 1})
            latencies.append(time.perf_counter() - asked)

    async with aiohttp.ClientSession() as session:
        sockets = await opened(session, url, BUSY_SOCKETS)
        now = time.perf_counter()
        await asyncio.gather(*(keep_pace(socket, now + index * apart) for index, socket in enumerate(sockets)))
    return latencies


async def idle(url: str, program: Program) -> float:
    """Memory of the program while it holds idle sockets."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await opened(session, url, IDLE_SOCKETS)
        return program.resident_mib


def measure(folder: Path) -> Figures:
    """Start vendor and daemon, hold idle sockets, then keep a steady rate on both ways."""
    ports = {name: free_port() for name in ("vendor", "port", "operator")}
    config = folder / "sockets.yml"
    config.write_text(CONFIG.format(folder=folder, **ports))
    command = [sys.executable, "-m", "monitor", "run", "--config", str(config)]
    direct, through = f"ws://127.0.0.1:{ports['vendor']}/v1", f"ws://127.0.0.1:{ports['port']}/bench/v1"
    itself = [sys.executable, "-m", "benchmarks.sockets", str(ports["vendor"])]
    root = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with (
        Program("socket-vendor", itself, folder, ports["vendor"], root),
        Program("monitor", command, folder, ports["port"], root | {"BENCH_KEY": "0" * 32}) as daemon,
    ):
        before = daemon.resident_mib
        held = uvloop.run(idle(through, daemon))
        uvloop.run(steady(through, RATES[0], WARM_UP_SECONDS))
        paces = [keep_up(direct, through, rate, daemon) for rate in RATES]
    return Figures(before, held, paces)


def keep_up(direct: str, through: str, rate: int, daemon: Program) -> Pace:
    """The same rate on both ways, one after the other."""
    alone = uvloop.run(steady(direct, rate, STEADY_SECONDS))
    used = daemon.cpu_seconds
    passed = uvloop.run(steady(through, rate, STEADY_SECONDS))
    used = daemon.cpu_seconds - used
    return Pace(
        rate,
        direct_p50=1000 * quantile(alone, 0.5),
        direct_p99=1000 * quantile(alone, 0.99),
        p50=1000 * quantile(passed, 0.5),
        p99=1000 * quantile(passed, 0.99),
        cpu=1e6 * used / len(passed),
    )


def table(told: Figures) -> str:
    """The figures as docs/reference/benchmarks.md holds them."""
    rows = [
        (f"{IDLE_SOCKETS} idle sockets with compression", f"{told.idle:.0f} MiB ({told.before:.0f} before)", "150 MiB"),
        *(_row(pace) for pace in told.paces),
    ]
    return "\n".join(
        ["| WebSocket | measured | wanted |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    )


def _row(pace: Pace) -> tuple[str, str, str]:
    added = f"p50 {pace.p50 - pace.direct_p50:.1f} ms, p99 {pace.p99 - pace.direct_p99:.1f} ms"
    wanted = "p99 5 ms" if pace.rate == RATES[0] else ""
    text = f"{added} (direct {pace.direct_p50:.1f} and {pace.direct_p99:.1f}); {pace.cpu:.0f} us CPU an exchange"
    return f"{pace.rate:,} messages/s, added to an exchange of two", text, wanted


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(int(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as name:
            print(table(measure(Path(name))))
