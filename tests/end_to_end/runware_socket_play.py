"""What `@runware/sdk` 1.6 does on a WebSocket, done by hand: its package is in no registry that tests may use.

It polls asynchronous tasks on the socket, opens a new one as soon as the old is gone, resumes its session there, sends
nothing again, and goes on waiting for what it had asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import aiohttp
from end_to_end.runware_scene import PATIENCE_SECONDS, Diary, Scene, counted, image, named, poll, video

POLL_SECONDS = 0.2
AGENT = {"User-Agent": "runware-typescript/1.6.8 (node/20.20.2; linux x64) schemas/20260722152433"}
Frame = dict[str, Any]


class Client:
    """One session, on whatever socket there is; `inbox` is what was told of each task."""

    def __init__(self, scene: Scene, http: aiohttp.ClientSession) -> None:
        self.scene = scene
        self.session = ""
        self.inbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._http = http
        self._open = asyncio.Event()
        self._closed = False
        self._wire: aiohttp.ClientWebSocketResponse | None = None
        self._living = asyncio.create_task(self._live())

    async def _live(self) -> None:
        while not self._closed:
            async with self._http.ws_connect(self.scene.ws_url, headers=AGENT, compress=15) as self._wire:
                resumed = {"connectionSessionUUID": self.session} if self.session else {}
                await self._wire.send_json([{"taskType": "authentication", "apiKey": self.scene.key, **resumed}])
                async for message in self._wire:
                    self._take(message.json())
            self._open.clear()

    def _take(self, frame: Frame) -> None:
        first = (frame.get("data") or [{}])[0]
        if first.get("taskType") == "authentication":
            self.session = first["connectionSessionUUID"]
            self._open.set()
        else:
            self.inbox.put_nowait(frame)

    async def send(self, *tasks: Frame) -> None:
        await self._open.wait()
        assert self._wire is not None
        await self._wire.send_json(tasks)

    async def told(self, *, patience: float = 20) -> tuple[list[Frame], list[Frame]]:
        """Data and errors of the next frame."""
        frame = await asyncio.wait_for(self.inbox.get(), patience)
        return frame.get("data", []), frame.get("errors", [])

    async def run(self, task: Frame, meanwhile: Callable[[], Awaitable[None]] | None = None) -> str:
        """An asynchronous task to its end: any error fails it, and drops its results.

        What happens `meanwhile` happens between its acknowledgement and the first poll.
        """
        await self.send(task)
        _, errors = await self.told()
        if meanwhile:
            await meanwhile()
        data: list[Frame] = []
        while not errors and len(data) < task.get("numberResults", 1):
            await asyncio.sleep(POLL_SECONDS)
            await self.send(poll(task))
            found, errors = await self.told()
            data = [item for item in found if item["status"] == "success"]
        return str(errors[0]["code"]) if errors else counted(data)

    async def wait_for(self, task: Frame, *, patience: float = 20) -> str:
        """A synchronous task."""
        await self.send(task)
        try:
            data, errors = await self.told(patience=patience)
        except TimeoutError:
            return "timeout"
        return str(errors[0]["code"]) if errors else counted(data)

    async def renew(self, **ending: Any) -> None:
        """Lose the socket, and wait for the next: what is sent between them is never answered."""
        previous = self.session
        await self.scene.control("DELETE", "/sockets", account=self.scene.client, **ending)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.session == previous:
                await asyncio.sleep(0.01)

    async def aclose(self) -> None:
        self._closed = True
        if self._wire is not None:
            await self._wire.close()
        await self._living


async def play_socket(scene: Scene) -> Diary:
    async with aiohttp.ClientSession() as http, aclosing(Client(scene, http)) as client:
        return {
            "complete": await client.run(_asked(image(numberResults=2, includeCost=True))),
            "fail": await _fail(client),
            "mix": await _mix(client),
            "time out": await _time_out(client),
            "reconnect": await _reconnect(client),
            "resume": await _resume(client),
        }


def _asked(one: Any) -> Frame:
    return named(one, deliveryMethod="async")


async def _fail(client: Client) -> list[str]:
    await client.scene.change(script=["contentPolicyViolation"])
    return [await client.run(_asked(image())), await client.run(_asked(image("nonsense")))]


async def _mix(client: Client) -> list[Any]:
    """In the answer to a poll, and in the one answer to a message with a good task and a bad one."""
    await client.scene.change(script=[[None, "providerError"]], packing="packed")
    polled = await client.run(_asked(image(numberResults=2)))
    await client.send(_asked(image()), named(image("nonsense")))
    data, errors = await client.told()
    await client.scene.change(packing="split")
    return [polled, counted(data), errors[0]["code"]]


async def _time_out(client: Client) -> list[str]:
    """Its patience ends before the task does, whose result then comes unawaited."""
    impatient = await client.wait_for(named(video(), deliveryMethod="sync"), patience=0.6)
    data, _ = await client.told()
    return [impatient, counted(data)]


async def _reconnect(client: Client) -> str:
    """Closed in good order, as an idle or a restarting vendor does it; the task is acknowledged and asked for again."""
    return await client.run(_asked(video(includeCost=True)), meanwhile=partial(client.renew, code=1000))


async def _resume(client: Client) -> str:
    """Broken off under synchronous work: its result comes on the next socket."""
    work = asyncio.create_task(client.wait_for(named(video(includeCost=True), deliveryMethod="sync")))
    await client.scene.until_open()
    await client.renew(abnormal=True)
    return await work
