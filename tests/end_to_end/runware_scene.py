"""Where a client of Runware plays, what it is put through, and how what it sees is written down."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

CELLS = ("complete", "fail", "mix", "time out", "reconnect", "resume")
"""What every client is put through, as far as it can be."""

SETTINGS: dict[str, Any] = {
    "seconds": 0.1,
    "models": {
        "klingai:6@1": {"seconds": 2.5, "price": 0.28},
        "openai:1@1": {"seconds": 1.0, "capacity": 1, "queue": 0},
        "promptEnhance": {"seconds": 1.0},
        "openai:1@2": {"seconds": 1.6},
        "serverless": {"seconds": 0.1},
    },
}
PATIENCE_SECONDS = 30.0
Diary = dict[str, Any]
"""What an application saw, by what it was put through."""


@dataclass(frozen=True)
class Scene:
    """`url` is what the client is pointed at: the simulated Runware at `vendor` itself, or the gateway before it.

    The simulated account has the client's name.
    """

    client: str
    key: str
    url: str
    vendor: str
    http: httpx.AsyncClient = field(repr=False)

    @property
    def ws_url(self) -> str:
        return f"{self.url.replace('http', 'ws')}/v1"

    async def control(self, method: str, path: str, /, **json: Any) -> Any:
        """Ask the simulator's control API."""
        reply = await self.http.request(method, f"{self.vendor}/_control{path}", json=json or None)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    async def change(self, **changes: Any) -> None:
        """Change the account."""
        await self.control("PATCH", f"/accounts/{self.client}", **changes)

    async def fault(self, fault: str, **more: Any) -> None:
        """Spoil the next of the client's requests that this fits."""
        await self.control("POST", "/faults", fault=fault, account=self.client, own=False, count=1, **more)

    async def tasks(self) -> list[dict[str, Any]]:
        """The simulator's record of the client's tasks."""
        return [one for one in await self.control("GET", "/tasks") if one["account"] == self.client]

    async def until_open(self) -> None:
        """Wait until a task of the client is under way."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while all(task["finishedAt"] for task in await self.tasks()):
                await asyncio.sleep(0.01)

    async def until_quiet(self) -> None:
        """Wait until none is."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(task["finishedAt"] for task in await self.tasks()):
                await asyncio.sleep(0.02)


def image(model: str = "runware:100@1", **more: Any) -> Any:
    """An image."""
    return {"taskType": "imageInference", "model": model, "positivePrompt": "a", "width": 512, "height": 512} | more


def video(**more: Any) -> Any:
    """A video, which takes its time."""
    return {"taskType": "videoInference", "model": "klingai:6@1", "positivePrompt": "a", "duration": 5} | more


def named(one: Any, **more: Any) -> dict[str, Any]:
    """A task with an id."""
    return {**one, "taskUUID": str(uuid.uuid4()), **more}


def poll(one: dict[str, Any]) -> dict[str, Any]:
    """The question what has become of it."""
    return {"taskType": "getResponse", "taskUUID": one["taskUUID"]}


def counted(items: Any) -> str:
    """Results in a diary: how many, and what they cost as far as was told."""
    cost = sum(item.get("cost") or 0 for item in items)
    return f"{len(items)} for ${cost:.4f}" if cost else f"{len(items)}"
