"""How many observations a second the engine makes durable on one core, with the embedded store."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import uvloop
from prometheus_client import CollectorRegistry

from monitor.engine.apply import Catalogue
from monitor.engine.engine import BATCH, Engine
from monitor.metrics import SelfMetrics
from monitor.observations import AnyObservation, Kind, Outcome, RequestSeen, TaskSeen, TaskStatus
from monitor.providers import PROVIDERS
from monitor.runtime.clock import SystemClock
from monitor.store import Database

SECONDS = 10.0
WARM_UP_BATCHES = 5
POLLS = 9
ACCOUNT = "bench"
MODEL = "gen4.5"


class Figures(NamedTuple):
    """Observations a second, and CPU in us of each."""

    rate: float
    cpu: float


def task_life(at: float) -> list[AnyObservation]:
    """What one task gives: its create and nine polls, each a request and a sighting."""
    task = str(uuid4())
    statuses = [TaskStatus.PENDING, *[TaskStatus.RUNNING] * (POLLS - 1), TaskStatus.SUCCEEDED]
    life: list[AnyObservation] = []
    for step, status in enumerate(statuses):
        is_create = step == 0
        life += [
            RequestSeen(
                account=ACCOUNT,
                at=at + step,
                endpoint="/v1/text_to_video" if is_create else "/v1/tasks/{id}",
                kind=Kind.CREATE if is_create else Kind.POLL,
                outcome=Outcome.SUCCESS,
                duration_seconds=0.2,
                model=MODEL if is_create else "",
                code="200",
            ),
            TaskSeen(
                account=ACCOUNT,
                at=at + step,
                task=task,
                status=status,
                endpoint="/v1/text_to_video" if is_create else "/v1/tasks/{id}",
                model=MODEL if is_create else "unknown",
                accepted=is_create,
            ),
        ]
    return life


def batches(at: float) -> list[list[AnyObservation]]:
    """Full batches in which the steps of many tasks are mixed, as the polls of an application are."""
    lives = [task_life(at) for _ in range(BATCH)]
    steps = [seen for step in zip(*lives, strict=True) for seen in step]
    return [steps[start : start + BATCH] for start in range(0, len(steps), BATCH)]


async def _run(folder: Path) -> Figures:
    database = Database.open(f"sqlite:///{folder}/engine.db")
    catalogue = Catalogue(PROVIDERS["runway"].models, 100)
    engine = Engine(database, lambda _: catalogue, SelfMetrics(CollectorRegistry()), SystemClock())
    running = asyncio.create_task(engine.run())
    try:
        return await _measure(engine)
    finally:
        await engine.stop()
        await running
        database.close()


async def _measure(engine: Engine) -> Figures:
    """Only the time from handing over to committed counts, not that of making up observations."""
    wall = cpu = 0.0
    done = 0
    while wall < SECONDS:
        for batch in batches(time.time()):
            wall_before, cpu_before = time.perf_counter(), time.process_time()
            await engine.submit(batch, "ingest")
            done += 1
            if done > WARM_UP_BATCHES:
                wall += time.perf_counter() - wall_before
                cpu += time.process_time() - cpu_before
    measured = (done - WARM_UP_BATCHES) * BATCH
    return Figures(rate=measured / wall, cpu=cpu / measured * 1e6)


def measure(folder: Path) -> Figures:
    """Hand over full batches, one after the other, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        return uvloop.run(_run(folder))
    finally:
        os.sched_setaffinity(0, cores)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        print(measure(Path(folder)))


if __name__ == "__main__":
    main()
