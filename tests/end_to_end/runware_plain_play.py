"""What plain HTTP does in front of a simulated Runware: an application without any SDK."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from end_to_end.runware_scene import Diary, Scene, image, named, poll, video

SYNC: Any = {"deliveryMethod": "sync", "includeCost": True}
TEXT: Any = {"taskType": "textInference", "model": "minimax:m2.7@0", "deliveryMethod": "stream", "includeCost": True}


class Plain:
    """An HTTP client with the account's key, or another."""

    def __init__(self, scene: Scene, key: str = "") -> None:
        self.scene = scene
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {key or scene.key}"}, timeout=30)

    async def post(self, *tasks: dict[str, Any], patience: float = 30) -> str:
        """What becomes of a request: the status, how many results, and codes of errors; or the exception."""
        try:
            reply = await self._client.post(f"{self.scene.url}/v1", json=tasks, timeout=patience)
        except httpx.TransportError as error:
            return type(error).__name__
        return f"{reply.status_code}{_told(reply)}"

    async def chat(self, **more: Any) -> str:
        body = {"model": "minimax:m2.7@0", "messages": [], **more}
        reply = await self._client.post(f"{self.scene.url}/v1/chat/completions", json=body)
        return f"{reply.status_code}{' whole' if '[DONE]' in reply.text else ''}"

    async def until_done(self, task: dict[str, Any]) -> str:
        """Poll until it is over."""
        while "processing" in (told := await self.post(poll(task))):
            await asyncio.sleep(0.2)
        return told

    async def close(self) -> None:
        await self._client.aclose()


def _told(reply: httpx.Response) -> str:
    if "json" not in reply.headers["Content-Type"]:
        return ""
    data, errors = reply.json().get("data", []), reply.json().get("errors", [])
    states = [item.get("status", "acknowledged" if len(item) == 2 else "result") for item in data]
    return "".join(f" {word}" for word in [*states, *(error["code"] for error in errors)])


async def play_plain(scene: Scene) -> Diary:
    http = Plain(scene)
    diary = {
        "complete": await http.post(named(image(numberResults=2), **SYNC)),
        "fail": await _fail(http),
        "mix": await _mix(http),
        "time out": await _time_out(http),
        "reconnect": await _reconnect(http),
        "verdicts": await _verdicts(http),
        "other formats": [await http.chat(), await http.chat(stream=True)],
        "refused": await _refused(http),
    }
    await http.close()
    return diary


async def _fail(http: Plain) -> list[str]:
    """In processing, at the door, and where no such task is."""
    await http.scene.change(script=["contentPolicyViolation"])
    failing = [named(image(), **SYNC), named(image("nonsense")), poll(named(image()))]
    return [await http.post(one) for one in failing]


async def _mix(http: Plain) -> list[str]:
    """A good task beside a bad one, results of one task beside its errors, and one finished beside one that failed."""
    beside = await http.post(named(image(), **SYNC), named(image("nonsense")))
    await http.scene.change(script=[[None, "providerError"], "timeoutProvider", None])
    partly = await http.post(named(image(numberResults=2), **SYNC))
    late, fine = named(image(), deliveryMethod="async"), named(image(), deliveryMethod="async")
    taken = await http.post(late, fine)
    await http.scene.until_quiet()
    return [beside, partly, taken, await http.post(poll(late), poll(fine))]


async def _time_out(http: Plain) -> list[str]:
    """Its patience ends before a task that it then asks for, before one that it forgets, and before one is taken."""
    slow, forgotten, lost = named(video(), **SYNC), named(video(), **SYNC), named(image(), **SYNC)
    impatient = [await http.post(one, patience=0.6) for one in (slow, forgotten)]
    await http.scene.fault("hang", processed=False, kind="create")
    return [*impatient, await http.post(lost, patience=0.6), await http.until_done(slow)]


async def _reconnect(http: Plain) -> list[str]:
    """An answer breaks off, and so does a stream; on a new connection it sends the task again, and asks for it."""
    await http.scene.fault("half_body", kind="create")
    task = named(image(), **SYNC)
    broken = await http.post(task)
    again = [await http.post(task), await http.until_done(task)]
    await http.scene.fault("half_body", kind="create")
    return [broken, *again, await http.post(named(TEXT))]


async def _verdicts(http: Plain) -> list[str]:
    """A 504 that is the end of the task, and one that is a page."""
    await http.scene.change(script=["timeoutProvider", None], verdict_status=504)
    late, fine = named(image(), deliveryMethod="async"), named(image(), deliveryMethod="async")
    await http.post(late, fine)
    await http.scene.until_quiet()
    verdict = await http.post(poll(late))
    await http.scene.fault("html", status=504, kind="poll")
    return [verdict, await http.post(poll(fine)), await http.post(poll(fine))]


async def _refused(http: Plain) -> list[str]:
    """No money left, told in a 200; and a key that nobody knows."""
    await http.scene.change(refusal_status=200, balance=0)
    poor = await http.post(named(image()))
    stranger = Plain(http.scene, "f" * 32)
    refused = [poor, await stranger.post(named(image()))]
    await stranger.close()
    return refused
