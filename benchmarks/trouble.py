"""A vendor in trouble for minutes on end: what the application sees, what the daemon holds, and what it counts."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.candidates import ACCOUNT, KEY, monitor
from benchmarks.programs import BenchmarkError, Program, free_port

SECONDS = 120.0
CLIENTS = 200
PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
SETTLE_SECONDS = 15.0
BAD_GATEWAY = 502
STAYS_OPEN = ("--pending", "86400")
HEADERS = {"Authorization": f"Bearer {KEY}", "X-Runway-Version": "2024-11-06"}
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}

Seen = tuple[int | None, bytes]
"""What a client sees: the status and the body as far as it came; None where there was no status."""
NOTHING: Seen = (None, b"")


class Trouble(NamedTuple):
    """A fault of the simulated vendor, and the outcome that its requests are to be counted with.

    Of what `is_repaired` clients see nothing.
    """

    name: str
    fault: Mapping[str, object]
    outcome: str
    is_repaired: bool = False

    def shows(self, seen: Seen, expected: Seen) -> bool:
        """Whether a client sees what the vendor does; where that is nothing, the gateway has to say so."""
        if self.outcome == "unreachable":
            return seen[0] == BAD_GATEWAY and b"genmedia-monitor" in seen[1]
        return seen == expected


TROUBLES = (
    Trouble("none", {}, "success"),
    Trouble("503", {"fault": "status", "status": 503}, "overloaded"),
    Trouble("an HTML page", {"fault": "html", "status": 502}, "overloaded"),
    Trouble("half a body", {"fault": "half_body"}, "truncated"),
    Trouble("a redirect to a login page", {"fault": "redirect"}, "redirected"),
    Trouble("64 MiB of zeros in 64 KiB of gzip", {"fault": "bomb"}, "success"),
    Trouble("length and chunks together", {"fault": "odd_framing"}, "success", is_repaired=True),
    Trouble("broken JSON", {"fault": "broken_json"}, "truncated"),
    Trouble("reset after the head", {"fault": "reset", "after_headers": True}, "truncated"),
    Trouble("reset", {"fault": "reset"}, "unreachable"),
    Trouble(f"hanging, clients leave after {PATIENCE_SECONDS:g} s", {"fault": "hang"}, "client_gone"),
)


class Found(NamedTuple):
    """Of one trouble: polls sent, polls answered otherwise than the vendor does, polls counted with the right outcome.

    `ready` and `asked` tell how often the daemon was ready when asked, `mib` the most memory that it held.
    """

    name: str
    sent: int
    unlike: int
    counted: int
    ready: int
    asked: int
    mib: float


class Scene:
    """The vendor, the daemon, and one task that stays open."""

    def __init__(self, session: aiohttp.ClientSession, daemon: Program, operator: str, vendor: str) -> None:
        self._session = session
        self._daemon = daemon
        self._operator = operator
        self._vendor = vendor
        self._gateway = f"http://127.0.0.1:{daemon.port}/{ACCOUNT}"
        self._path = ""

    async def begin(self) -> None:
        """Create the task."""
        async with self._session.post(f"{self._gateway}/v1/text_to_video", json=VIDEO, headers=HEADERS) as reply:
            self._path = f"/v1/tasks/{(await reply.json())['id']}"

    async def endure(self, trouble: Trouble, seconds: float) -> Found:
        """Poll as many clients do while the trouble lasts, and watch the daemon meanwhile."""
        before = await self._counted(trouble.outcome)
        usual = await self._poll(self._vendor)
        await self._set(trouble.fault)
        expected = usual if trouble.is_repaired else await self._poll(self._vendor)
        end = time.monotonic() + seconds
        clients = [asyncio.create_task(self._client(number, end)) for number in range(CLIENTS)]
        watch = [await self._look() async for _ in every_second(end)]
        seen = [one for client in clients for one in await client]
        await self._session.delete(f"{self._vendor}/_control/faults")
        return Found(
            name=trouble.name,
            sent=len(seen),
            unlike=sum(not trouble.shows(one, expected) for one in seen),
            counted=await self._settled(trouble.outcome, before + len(seen)) - before,
            ready=sum(ready for ready, _ in watch),
            asked=len(watch),
            mib=max(mib for _, mib in watch),
        )

    async def _set(self, fault: Mapping[str, object]) -> None:
        if fault:
            document = {"kind": "poll", "own": False, **fault}
            async with self._session.post(f"{self._vendor}/_control/faults", json=document) as reply:
                reply.raise_for_status()

    async def _client(self, number: int, end: float) -> list[Seen]:
        await asyncio.sleep(PAUSE_SECONDS * number / CLIENTS)
        seen = []
        while time.monotonic() < end:
            seen.append(await self._poll(self._gateway))
            await asyncio.sleep(PAUSE_SECONDS)
        return seen

    async def _poll(self, base_url: str) -> Seen:
        status, body = NOTHING
        try:
            async with self._session.get(base_url + self._path, headers=HEADERS, allow_redirects=False) as reply:
                status = reply.status
                async for chunk in reply.content.iter_any():
                    body += chunk
        except (aiohttp.ClientError, TimeoutError):
            pass
        return status, body

    async def _look(self) -> tuple[bool, float]:
        async with self._session.get(f"{self._operator}/-/ready") as reply:
            return reply.status == 200, self._daemon.resident_mib

    async def _settled(self, outcome: str, expected: int) -> int:
        """How many are counted, once it is as many as expected or time is up."""
        end = time.monotonic() + SETTLE_SECONDS
        async for _ in every_second(end):
            counted = await self._counted(outcome)
            if counted == expected:
                break
        return counted

    async def _counted(self, outcome: str) -> int:
        plain = {"Accept-Encoding": "identity"}
        async with self._session.get(f"{self._operator}/metrics", headers=plain) as reply:
            families = text_string_to_metric_families(await reply.text())
        wanted = {"account": ACCOUNT, "kind": "poll", "outcome": outcome}
        samples = [sample for family in families for sample in family.samples]
        polls = [s for s in samples if s.name == "genmedia_requests_total" and wanted.items() <= s.labels.items()]
        return round(sum(sample.value for sample in polls))


async def every_second(end: float) -> AsyncIterator[None]:
    """Now, and then once a second until `end` on the monotonic clock."""
    while True:
        yield
        if time.monotonic() >= end:
            return
        await asyncio.sleep(1)


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Scene]:
    """Vendor and daemon as processes of their own."""
    vendor, operator = free_port(), free_port()
    simulate = [sys.executable, "-m", "monitor", "simulate", "--listen", f"127.0.0.1:{vendor}", "--key", KEY]
    session = aiohttp.ClientSession(
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS),
    )
    with (
        Program("vendor", [*simulate, *STAYS_OPEN], folder, vendor),
        monitor(folder, vendor, operator) as daemon,
    ):
        async with session:
            scene = Scene(session, daemon, f"http://127.0.0.1:{operator}", f"http://127.0.0.1:{vendor}")
            await scene.begin()
            yield scene


async def measure(folder: Path, seconds: float) -> list[Found]:
    """Every trouble in turn, on the same daemon."""
    async with staged(folder) as scene:
        found = []
        for trouble in TROUBLES:
            print(trouble.name, file=sys.stderr)
            found.append(await scene.endure(trouble, seconds))
        return found


def table(found: list[Found]) -> str:
    """The figures as docs/reference/benchmarks.md holds them."""
    rows: list[tuple[Any, ...]] = [
        (one.name, f"{one.sent:,}", one.unlike, f"{one.counted:,}", f"{one.ready} of {one.asked}", f"{one.mib:.0f}")
        for one in found
    ]
    head = ("trouble", "polls", "seen otherwise", "counted right", "ready", "MiB at most")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trouble", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each trouble")
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        print(table(uvloop.run(measure(Path(folder), parser.parse_args().seconds))))


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
