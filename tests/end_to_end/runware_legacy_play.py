"""What `runware` 0.5 does in front of a simulated Runware, in an environment of its own; prints its diary as JSON.

Arguments: WebSocket URL, key, control URL, account. It takes its patience from the environment.
"""

import asyncio
import json
import sys
import urllib.request
from typing import Any

from runware import IImageInference, IPromptEnhance, IVideoInference, Runware

URL, KEY, CONTROL, ACCOUNT = sys.argv[1:]


def control(method: str, path: str, **fields: object) -> Any:
    request = urllib.request.Request(CONTROL + path, json.dumps(fields).encode() if fields else None, method=method)
    with urllib.request.urlopen(request) as reply:
        return json.loads(reply.read() or b"null")


def change(**changes: object) -> None:
    control("PATCH", f"/accounts/{ACCOUNT}", **changes)


def open_tasks() -> list[Any]:
    return [task for task in control("GET", "/tasks") if task["account"] == ACCOUNT and not task["finishedAt"]]


async def until(*, is_open: bool) -> None:
    """Wait until a task is under way, or none is."""
    while bool(await asyncio.to_thread(open_tasks)) is not is_open:
        await asyncio.sleep(0.02)


def image(model: str = "runware:100@1", **more: object) -> IImageInference:
    return IImageInference(positivePrompt="a cat", model=model, width=512, height=512, **more)


async def seen(work: Any) -> str:
    """What an application sees of a call: its results and their cost, or the error."""
    [items] = await asyncio.gather(work, return_exceptions=True)
    if isinstance(items, Exception):
        return getattr(items, "code", None) or str(items).partition(" | ")[0]
    cost = sum(item.cost or 0 for item in items)
    return f"{len(items)} for ${cost:.4f}" if cost else f"{len(items)}"


async def fail(client: Runware) -> list[str]:
    change(script=["contentPolicyViolation"])
    return [await seen(client.imageInference(requestImage=one)) for one in (image(), image("nonsense"))]


async def mix(client: Runware) -> str:
    """A result and an error of one task, in one message."""
    change(script=[[None, "providerError"]], packing="packed")
    mixed = await seen(client.imageInference(requestImage=image(numberResults=2, includeCost=True)))
    change(packing="split")
    return mixed


async def time_out(client: Runware) -> str:
    """It is told later, and takes no notice."""
    prompt = IPromptEnhance(promptMaxLength=64, promptVersions=1, prompt="a cat")
    impatient = await seen(client.promptEnhance(promptEnhancer=prompt))
    await until(is_open=False)
    return impatient


async def reconnect(client: Runware) -> str:
    """The socket breaks off under a task; it opens two, sends the task again, and polls it."""
    work = asyncio.create_task(seen(client.imageInference(requestImage=image("openai:1@1", includeCost=True))))
    await until(is_open=True)
    await asyncio.to_thread(control, "DELETE", "/sockets", account=ACCOUNT, abnormal=True)
    return await work


async def video(client: Runware) -> str:
    wanted = IVideoInference(model="klingai:6@1", positivePrompt="a cat", duration=5, width=1280, height=720)
    made = await client.videoInference(requestVideo=wanted)
    return await seen(client.getResponse(taskUUID=made.taskUUID)) if not isinstance(made, list) else f"{len(made)}"


async def play() -> dict[str, object]:
    client = Runware(api_key=KEY, url=URL)
    await client.connect()
    diary = {
        "complete": await seen(client.imageInference(requestImage=image(numberResults=2, includeCost=True))),
        "fail": await fail(client),
        "mix": await mix(client),
        "time out": await time_out(client),
        "reconnect": await reconnect(client),
        "video": await video(client),
    }
    await client.disconnect()
    return diary


sys.stdout.write(json.dumps(asyncio.run(play())))
