"""What `runware` 0.5 does in front of a simulated Runware, in an environment of its own.

Arguments: WebSocket URL, key, control URL, account.
"""

import asyncio
import json
import sys
import urllib.request

from runware import IImageInference, IVideoInference, Runware


def control(base: str, method: str, path: str, **fields: object) -> None:
    request = urllib.request.Request(base + path, json.dumps(fields).encode(), method=method)
    urllib.request.urlopen(request).close()


def image(model: str = "runware:100@1", **more: object) -> IImageInference:
    return IImageInference(positivePrompt="a cat", model=model, width=512, height=512, **more)


async def play(url: str, key: str, base: str, account: str) -> None:
    client = Runware(api_key=key, url=url)
    await client.connect()
    images = await client.imageInference(requestImage=image(numberResults=2, includeCost=True))
    assert [one.cost for one in images] == [0.0006, 0.0006], images
    control(base, "PATCH", f"/accounts/{account}", script=["contentPolicyViolation"])
    [error] = await asyncio.gather(client.imageInference(requestImage=image()), return_exceptions=True)
    assert isinstance(error, Exception), error
    [error] = await asyncio.gather(client.imageInference(requestImage=image("nonsense")), return_exceptions=True)
    assert isinstance(error, Exception), error
    video = IVideoInference(model="klingai:5@3", positivePrompt="a cat", duration=5, width=1280, height=720)
    made = await client.videoInference(requestVideo=video)
    assert isinstance(made, list) or await client.getResponse(taskUUID=made.taskUUID)
    await client.disconnect()


asyncio.run(play(*sys.argv[1:]))
