"""What a request costs through the gateway, beside nginx, Envoy and no proxy at all, in rounds of one run."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.candidates import CANDIDATES, vendor
from benchmarks.load import Application, Load, quantile
from benchmarks.programs import Program

RATE = 500
CONNECTIONS = 16
WARM_UP_SECONDS = 3.0
STEADY_SECONDS = 15.0
SATURATION_SECONDS = 5.0
ROUNDS = 5
BARE = "no proxy"
COLUMNS = (
    "",
    f"CPU us a request, at {RATE}/s",
    "CPU us a request, busy",
    "p50 ms added",
    "p99 ms added",
    "most requests/s on one core",
    "MiB",
)


class Figures(NamedTuple):
    """What one round found of one candidate: CPU in us a request, latencies in ms, requests a second, MiB."""

    cpu_steady: float
    cpu_busy: float
    p50: float
    p99: float
    most: float
    share: float
    resident: float


Round = Mapping[str, Figures]


def measure(program: Program, prefix: str) -> Figures:
    """Warm up, keep a steady rate, then ask as much as one core gives."""
    application = Application(prefix)
    load = Load(program.port, CONNECTIONS, application.request, application.answer)
    load.steady(RATE, WARM_UP_SECONDS)
    before = program.cpu_seconds
    latencies = load.steady(RATE, STEADY_SECONDS)
    cpu_steady = program.cpu_seconds - before
    program.confine({max(os.sched_getaffinity(0))})
    before = program.cpu_seconds
    answered = len(load.saturate(SATURATION_SECONDS))
    cpu_busy = program.cpu_seconds - before
    load.close()
    return Figures(
        cpu_steady=cpu_steady / len(latencies) * 1e6,
        cpu_busy=cpu_busy / answered * 1e6,
        p50=quantile(latencies, 0.5),
        p99=quantile(latencies, 0.99),
        most=answered / SATURATION_SECONDS,
        share=cpu_busy / SATURATION_SECONDS,
        resident=program.resident_mib,
    )


def measure_rounds(folder: Path, rounds: int) -> list[Round]:
    """Every candidate once a round, each alone with the vendor and the load."""
    found = []
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}", file=sys.stderr)
        found.append(_round(folder))
    return found


def _round(folder: Path) -> Round:
    with vendor(folder) as upstream:
        found = {BARE: measure(upstream, "")}
        for candidate in CANDIDATES:
            with candidate.start(folder, upstream.port) as program:
                found[candidate.name] = measure(program, candidate.prefix)
    return found


def table(rounds: Sequence[Round]) -> str:
    """The figures as Markdown: medians of the rounds, with the least and the most of them."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for name in rounds[0]:
        own, bare = [found[name] for found in rounds], [found[BARE] for found in rounds]
        is_bare = name == BARE
        p50 = [one.p50 - (0 if is_bare else none.p50) for one, none in zip(own, bare, strict=True)]
        p99 = [one.p99 - (0 if is_bare else none.p99) for one, none in zip(own, bare, strict=True)]
        cells = [
            f"{BARE}, its own latency" if is_bare else name,
            _spread([one.cpu_steady for one in own]),
            _spread([one.cpu_busy for one in own]),
            _spread(p50, 2),
            _spread(p99, 2),
            f"{_spread([one.most for one in own])}, {median(one.share for one in own):.0%} busy",
            f"{median(one.resident for one in own):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float], digits: int = 0) -> str:
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        print(table(measure_rounds(Path(folder), ROUNDS)))


if __name__ == "__main__":
    main()
