"""No client pays twice for an error of the gateway's own: what each official SDK obeys is tried with that SDK."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from runware import Runware
from runware.errors import RunwareError
from runware_stage import Front
from runware_stage import front as runware_front
from runwayml import APIStatusError, AsyncRunwayML
from wire import KEY, TASK, Call, Gateway, HangUpError, Script, between, gateway, get, post, split, vendor

NODE_FOLDER = Path(__file__).parent.parent / "node"
CREATE = post(b'{"model":"gen4.5"}')
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HALF = JSON + b'Content-Length: 99\r\n\r\n{"id":'
HALF_CHUNKED = JSON + b'Transfer-Encoding: chunked\r\n\r\n6\r\n{"id":\r\n'
NO_HTTP = b"<html></html>\r\n\r\n"
TROUBLES = [b"", HALF, HALF_CHUNKED, NO_HTTP]
FINAL = b"X-Should-Retry: false"
IMAGE = {"taskType": "imageInference", "model": "runware:100@1", "positivePrompt": "a cat"}


def takes_and_sends(data: bytes) -> Script:
    """Take the whole request, send this much, and hang up."""

    async def script(call: Call) -> None:
        await call.read_body()
        await call.send(data)
        raise HangUpError

    return script


async def hangs(call: Call) -> None:
    await call.read_body()
    await call.reader.read()


@pytest.mark.parametrize("data", TROUBLES)
async def test_a_create_that_may_have_been_taken_is_answered_for_good(data: bytes) -> None:
    async with between(takes_and_sends(data)) as (front, _):
        lines, body = split(await front.ask(CREATE))
        assert lines[0].startswith(b"HTTP/1.1 502")
        assert FINAL in lines
        assert json.loads(body)["source"] == "genmedia-monitor"


async def test_a_create_that_times_out_is_answered_for_good() -> None:
    async with between(hangs, patience=0.3) as (front, _):
        lines, _ = split(await front.ask(CREATE))
        assert lines[0].startswith(b"HTTP/1.1 504")
        assert FINAL in lines


async def test_a_post_to_an_unknown_path_may_create_and_is_answered_for_good() -> None:
    async with between(takes_and_sends(b"")) as (front, _):
        assert FINAL in split(await front.ask(post(b"{}", path="/runway/v1/what_comes_next")))[0]


@pytest.mark.parametrize(
    "request_", [get(), get("/runway/v1/organization"), get(method="DELETE"), post(b"{}", path="/runway/v1/uploads")]
)
async def test_what_creates_nothing_may_be_sent_again(request_: bytes) -> None:
    async with between(takes_and_sends(b"")) as (front, _):
        lines, _ = split(await front.ask(request_))
        assert lines[0].startswith(b"HTTP/1.1 502")
        assert FINAL not in lines


async def test_a_create_that_never_left_may_be_sent_again() -> None:
    async with gateway("http://vendor.invalid") as front:
        lines, _ = split(await front.ask(CREATE))
        assert lines[0].startswith(b"HTTP/1.1 502")
        assert FINAL not in lines


async def test_a_create_whose_body_was_never_asked_for_may_be_sent_again() -> None:
    async def script(_: Call) -> None:
        raise HangUpError

    async with between(script) as (front, _), front.connect() as (reader, writer):
        writer.write(CREATE.replace(b"Host:", b"Expect: 100-continue\r\nHost:").partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        assert FINAL not in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")


async def test_a_long_or_slow_answer_to_a_create_is_not_held_back() -> None:
    release = asyncio.Event()

    async def script(call: Call) -> None:
        await call.read_body()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n" + b"x" * 100_000)
        await release.wait()
        await call.send(b"y")

    async with between(script) as (front, _), front.connect() as (reader, writer):
        writer.write(CREATE)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(100_000)
        release.set()
        assert await reader.read() == b"y"


async def play_python(front: Gateway) -> int:
    async with AsyncRunwayML(api_key=KEY, base_url=f"http://127.0.0.1:{front.port}/runway") as sdk:
        with pytest.raises(APIStatusError) as failed:
            await sdk.text_to_image.create(model="gen4_image", prompt_text="a cat", ratio="1280:720")
        return failed.value.status_code


PLAY_NODE = """
import RunwayML from "@runwayml/sdk";
const sdk = new RunwayML({ apiKey: process.argv[1], baseURL: process.argv[2] });
try { await sdk.textToImage.create({ model: "gen4_image", promptText: "a cat", ratio: "1280:720" }); }
catch (error) { console.log(error.status); }
"""


def play_node(node: str) -> Callable[[Gateway], Awaitable[int]]:
    async def play(front: Gateway) -> int:
        arguments = ["--input-type=module", "-e", PLAY_NODE, KEY, f"http://127.0.0.1:{front.port}/runway"]
        run = [node, *arguments]
        done = await asyncio.to_thread(
            subprocess.run, run, cwd=NODE_FOLDER, capture_output=True, text=True, timeout=60, check=True
        )
        return int(done.stdout)

    return play


@pytest.mark.parametrize("data", TROUBLES)
async def test_runways_python_sdk_sends_a_create_once(data: bytes) -> None:
    async with between(takes_and_sends(data)) as (front, server):
        assert await play_python(front) == 502
    assert len(server.calls) == 1


@pytest.mark.parametrize("data", [b"", HALF])
async def test_runways_node_sdk_sends_a_create_once(data: bytes, node: str) -> None:
    async with between(takes_and_sends(data)) as (front, server):
        assert await play_node(node)(front) == 502
    assert len(server.calls) == 1


async def test_runways_python_sdk_polls_again() -> None:
    async with between(takes_and_sends(b"")) as (front, server):
        sdk = AsyncRunwayML(api_key=KEY, base_url=f"http://127.0.0.1:{front.port}/runway", max_retries=1)
        with pytest.raises(APIStatusError):
            await sdk.tasks.retrieve(TASK)
        await sdk.close()
    assert len(server.calls) == 2


async def play_runware(front: Front, task: dict[str, str]) -> str:
    urls = {"http_base_url": front.http_url, "ws_base_url": front.ws_url}
    async with Runware(api_key="f" * 32, transport="rest", retry_delay=10, max_retries=1, **urls) as client:
        with pytest.raises(RunwareError) as failed:
            await client.run(task)  # type: ignore[arg-type]
        return f"{failed.value.code} {failed.value.status_code}"


async def test_runwares_sdk_sends_a_create_again_under_the_same_id_so_that_the_vendor_knows_it() -> None:
    async with vendor(takes_and_sends(b"")) as server, runware_front(server.origin, server.origin) as front:
        assert (await play_runware(front, IMAGE)).endswith(" 502")
    first, second = (json.loads(call.body)[0]["taskUUID"] for call in server.calls)
    assert first == second


async def test_a_poll_at_runware_may_be_sent_again() -> None:
    poll = json.dumps([{"taskType": "getResponse", "taskUUID": TASK}]).encode()
    async with vendor(takes_and_sends(b"")) as server, runware_front(server.origin, server.origin) as front:
        lines, body = split(await front.ask(post(poll, path="/runware/v1")))
        assert lines[0].startswith(b"HTTP/1.1 502")
        assert FINAL not in lines
        assert "errors" not in json.loads(body)
