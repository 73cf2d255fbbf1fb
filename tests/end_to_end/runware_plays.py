"""What each client of Runware does in front of a simulated one: complete, fail, mix, time out, reconnect, resume."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from runware import Runware
from runware.errors import RunwareError

SETTINGS: dict[str, Any] = {
    "seconds": 0.3,
    "models": {"klingai:5@3": {"seconds": 1.5}, "openai:1@1": {"seconds": 3.0, "capacity": 1, "queue": 0}},
}
Control = Callable[..., Any]


def image(model: str = "runware:100@1", **more: Any) -> Any:
    return {"taskType": "imageInference", "model": model, "positivePrompt": "a", "width": 512, "height": 512} | more


def video(**more: Any) -> Any:
    return {"taskType": "videoInference", "model": "klingai:5@3", "positivePrompt": "a", "duration": 5} | more


async def play_sdk(base_url: str, key: str, account: str, transport: str, control: Control) -> None:
    """`runware-sdk`; it raises where a task both succeeds and fails, and so loses the result."""
    urls = {"http_base_url": f"{base_url}/v1", "ws_base_url": f"{base_url.replace('http', 'ws')}/v1"}
    async with Runware(api_key=key, transport=transport, **urls) as client:
        assert len(await client.run(image(numberResults=2, includeCost=True))) == 2
        assert len(await client.run(image(deliveryMethod="sync"))) == 1
        for script, code in (
            ("contentPolicyViolation", "safety"),
            ([None, "timeoutProvider"], None),
            ("timeoutProvider", None),
        ):
            await control("PATCH", f"/accounts/{account}", script=[script])
            with pytest.raises(RunwareError) as failed:
                await client.run(image(numberResults=2, includeCost=True))
            assert code in {None, failed.value.code}
        with pytest.raises(RunwareError):
            await client.run(image("nonsense"))
        [details] = await client.account_management({"operation": "getDetails"})
        assert details["operation"] == "getDetails"
        if transport == "websocket":
            await reconnect(client, account, control)
            await resume(client, account, control)
            await overload(client)
        else:
            await control("POST", "/faults", fault="html", status=503, kind="create", own=False, count=1)
            await client.run(image(deliveryMethod="sync"))
            await stream(client, account, control)


async def reconnect(client: Runware, account: str, control: Control) -> None:
    """The socket closes under work in flight; the SDK resumes its session and sends the task again."""
    work = asyncio.create_task(client.run(video(includeCost=True)))
    await asyncio.sleep(0.3)
    await control("DELETE", "/sockets", account=account, code=1011)
    assert len(await work) == 1


async def resume(client: Runware, account: str, control: Control) -> None:
    """The socket breaks off under synchronous work: the SDK gives it up, and is told its result all the same."""
    work = asyncio.create_task(client.run(image("runware:101@1", deliveryMethod="sync", includeCost=True)))
    await asyncio.sleep(0.1)
    await control("DELETE", "/sockets", account=account, abnormal=True)
    with pytest.raises(RunwareError) as lost:
        await work
    assert lost.value.code == "connection"


async def overload(client: Runware) -> None:
    """One task runs, none may wait."""
    work = asyncio.create_task(client.run(image("openai:1@1")))
    await asyncio.sleep(0.5)
    with pytest.raises(RunwareError) as refused:
        await client.run(image("openai:1@1"))
    assert refused.value.code == "rateLimit"
    assert len(await work) == 1


async def stream(client: Runware, account: str, control: Control) -> None:
    """A text bit by bit: whole, then cut off for what it says."""
    text: Any = {"taskType": "textInference", "model": "minimax:m2@0", "messages": [{"role": "user", "content": "a"}]}
    whole = await client.stream({**text, "includeCost": True})
    assert (await whole.result()).cost == 0.002
    await control("PATCH", f"/accounts/{account}", script=["content_filter"])
    assert (await (await client.stream(text)).result()).finish_reason == "content_filter"


class Plain:
    """Plain HTTP."""

    def __init__(self, base_url: str, key: str) -> None:
        self._url = base_url
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=30)

    async def post(self, *tasks: dict[str, Any], patience: float = 30) -> httpx.Response:
        return await self._client.post(f"{self._url}/v1", json=tasks, timeout=patience)

    async def chat(self, **more: Any) -> httpx.Response:
        body = {"model": "minimax:m2@0", "messages": [], **more}
        return await self._client.post(f"{self._url}/v1/chat/completions", json=body)

    async def close(self) -> None:
        await self._client.aclose()


def named(one: Any, **more: Any) -> dict[str, Any]:
    return {**one, "taskUUID": str(uuid.uuid4()), **more}


def poll(one: dict[str, Any]) -> dict[str, Any]:
    return {"taskType": "getResponse", "taskUUID": one["taskUUID"]}


async def play_plain(base_url: str, key: str, account: str, control: Control) -> None:
    """Batches with errors beside data, verdicts in a 504, pages, conflicts, streams that break, other formats."""
    http = Plain(base_url, key)
    good, bad = named(image(includeCost=True), deliveryMethod="sync"), named(image("nonsense"))
    mixed = await http.post(good, bad)
    assert (mixed.status_code, set(mixed.json())) == (200, {"data", "errors"})
    assert (await http.post(good)).json()["errors"][0]["code"] == "conflictTaskUUID"

    await control("PATCH", f"/accounts/{account}", script=["timeoutProvider", None], verdict_status=504)
    late, fine = named(image(), deliveryMethod="async"), named(video(), deliveryMethod="async")
    assert (await http.post(late, fine)).status_code == 200
    await asyncio.sleep(0.5)
    assert (await http.post(poll(late))).status_code == 504
    both = await http.post(poll(late), poll(fine))
    assert (both.status_code, len(both.json()["errors"])) == (200, 1)
    await control("POST", "/faults", fault="html", status=504, kind="poll", own=False, count=1)
    assert (await http.post(poll(fine))).status_code == 504
    await asyncio.sleep(1.5)
    assert (await http.post(poll(fine))).json()["data"][0]["status"] == "success"

    await control("PATCH", f"/accounts/{account}", script=[[None, "providerError"]])
    partly = await http.post(named(image(numberResults=2, includeCost=True)))
    assert (len(partly.json()["data"]), len(partly.json()["errors"])) == (1, 1)
    assert (await http.post(poll(named(image())))).status_code == 404

    await control("POST", "/faults", fault="hang", processed=False, kind="create", own=False, count=1)
    with pytest.raises(httpx.ReadTimeout):
        await http.post(named(image(), deliveryMethod="sync"), patience=0.3)
    while (await control("GET", "/counts"))["in_flight"]:
        await asyncio.sleep(0.01)
    await control("POST", "/faults", fault="half_body", kind="create", own=False, count=1)
    text = {"taskType": "textInference", "model": "minimax:m2@0", "deliveryMethod": "stream", "includeCost": True}
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(named(text))
    assert (await http.chat()).status_code == 200
    assert "[DONE]" in (await http.chat(stream=True)).text

    await control("PATCH", f"/accounts/{account}", refusal_status=200, balance=0)
    assert (await http.post(named(image()))).json()["errors"][0]["code"] == "insufficientCredits"
    await http.close()
    stranger = Plain(base_url, "f" * 32)
    assert (await stranger.post(named(image()))).status_code == 401
    await stranger.close()
