"""A real Prometheus that scrapes one target."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from daemon.process import environment
from end_to_end.stage import PATIENCE_SECONDS, Figures

JOB = "genmedia-monitor"
ADDED_LABELS = {"job", "instance"}
LISTENING = re.compile(r'msg="Listening on" .*address=(\S+)')


class Prometheus:
    """Asks its HTTP API."""

    def __init__(self, url: str, log: Path, http: httpx.AsyncClient) -> None:
        self.url = url
        self.log = log
        self._http = http

    async def api(self, path: str, **parameters: str) -> Any:
        reply = await self._http.get(f"{self.url}/api/v1/{path}", params=parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    async def query(self, expression: str) -> Figures:
        """The result of an instant query, less the labels that Prometheus adds."""
        answer = await self.api("query", query=expression)
        figures = Figures()
        for row in answer["result"]:
            name = row["metric"].pop("__name__", "")
            labels = frozenset((label, value) for label, value in row["metric"].items() if label not in ADDED_LABELS)
            figures[name, labels] = float(row["value"][1])
        return figures

    async def until(self, expression: str, holds: Callable[[Figures], bool]) -> Figures:
        """The first result of which this holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds(figures := await self.query(expression)):
                await asyncio.sleep(0.2)
        return figures

    async def target(self) -> dict[str, Any]:
        """What it says of its one target."""
        (target,) = (await self.api("targets"))["activeTargets"]
        return dict(target)

    @property
    def complaints(self) -> list[str]:
        """Its log's lines above the level of information."""
        return [line for line in self.log.read_text().splitlines() if not re.search(r"level=(info|INFO)", line)]


def address(log: Path) -> str | None:
    """Where it listens, once its log says so."""
    found = LISTENING.search(log.read_text())
    return f"http://{found[1]}" if found else None


async def ready(log: Path, http: httpx.AsyncClient) -> str:
    """Where it listens, once it answers."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (url := address(log)):
            await asyncio.sleep(0.05)
        while (await http.get(f"{url}/-/ready")).status_code != 200:
            await asyncio.sleep(0.05)
    return url


@asynccontextmanager
async def serving(binary: str, config: Path, *flags: str) -> AsyncIterator[str]:
    """Prometheus or Alertmanager on a free port, its data and its log beside its configuration; where it answers."""
    log = config.with_suffix(".log")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            binary,
            f"--config.file={config}",
            "--web.listen-address=127.0.0.1:0",
            *flags,
            env=environment(),
            stdout=output,
            stderr=output,
        )
    try:
        async with httpx.AsyncClient() as http:
            yield await ready(log, http)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def scraping(binary: str, target: str, folder: Path, rules: Sequence[Path] = ()) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes `host:port` and evaluates rules every second."""
    config = folder / "prometheus.yml"
    job = {"job_name": JOB, "honor_labels": True, "static_configs": [{"targets": [target]}]}
    document = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [job],
    }
    config.write_text(yaml.safe_dump(document))
    async with (
        serving(binary, config, f"--storage.tsdb.path={folder / 'tsdb'}") as url,
        httpx.AsyncClient() as http,
    ):
        yield Prometheus(url, config.with_suffix(".log"), http)
