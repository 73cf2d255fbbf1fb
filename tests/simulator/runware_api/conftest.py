from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web

from monitor.runtime.clock import ManualClock
from monitor.simulator.runware.app import build_app
from monitor.simulator.runware.settings import DEFAULT_KEY

Post = Callable[..., Awaitable[httpx.Response]]
Taken = Callable[[int], Awaitable[None]]
AUTHENTICATION = {"taskType": "authentication", "apiKey": DEFAULT_KEY}


def task(kind: str = "imageInference", **fields: Any) -> dict[str, Any]:
    """One task with an id of its own."""
    model = {} if kind in {"getResponse", "accountManagement"} else {"model": "runware:100@1"}
    return {"taskType": kind, "taskUUID": str(uuid.uuid4()), **model, **fields}


def image(**fields: Any) -> dict[str, Any]:
    return task("imageInference", positivePrompt="a", width=512, height=512, **fields)


def poll(one: dict[str, Any]) -> dict[str, Any]:
    return {"taskType": "getResponse", "taskUUID": one["taskUUID"]}


@pytest.fixture
def app(clock: ManualClock) -> web.Application:
    return build_app(clock, seed=1)


@pytest.fixture
async def post(url: str) -> AsyncIterator[Post]:
    """Send tasks with the good key; keywords are headers."""
    async with httpx.AsyncClient() as client:

        async def post(*tasks: Any, key: str = DEFAULT_KEY, **headers: str) -> httpx.Response:
            authorization = {"Authorization": f"Bearer {key}"} if key else {}
            return await client.post(f"{url}/v1", json=tasks, headers={**authorization, **headers})

        yield post


@pytest.fixture
def taken(control: httpx.AsyncClient) -> Taken:
    """Wait until the simulator has taken so many tasks."""

    async def taken(number: int) -> None:
        async with asyncio.timeout(5):
            while len((await control.get("/tasks")).json()) != number:
                await asyncio.sleep(0.01)

    return taken


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Socket:
    """A client's end of a WebSocket."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        self.wire = wire

    async def send(self, *tasks: dict[str, Any]) -> None:
        await self.wire.send_json(tasks)

    async def frame(self) -> Any:
        return await self.wire.receive_json(timeout=5)

    async def close_code(self) -> int | None:
        """The code with which the server closes it; 1006 where it only breaks off."""
        message = await self.wire.receive(timeout=5)
        assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}, message
        return self.wire.close_code


@pytest.fixture
def connect(url: str, session: aiohttp.ClientSession) -> Callable[..., Awaitable[tuple[Socket, str]]]:
    """Open a WebSocket and authenticate; gives the socket and its session's id."""

    async def connect(previous: str = "") -> tuple[Socket, str]:
        socket = Socket(await session.ws_connect(f"{url}/v1", max_msg_size=0))
        resumed = {"connectionSessionUUID": previous} if previous else {}
        await socket.send({**AUTHENTICATION, **resumed})
        reply = await socket.frame()
        return socket, reply["data"][0]["connectionSessionUUID"]

    return connect
