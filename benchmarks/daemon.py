"""What the daemon costs with no traffic, and what a scrape of it takes."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.candidates import ACCOUNT, monitor, vendor
from benchmarks.load import Application, Load, quantile
from benchmarks.programs import BenchmarkError, Program, free_port
from monitor.providers import PROVIDERS

IDLE_SECONDS = 30.0
SETTLE_SECONDS = 6.0
LINES = 2_000
SCRAPERS = 8
SCRAPE_SECONDS = 15.0
PACE = 500
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nUser-Agent: Prometheus/3.5.0\r\n\r\n"


class Figures(NamedTuple):
    """Share of a core and memory while idle; scrapes a second and latency in ms of each scraper, lines scraped."""

    idle_share: float
    idle_mib: float
    scrape_p50: float
    scrape_p99: float
    scrapes: float
    lines: int


def measure(folder: Path) -> Figures:
    """Start the daemon, leave it alone, give it an account of many models, then scrape it."""
    operator = free_port()
    with vendor(folder) as upstream, monitor(folder, upstream.port, operator) as daemon:
        time.sleep(SETTLE_SECONDS)
        share, resident = _idle(daemon)
        lines = _fill(daemon.port, operator)
        latencies = _scrape(operator)
    return Figures(
        idle_share=share,
        idle_mib=resident,
        scrape_p50=quantile(latencies, 0.5),
        scrape_p99=quantile(latencies, 0.99),
        scrapes=len(latencies) / SCRAPE_SECONDS,
        lines=lines,
    )


def _idle(daemon: Program) -> tuple[float, float]:
    before = daemon.cpu_seconds
    time.sleep(IDLE_SECONDS)
    return (daemon.cpu_seconds - before) / IDLE_SECONDS, daemon.resident_mib


def _fill(port: int, operator: int) -> int:
    """Use models, one more at a time, until the exposition has as many lines as are wanted; how many it has then."""
    models = tuple(sorted(PROVIDERS["runway"].models))
    for known in range(5, len(models), 5):
        application = Application(f"/{ACCOUNT}", models[:known])
        load = Load(port, 1, application.request, application.answer)
        load.steady(PACE, 2.0)
        load.close()
        time.sleep(SETTLE_SECONDS)
        lines = httpx.get(f"http://127.0.0.1:{operator}/metrics").text.count("\n")
        if lines >= LINES:
            return lines
    raise BenchmarkError(f"the exposition stays under {LINES} lines")


def _scrape(operator: int) -> list[float]:
    def check(answer: bytes) -> None:
        if not re.match(rb"HTTP/1.1 200 .*\r\ncontent-encoding: gzip\r\n", answer, re.IGNORECASE | re.DOTALL):
            raise BenchmarkError(f"unexpected answer: {answer[:300]!r}")

    load = Load(operator, SCRAPERS, lambda: SCRAPE, check)
    latencies = load.saturate(SCRAPE_SECONDS)
    load.close()
    return latencies


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        print(measure(Path(folder)))


if __name__ == "__main__":
    main()
