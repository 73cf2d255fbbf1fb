"""What `runware-sdk` does in front of a simulated Runware, on either of its transports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from end_to_end.runware_scene import Diary, Scene, counted, image, video
from runware import Runware
from runware.errors import RunwareError
from runware.types.sdk import RunOptions

IMPATIENT = RunOptions(timeout=500)
TEXT: Any = {"taskType": "textInference", "model": "minimax:m2.7@0", "messages": [{"role": "user", "content": "a"}]}


async def play_sdk(scene: Scene, transport: str) -> Diary:
    urls = {"http_base_url": f"{scene.url}/v1", "ws_base_url": scene.ws_url}
    async with Runware(api_key=scene.key, transport=transport, retry_delay=50, **urls) as client:
        diary = {
            "complete": await _seen(client.run(image(numberResults=2, includeCost=True))),
            "fail": await _fail(client, scene),
            "mix": await _mix(client, scene),
            "time out": await _seen(client.run(video(deliveryMethod="sync"), IMPATIENT)),
        }
        more = _over_websocket if transport == "websocket" else _over_http
        return diary | await more(client, scene)


async def _seen(work: Awaitable[list[Any]]) -> str:
    """What an application sees of a call: its results, or the error's class."""
    try:
        return counted(await work)
    except RunwareError as error:
        return error.code


async def _fail(client: Runware, scene: Scene) -> list[str]:
    """In processing, by a timeout of the vendor's, and at the door; the SDK does not know the documented timeout."""
    await scene.change(script=["contentPolicyViolation", "timeoutProvider"])
    failing = [image(deliveryMethod="sync"), image(deliveryMethod="sync"), image("nonsense")]
    return [await _seen(client.run(one)) for one in failing]


async def _mix(client: Runware, scene: Scene) -> list[str]:
    """Results and errors in the answer to a poll, where the SDK drops the results, and in one that is waited for."""
    await scene.change(script=[[None, "providerError"], [None, "providerError"]], packing="packed")
    polled = await _seen(client.run(image(numberResults=2, includeCost=True)))
    waited = await _seen(client.run(image(numberResults=2, includeCost=True, deliveryMethod="sync")))
    await scene.change(packing="split")
    return [polled, waited]


async def _over_websocket(client: Runware, scene: Scene) -> Diary:
    return {
        "reconnect": await _reconnect(client, scene),
        "resume": await _resume(client, scene),
        "overload": await _overload(client, scene),
    }


async def _reconnect(client: Runware, scene: Scene) -> str:
    """The socket is closed under work in flight; the SDK resumes its session and sends the task again."""
    await scene.until_quiet()
    work = asyncio.create_task(_seen(client.run(video(includeCost=True))))
    await scene.until_open()
    await scene.control("DELETE", "/sockets", account=scene.client, code=1011)
    return await work


async def _resume(client: Runware, scene: Scene) -> list[str]:
    """The socket breaks off under synchronous work: the SDK gives it up, and is told its result all the same."""
    await scene.until_quiet()
    work = asyncio.create_task(_seen(client.run(video(deliveryMethod="sync", includeCost=True))))
    await scene.until_open()
    await scene.control("DELETE", "/sockets", account=scene.client, abnormal=True)
    return [await work, await _seen(client.run(image(deliveryMethod="sync")))]


async def _overload(client: Runware, scene: Scene) -> list[str]:
    """One task runs, none may wait."""
    await scene.until_quiet()
    work = asyncio.create_task(_seen(client.run(image("openai:1@1", deliveryMethod="sync"))))
    await scene.until_open()
    return [await _seen(client.run(image("openai:1@1"))), await work]


async def _over_http(client: Runware, scene: Scene) -> Diary:
    await scene.fault("reset", kind="create")
    reconnected = await _seen(client.run(image(deliveryMethod="sync", includeCost=True)))
    await scene.fault("html", status=503, kind="create")
    [details] = await client.account_management({"operation": "getDetails"})
    return {
        "reconnect": reconnected,
        "overload": await _seen(client.run(image(deliveryMethod="sync"))),
        "account": details["operation"],
        "stream": await _stream(client, scene),
    }


async def _stream(client: Runware, scene: Scene) -> list[Any]:
    """A text bit by bit: whole, then cut off for what it says."""
    whole = await (await client.stream({**TEXT, "includeCost": True})).result()
    await scene.change(script=["content_filter"])
    filtered = await (await client.stream(TEXT)).result()
    return [whole.cost, whole.finish_reason, filtered.finish_reason]
