"""An application that makes media with the official Runway SDK, and none too carefully.

It submits in bursts, sends requests that are refused, cancels some tasks and loses interest in others. It knows
nothing of the monitor: only its base URL points at the gateway. Given the simulated Runway's address too, it first
makes that as imperfect as the real one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from runwayml import APIError, AsyncRunwayML, TaskFailedError, TaskTimeoutError

from demo.application import Application, follow, main

IMAGE = "https://example.com/image.png"
VIDEO = "https://example.com/video.mp4"
PROMPT = "A lighthouse in a storm, seen from the sea"

ORGANIZATION = {
    "limits": {"gemini_2.5_flash": {"concurrency": 3, "daily": 20}},
    "durations": {
        "pending": 1,
        "jitter": 0.4,
        "running": 10,
        "models": {
            "gen4.5": 12,
            "gen4_turbo": 8,
            "gen4_image": 4,
            "gemini_2.5_flash": 3,
            "veo3.1_fast": 15,
            "veo3.1": 150,
        },
    },
    "failure_rate": 0.08,
    "autobilling": {"threshold": 50_000, "amount": 20_000},
}
FAULTS = (
    {"fault": "latency", "seconds": 0.12, "jitter": 0.8},
    {"fault": "status", "status": 503, "kind": "create", "own": False, "probability": 0.04},
)

Request = tuple[str, dict[str, Any]]
"""A resource of the SDK and the arguments to its `create`."""

GEN4_5: Request = ("text_to_video", {"model": "gen4.5", "prompt_text": PROMPT, "ratio": "1280:720", "duration": 5})
GEN4_TURBO: Request = ("image_to_video", {"model": "gen4_turbo", "prompt_image": IMAGE, "ratio": "1280:720"})
VEO: Request = ("text_to_video", {"model": "veo3.1", "prompt_text": PROMPT, "ratio": "1280:720", "duration": 8})
VEO_FAST: Request = ("text_to_video", {**VEO[1], "model": "veo3.1_fast"})
GEN4_IMAGE: Request = ("text_to_image", {"model": "gen4_image", "prompt_text": PROMPT, "ratio": "1920:1080"})
GEMINI: Request = ("text_to_image", {"model": "gemini_2.5_flash", "prompt_text": PROMPT, "ratio": "1024:1024"})
ACT_TWO: Request = (
    "character_performance",
    {
        "model": "act_two",
        "character": {"type": "image", "uri": IMAGE},
        "reference": {"type": "video", "uri": VIDEO},
        "ratio": "1280:720",
    },
)
WRONG_RATIO: Request = ("text_to_video", {"model": "gen4.5", "prompt_text": PROMPT, "ratio": "wide", "duration": 5})

Use = Callable[[AsyncRunwayML, Request], Awaitable[None]]


async def create(client: AsyncRunwayML, request: Request) -> Any:
    """Ask for a generation; returns the task."""
    resource, arguments = request
    return await getattr(client, resource).create(**arguments)


async def wait(client: AsyncRunwayML, request: Request) -> None:
    """What the SDK's documentation shows: create, then wait for the output."""
    task = await create(client, request)
    await task.wait_for_task_output()


async def cancel(client: AsyncRunwayML, request: Request) -> None:
    """Change one's mind after some seconds."""
    task = await create(client, request)
    await asyncio.sleep(random.uniform(2, 8))
    await client.tasks.delete(task.id)


async def give_up(client: AsyncRunwayML, request: Request) -> None:
    """Look once, then forget the task, which goes on and costs."""
    task = await create(client, request)
    await asyncio.sleep(2)
    await client.tasks.retrieve(task.id)


@dataclass(frozen=True)
class Habit:
    """Something the application does again and again: `burst` times at once, then a pause of about `pause` seconds."""

    use: Use
    request: Request
    burst: int
    pause: float


HABITS = (
    Habit(wait, GEN4_5, burst=12, pause=70),
    Habit(wait, GEN4_TURBO, burst=6, pause=30),
    Habit(wait, GEN4_IMAGE, burst=4, pause=10),
    Habit(wait, VEO_FAST, burst=2, pause=20),
    Habit(wait, ACT_TWO, burst=1, pause=15),
    Habit(wait, GEMINI, burst=3, pause=20),
    Habit(cancel, GEN4_TURBO, burst=1, pause=20),
    Habit(give_up, VEO, burst=1, pause=60),
    Habit(wait, WRONG_RATIO, burst=1, pause=15),
)


async def attempt(client: AsyncRunwayML, habit: Habit) -> None:
    """Do it once; whatever the vendor makes of it, the application carries on."""
    with suppress(APIError, TaskFailedError, TaskTimeoutError):
        await habit.use(client, habit.request)


async def live(base_url: str, key: str) -> None:
    """Follow all habits for ever."""
    async with AsyncRunwayML(base_url=base_url, api_key=key) as client, asyncio.TaskGroup() as group:
        for habit in HABITS:
            group.create_task(follow(partial(attempt, client, habit), habit.burst, habit.pause))


APPLICATION = Application(
    module="demo.workload",
    about=__doc__,
    vendor="Runway",
    account="demo",
    key_variable="RUNWAYML_API_SECRET",
    settings=ORGANIZATION,
    faults=FAULTS,
    live=live,
)

if __name__ == "__main__":
    main(APPLICATION)
