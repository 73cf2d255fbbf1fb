"""What `runware-sdk` does with applications of one's own (serverless) on a simulated Runware."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from end_to_end.runware_scene import SETTINGS, Diary, Scene
from runware import Runware
from runware.errors import RunwareError
from runware.types.serverless import InvokeOptions

POLLED = InvokeOptions(poll_interval=0.05)
IMPATIENT = InvokeOptions(poll_interval=0.01, poll_timeout=50)
WAITED_FOR = InvokeOptions(delivery_method="sync")


async def play_apps(scene: Scene) -> Diary:
    """Applications and endpoints of many names: none of them may become a label."""
    client = Runware(api_key=scene.key, transport="rest", serverless_base_url=scene.url, retry_delay=50)
    diary = {
        "complete": [
            await _seen(client.invoke("my-first-app", "generate", {}, options=POLLED)),
            await _seen(client.invoke("my-second-app", "generate/fast", {}, options=WAITED_FOR)),
            await _seen(client.invoke("my-third-app", "upscale", {}, options=POLLED, environment="staging")),
        ],
        "fail": await _fail(client, scene),
        "time out": await _time_out(client, scene),
        "reconnect": await _reconnect(client, scene),
        "paused": await _paused(client, scene),
    }
    await client.close()
    return diary


async def _seen(work: Awaitable[Any]) -> str:
    """What an application sees of a call: how its task stands, or the error's class."""
    try:
        task = await work
    except RunwareError as error:
        return error.code
    return f"{task['status']}: {task['error']}" if task["error"] else task["status"]


async def _fail(client: Runware, scene: Scene) -> list[str]:
    """In the application, and because no such task is."""
    await scene.change(script=["out of memory"])
    failed = await _seen(client.invoke("my-first-app", "generate", {}, options=POLLED))
    return [failed, await _seen(client.get_task("my-first-app", "0a0a0a0a-0000-4000-8000-00000000000a"))]


async def _time_out(client: Runware, scene: Scene) -> str:
    """Its patience is looked at between polls only, and must end long before the application does."""
    await scene.change(models={**SETTINGS["models"], "serverless": {"seconds": 5}})
    impatient = await _seen(client.invoke("my-first-app", "generate", {}, options=IMPATIENT))
    await scene.change(models=SETTINGS["models"])
    return impatient


async def _reconnect(client: Runware, scene: Scene) -> str:
    """The connection is reset; the same id is sent again."""
    await scene.fault("reset", kind="create")
    return await _seen(client.invoke("my-first-app", "generate", {}, options=POLLED))


async def _paused(client: Runware, scene: Scene) -> str:
    """The month's budget of an environment is spent."""
    await scene.change(paused_environments=["production"])
    return await _seen(client.invoke("my-first-app", "generate", {}, options=POLLED))
