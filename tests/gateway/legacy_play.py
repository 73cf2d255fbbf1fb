"""Plays through the older SDK, `runware` 0.5; runs in an environment of its own. Arguments: WebSocket URL and key."""

import asyncio
import sys

from runware import IImageInference, IVideoInference, Runware


async def play(url: str, key: str) -> None:
    client = Runware(api_key=key, url=url)
    await client.connect()
    images = await client.imageInference(
        requestImage=IImageInference(
            positivePrompt="a cat", model="runware:100@1", width=512, height=512, numberResults=2, includeCost=True
        )
    )
    assert [image.cost for image in images] == [0.0013, 0.0013], images
    blocked = IImageInference(positivePrompt="a cat", model="fail:moderation@1", width=512, height=512)
    [error] = await asyncio.gather(client.imageInference(requestImage=blocked), return_exceptions=True)
    assert "failed" in str(error), error
    videos = await client.videoInference(
        requestVideo=IVideoInference(model="klingai:5@3", positivePrompt="a cat", duration=5, width=1280, height=720)
    )
    assert isinstance(videos, list) or await client.getResponse(taskUUID=videos.taskUUID)
    await client.disconnect()


asyncio.run(play(*sys.argv[1:]))
