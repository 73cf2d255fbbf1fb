"""Millions of requests on end through one daemon, and the memory that it holds meanwhile.

The application keeps as many tasks open as finish, so that what the daemon has to know stays the same and only time
passes. Memory that grows all the same is a leak.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.candidates import ACCOUNT, monitor, vendor
from benchmarks.load import Application, Load
from benchmarks.programs import BenchmarkError

REQUESTS = 2_000_000
CONNECTIONS = 16
SLICES = 20
SLICE_SECONDS = 1.0
CREATE_EVERY = 20
"""One poll in sixteen finds its task finished, so that fewer are created than could finish."""


class Reading(NamedTuple):
    """Requests answered so far, and the MiB that the daemon then held."""

    requests: int
    mib: float


def measure(folder: Path, requests: int) -> list[Reading]:
    """Send that many requests as fast as they are answered; the memory before them and at twenty moments."""
    application = Application(f"/{ACCOUNT}", create_every=CREATE_EVERY)
    with vendor(folder) as upstream, monitor(folder, upstream.port) as daemon:
        load = Load(daemon.port, CONNECTIONS, application.request, application.answer)
        readings = [Reading(0, daemon.resident_mib)]
        while readings[-1].requests < requests:
            due = len(readings) * requests // SLICES
            while application.answered < due:
                load.saturate(SLICE_SECONDS)
            readings.append(Reading(application.answered, daemon.resident_mib))
            print(f"{readings[-1].requests:,} requests: {readings[-1].mib:.1f} MiB", file=sys.stderr)
        load.close()
    return readings


def table(readings: list[Reading]) -> str:
    """The figures as docs/reference/benchmarks.md holds them."""
    lines = ["| requests | MiB |", "|---|---|"]
    return "\n".join([*lines, *(f"| {one.requests:,} | {one.mib:.1f} |" for one in readings)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        print(table(measure(Path(folder), parser.parse_args().requests)))


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
