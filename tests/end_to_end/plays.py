"""One play, told by each client: create, wait, throttle, fail, cancel, refusals and retries, with the official SDK.

The organizations are set by `SETTINGS`: gen4_turbo runs one at a time, act_two takes one a day. What a play needs to
happen, it tells the simulator through `control` just before; each client has paths of its own for the storms.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pytest
import runwayml
from runwayml import AsyncRunwayML, RunwayML
from runwayml.lib.polling import TaskFailedError

URI = "https://example.com/x.png"
SETTINGS: dict[str, Any] = {
    "tier": 3,
    "limits": {"gen4_turbo": {"concurrency": 1, "daily": 100}, "act_two": {"concurrency": 1, "daily": 1}},
    "durations": {"pending": 0.2, "running": 1.5},
}
Control = Callable[..., Any]


class Created(Protocol):
    """What every create returns."""

    id: str


ACT = {"type": "video", "uri": "https://example.com/x.mp4"}


ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
POLL_SECONDS = 0.3


def settle_sync(sdk: RunwayML, tasks: Iterable[Created]) -> None:
    """Poll until all have ended, sooner than the SDK's own waiter would."""
    for task in tasks:
        while sdk.tasks.retrieve(task.id).status not in ENDED:
            time.sleep(POLL_SECONDS)


async def settle(sdk: AsyncRunwayML, tasks: Iterable[Created]) -> None:
    """Poll until all have ended, sooner than the SDK's own waiter would."""
    for task in tasks:
        while (await sdk.tasks.retrieve(task.id)).status not in ENDED:
            await asyncio.sleep(POLL_SECONDS)


def play_sync(base_url: str, key: str, control: Control) -> None:
    """The play with the synchronous Python client."""
    with RunwayML(api_key=key, base_url=base_url) as sdk:
        sdk.text_to_image.create(model="gen4_image", prompt_text="a", ratio="1280:720").wait_for_task_output()
        burst = [
            sdk.image_to_video.create(model="gen4_turbo", prompt_image=URI, ratio="1280:720", duration=5)
            for _ in range(4)
        ]
        settle_sync(sdk, burst)
        control("PATCH", "/accounts/sync", script=["SAFETY.INPUT.TEXT", "-"])
        doomed = [
            sdk.text_to_video.create(model="gen4.5", prompt_text="a", ratio="1280:720", duration=5) for _ in range(2)
        ]
        with pytest.raises(TaskFailedError):
            doomed[0].wait_for_task_output()
        settle_sync(sdk, doomed)
        unwanted = sdk.text_to_video.create(model="veo3.1_fast", prompt_text="a", ratio="1280:720", duration=4)
        sdk.tasks.delete(unwanted.id)
        with pytest.raises(runwayml.NotFoundError):
            sdk.tasks.delete(unwanted.id)
        with pytest.raises(runwayml.NotFoundError):
            sdk.tasks.retrieve(unwanted.id)
        settle_sync(sdk, [sdk.character_performance.create(model="act_two", character=ACT, reference=ACT)])
        with pytest.raises(runwayml.RateLimitError):
            sdk.character_performance.create(model="act_two", character=ACT, reference=ACT)
        with pytest.raises(runwayml.BadRequestError):
            sdk.text_to_video.create(model="gen3a_turbo", prompt_text="a", ratio="1280:720", duration=5)  # type: ignore[arg-type]
        control("POST", "/faults", fault="status", status=503, path="/v1/sound_effect", count=2)
        settle_sync(sdk, [sdk.sound_effect.create(model="eleven_text_to_sound_v2", prompt_text="a")])
        sdk.organization.retrieve()
        control("PATCH", "/accounts/sync", credits=0)
        with pytest.raises(runwayml.BadRequestError):
            sdk.text_to_image.create(model="gen4_image", prompt_text="a", ratio="1280:720")
    with RunwayML(api_key="key_wrong", base_url=base_url) as stranger, pytest.raises(runwayml.AuthenticationError):
        stranger.organization.retrieve()


async def play_async(base_url: str, key: str, control: Control) -> None:
    """The play with the asynchronous Python client."""
    async with AsyncRunwayML(api_key=key, base_url=base_url) as sdk:
        image = await sdk.text_to_image.create(model="gen4_image", prompt_text="a", ratio="1280:720")
        await image.wait_for_task_output()
        burst = [
            await sdk.image_to_video.create(model="gen4_turbo", prompt_image=URI, ratio="1280:720", duration=5)
            for _ in range(4)
        ]
        await settle(sdk, burst)
        await control("PATCH", "/accounts/async", script=["ASSET.INVALID", "THIRD_PARTY.UNAVAILABLE"])
        doomed = [
            await sdk.text_to_video.create(model="gen4.5", prompt_text="a", ratio="1280:720", duration=5)
            for _ in range(2)
        ]
        with pytest.raises(TaskFailedError):
            await doomed[0].wait_for_task_output()
        await settle(sdk, doomed)
        unwanted = await sdk.text_to_video.create(model="veo3.1_fast", prompt_text="a", ratio="1280:720", duration=4)
        await sdk.tasks.delete(unwanted.id)
        with pytest.raises(runwayml.NotFoundError):
            await sdk.tasks.delete(unwanted.id)
        await settle(sdk, [await sdk.character_performance.create(model="act_two", character=ACT, reference=ACT)])
        with pytest.raises(runwayml.RateLimitError):
            await sdk.character_performance.create(model="act_two", character=ACT, reference=ACT)
        with pytest.raises(runwayml.BadRequestError):
            await sdk.text_to_video.create(model="gen3a_turbo", prompt_text="a", ratio="1280:720", duration=5)  # type: ignore[arg-type]
        await control("POST", "/faults", fault="status", status=502, path="/v1/text_to_speech", count=2)
        voice = {"type": "runway-preset", "presetId": "Maya"}
        speech = await sdk.text_to_speech.create(
            model="eleven_multilingual_v2",
            prompt_text="a",
            voice=voice,  # type: ignore[arg-type]
        )
        await settle(sdk, [speech])
        await control("PATCH", "/accounts/async", credits=0)
        with pytest.raises(runwayml.BadRequestError):
            await sdk.text_to_image.create(model="gen4_image", prompt_text="a", ratio="1280:720")
