"""An application that makes media at Runware by plain HTTP, with more haste than a queue likes.

It knows nothing of the monitor: only its base URL points at the gateway. Given the simulated Runware's address too, it
first makes that as slow and imperfect as the real one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from demo.application import Application, follow, main

ACCOUNT = {
    "jitter": 0.3,
    "failure_rate": 0.05,
    "shed_after": 15,
    "models": {
        "runware:100@1": {"capacity": 4},
        "runware:101@1": {"capacity": 2, "queue": 8},
        "klingai:5@3": {"capacity": 2, "queue": 6, "seconds": 15},
    },
}
FAULTS = (
    {"fault": "latency", "seconds": 0.08, "jitter": 0.8},
    {"fault": "html", "status": 503, "kind": "create", "own": False, "probability": 0.03},
)
POLL_SECONDS = 2.0
PROMPT = "A lighthouse in a storm, seen from the sea"

Task = Mapping[str, Any]
SIZE = {"width": 1024, "height": 1024, "positivePrompt": PROMPT, "includeCost": True}
QUICK: Task = {"taskType": "imageInference", "model": "runware:100@1", **SIZE}
DETAILED: Task = {"taskType": "imageInference", "model": "runware:101@1", **SIZE}
VIDEO: Task = {"taskType": "videoInference", "model": "klingai:5@3", "positivePrompt": PROMPT, "duration": 5}
WRONG: Task = {"taskType": "imageInference", "model": "flux", **SIZE}


@dataclass(frozen=True)
class Habit:
    """Something the application does again and again: `burst` requests at once, then a pause of about `pause` seconds.

    Each request carries all of `tasks`. `waits` says that it waits for the answer and does not poll.
    """

    tasks: tuple[Task, ...]
    burst: int
    pause: float
    waits: bool = False


HABITS = (
    Habit((QUICK,), burst=3, pause=5, waits=True),
    Habit((DETAILED,), burst=14, pause=40),
    Habit((VIDEO,), burst=5, pause=50),
    Habit((QUICK, WRONG), burst=1, pause=20, waits=True),
)


async def make(client: httpx.AsyncClient, habit: Habit) -> None:
    """Ask once; whatever the vendor makes of it, the application carries on."""
    delivery = "sync" if habit.waits else "async"
    tasks = [{**task, "taskUUID": str(uuid.uuid4()), "deliveryMethod": delivery} for task in habit.tasks]
    with suppress(httpx.HTTPError, ValueError):
        reply = (await client.post("/v1", json=tasks)).json()
        if not habit.waits:
            await asyncio.gather(*(poll(client, item["taskUUID"]) for item in reply.get("data", ())))


async def poll(client: httpx.AsyncClient, task: str) -> None:
    """Ask for a task until nothing of it is under way."""
    asked = [{"taskType": "getResponse", "taskUUID": task}]
    while True:
        await asyncio.sleep(POLL_SECONDS)
        reply = (await client.post("/v1", json=asked)).json()
        if not any(item.get("status") == "processing" for item in reply.get("data", ())):
            return


async def live(base_url: str, key: str) -> None:
    """Follow all habits for ever."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(base_url=base_url, headers=headers, timeout=130, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        for habit in HABITS:
            group.create_task(follow(partial(make, client, habit), habit.burst, habit.pause))


APPLICATION = Application(
    module="demo.runware_workload",
    about=__doc__,
    vendor="Runware",
    account="demo-runware",
    key_variable="RUNWARE_API_KEY",
    settings=ACCOUNT,
    faults=FAULTS,
    live=live,
)

if __name__ == "__main__":
    main(APPLICATION)
