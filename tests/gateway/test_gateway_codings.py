"""A request is understood in whatever coding and encoding it is sent, at both vendors, and passes byte for byte."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import aiohttp
import brotli
import pytest
from backports import zstd
from runware_stage import front
from wire import TASK, answers, between, post, reply, vendor

from monitor.gateway.observe.request_body import RequestBody
from monitor.observations import Kind, Outcome
from monitor.providers import PROVIDERS

U = "5f1c2f8a-7a7e-4c1b-9d55-000000000001"
AIR = "runware:100@1"
RUNWAY_BODY = json.dumps({"promptText": "a cat é", "model": "gen4.5"}, ensure_ascii=False)
RUNWARE_BODY = json.dumps([{"taskType": "imageInference", "taskUUID": U, "model": AIR, "positivePrompt": "é" * 999}])
CREATED = b'{"id":"%s"}' % TASK.encode()
DONE = json.dumps({"data": [{"taskType": "imageInference", "taskUUID": U, "imageURL": "https://im/x"}]}).encode()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def members(data: bytes) -> bytes:
    return gzip.compress(data[:20]) + gzip.compress(data[20:])


def nested(data: bytes) -> bytes:
    return gzip.compress(brotli.compress(data))


WAYS: list[tuple[list[bytes], Callable[[str], bytes]]] = [
    ([b"Content-Encoding: gzip"], lambda text: gzip.compress(text.encode())),
    ([b"content-encoding: X-GZIP"], lambda text: members(text.encode())),
    ([b"Content-Encoding: deflate"], lambda text: zlib.compress(text.encode())),
    ([b"Content-Encoding: Deflate"], lambda text: raw_deflate(text.encode())),
    ([b"Content-Encoding: br"], lambda text: brotli.compress(text.encode())),
    ([b"Content-Encoding: zstd"], lambda text: zstd.compress(text.encode())),
    ([b"Content-Encoding: identity"], str.encode),
    ([b"Content-Encoding: br, gzip"], lambda text: nested(text.encode())),
    ([b"Content-Encoding: br", b"Content-Encoding: gzip"], lambda text: nested(text.encode())),
    ([b"Content-Type: application/json; charset=utf-16"], lambda text: text.encode("utf-16")),
    ([], lambda text: text.encode("utf-16-le")),
    ([], lambda text: text.encode("utf-32-be")),
    ([], lambda text: b"\xef\xbb\xbf" + text.encode()),
    ([], lambda text: (" \r\n\t" * 5000 + text).encode()),
    ([b"Content-Encoding: gzip"], lambda text: gzip.compress(text.encode("utf-16"))),
]


async def posted(url: str, body: bytes, *headers: tuple[str, str]) -> bytes:
    """The answer as it came."""
    session = aiohttp.ClientSession(auto_decompress=False)
    async with session, session.post(url, data=body, headers=headers) as answer:
        return await answer.read()


@pytest.mark.parametrize(("headers", "packed"), WAYS)
async def test_a_create_is_understood_in_any_coding_that_http_and_json_allow(
    headers: list[bytes], packed: Callable[[str], bytes]
) -> None:
    body = packed(RUNWAY_BODY)
    async with between(answers(reply(CREATED))) as (gateway, server):
        await gateway.ask(post(body, *(line.decode() for line in headers)))
        assert [task.model for task in gateway.sink.tasks] == ["gen4.5"]
        assert server.calls[0].body == body
    named = [(name, value) for name, value in (line.decode().split(": ") for line in headers)]
    body = packed(RUNWARE_BODY)
    async with vendor(answers(reply(DONE))) as server, front(server.origin, "") as gateway:
        assert await posted(gateway.http_url, body, *named) == DONE
        assert [(request.kind, request.model) for request in gateway.sink.requests] == [(Kind.CREATE, AIR)]
        assert [task.task for task in gateway.sink.tasks] == [U, U]
        assert server.calls[0].body == body


@pytest.mark.parametrize(("headers", "packed"), WAYS)
async def test_an_answer_is_understood_in_any_coding_that_http_and_json_allow(
    headers: list[bytes], packed: Callable[[str], bytes]
) -> None:
    asked = gzip.compress(RUNWAY_BODY.encode())
    async with between(answers(reply(packed(CREATED.decode()), *headers))) as (gateway, _):
        await gateway.ask(post(asked, "Content-Encoding: gzip"))
        assert [(task.task, task.model) for task in gateway.sink.tasks] == [(TASK, "gen4.5")]
    answer = packed(DONE.decode())
    async with vendor(answers(reply(answer, *headers))) as server, front(server.origin, "") as gateway:
        assert await posted(gateway.http_url, RUNWARE_BODY.encode()) == answer
        assert [request.outcome for request in gateway.sink.requests] == [Outcome.SUCCESS]
        assert [task.task for task in gateway.sink.tasks] == [U, U]


@pytest.mark.parametrize("chunk", [1, 10, 1000])
@pytest.mark.parametrize(
    ("body", "model"),
    [
        ('{"model":"gen4_turbo","promptText":"a cat","model":"gen4.5"}', "gen4.5"),
        ('{"model":"gen4.5","x":{"model":"inner"},"promptText":"\\"model\\":"}', "gen4.5"),
        ('{"model":"gen4.5","x":{"model":"inner"', "gen4.5"),
        ('{"model":"first","x":"%s","model":"last"}' % ("x" * 100_000), "first"),
    ],
)
def test_of_a_key_that_is_repeated_the_last_value_counts(body: str, model: str, chunk: int) -> None:
    read = RequestBody(PROVIDERS["runway"].route("POST", "/v1/text_to_video"), "gzip")
    data = gzip.compress(body.encode())
    for start in range(0, len(data), chunk):
        list(read.add(data[start : start + chunk]))
    assert read.fields == {"model": model}


BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda data: brotli.compress(data, quality=1),
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data, 1), 1),
    "zstd": zstd.compress,
    "made-up": lambda data: data[:200_000],
}


@pytest.mark.parametrize("coding", BOMBS)
async def test_a_body_that_cannot_be_read_within_bounds_passes_and_is_counted_once(coding: str) -> None:
    body = BOMBS[coding](b'[{"seedImage":"' + b"A" * 96 * 1024 * 1024)
    tracemalloc.start()
    async with vendor(answers(reply(DONE))) as server, front(server.origin, "") as gateway:
        assert await posted(gateway.http_url, body, ("Content-Encoding", coding)) == DONE
        seen = server.calls[0].body, gateway.observer_errors("fields")
        outcomes = [request.outcome for request in gateway.sink.requests]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == (body, 1)
    assert outcomes == [Outcome.SUCCESS]
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream"])
async def test_an_answer_that_grows_out_of_proportion_passes_and_is_no_failure(kind: bytes) -> None:
    packed = brotli.compress(b"data: {}\n\n" * 2**23, quality=1)
    answer = reply(packed, b"Content-Type: " + kind, b"Content-Encoding: br")
    async with vendor(answers(answer)) as server, front(server.origin, "") as gateway:
        assert await posted(gateway.http_url, RUNWARE_BODY.encode()) == packed
        assert gateway.observer_errors("reply") == 1
        assert [request.outcome for request in gateway.sink.requests] == [Outcome.SUCCESS]
    async with between(answers(answer)) as (gateway, _):
        await gateway.ask(post(RUNWAY_BODY.encode()))
        assert gateway.observer_errors("reply") == 1
        assert [request.outcome for request in gateway.sink.requests] == [Outcome.SUCCESS]


async def test_an_answer_that_is_not_in_its_coding_is_truncated() -> None:
    async with between(answers(reply(CREATED, b"Content-Encoding: gzip"))) as (gateway, _):
        await gateway.ask(post(RUNWAY_BODY.encode()))
        assert [request.outcome for request in gateway.sink.requests] == [Outcome.TRUNCATED]
