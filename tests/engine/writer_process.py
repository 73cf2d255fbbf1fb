"""Submits observations, each with its number as its id, and prints how many are acknowledged, until it is killed."""

import asyncio
import sys
from itertools import count

from prometheus_client import CollectorRegistry
from stores import accepted, catalogue_of, create

from monitor.engine.engine import Engine
from monitor.metrics import SelfMetrics
from monitor.runtime.clock import SystemClock
from monitor.store import Database


async def main(url: str, start: int, together: int) -> None:
    database = Database.open(url)
    engine = Engine(database, catalogue_of, SelfMetrics(CollectorRegistry()), SystemClock())
    run = asyncio.create_task(engine.run())
    for number in count(start):
        ids = range(number * together, (number + 1) * together)
        await engine.submit([create(id=f"r{i}") for i in ids] + [accepted(f"task{i}") for i in ids], "ingest")
        sys.stdout.write(f"{ids.stop}\n")
        sys.stdout.flush()
    await run


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
