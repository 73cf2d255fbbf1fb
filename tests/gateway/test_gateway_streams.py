import asyncio
import gzip
import json

import aiohttp
import pytest
from fake_runware import KEY
from hypothesis import given
from hypothesis import strategies as st
from runware_stage import front, stage
from wire import Call as VendorCall
from wire import HangUpError, split, vendor

from monitor.http.body_copies import KEPT_BYTES, CutCopy, EventCopy
from monitor.observations import Kind, Outcome, TaskStatus

U = "5f1c2f8a-7a7e-4c1b-9d55-000000000001"
HEADERS = {"Authorization": f"Bearer {KEY}", "Accept": "text/event-stream"}
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def text(model: str = "runware:qwen3@1") -> dict[str, object]:
    return {"taskType": "textInference", "taskUUID": U, "model": model, "deliveryMethod": "stream", "includeCost": True}


async def test_a_stream_passes_byte_for_byte_and_is_understood() -> None:
    async with stage() as (fake, gateway), aiohttp.ClientSession() as session:
        async with session.post(gateway.http_url, json=[text()], headers=HEADERS) as through:
            passed = await through.read()
        fake.tasks.clear()
        async with session.post(fake.origin + "/v1", json=[text()], headers=HEADERS) as direct:
            assert passed == await direct.read()
        [request] = gateway.sink.requests
        assert (request.kind, request.outcome, request.model) == (Kind.CREATE, Outcome.SUCCESS, "runware:qwen3@1")
        assert [seen.status for seen in gateway.sink.tasks] == [TaskStatus.PENDING, TaskStatus.SUCCEEDED]
        assert gateway.sink.tasks[-1].credits == 0.0013


async def test_a_stream_without_its_finish_is_truncated_though_the_body_ends_well() -> None:
    async with stage() as (_, gateway), aiohttp.ClientSession() as session:
        async with session.post(gateway.http_url, json=[text("cut:off@1")], headers=HEADERS) as reply:
            await reply.read()
        assert [request.outcome for request in gateway.sink.requests] == [Outcome.TRUNCATED]
        assert [seen.status for seen in gateway.sink.tasks] == [TaskStatus.PENDING]


async def test_half_an_event_and_a_comment_arrive_as_soon_as_they_are_sent() -> None:
    parts = [b": ping\n\n", b'data: {"taskUUID":"', U.encode() + b'","finishReason":"stop"}\r', b"\n\r\n"]
    may_go_on = asyncio.Semaphore(0)

    async def script(call: VendorCall) -> None:
        await call.read_body()
        await call.send(STREAM_HEAD)
        for part in parts:
            await call.send(b"%x\r\n%b\r\n" % (len(part), part))
            await may_go_on.acquire()
        await call.send(b"0\r\n\r\n")

    async with vendor(script) as server, front(server.origin, "") as gateway, gateway.connect() as (reader, writer):
        body = json.dumps([text()]).encode()
        writer.write(b"POST /runware/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            async with asyncio.timeout(5):
                assert await reader.readexactly(len(b"%x\r\n\r\n" % len(part)) + len(part)) == b"%x\r\n%b\r\n" % (
                    len(part),
                    part,
                )
            may_go_on.release()


async def test_a_client_that_leaves_a_stream_leaves_its_task_behind() -> None:
    async def script(call: VendorCall) -> None:
        await call.read_body()
        event = b'data: {"taskUUID":"%b","taskType":"textInference","delta":{},"finishReason":null}\n\n' % U.encode()
        await call.send(STREAM_HEAD + b"%x\r\n%b\r\n" % (len(event), event))
        await call.reader.read()
        raise HangUpError

    async with vendor(script) as server, front(server.origin, "") as gateway, aiohttp.ClientSession() as session:
        async with session.post(gateway.http_url, json=[text()], headers=HEADERS) as reply:
            await reply.content.readany()
        async with asyncio.timeout(5):
            while not gateway.sink.requests:
                await asyncio.sleep(0.01)
        assert [request.outcome for request in gateway.sink.requests] == [Outcome.CLIENT_GONE]
        assert [seen.status for seen in gateway.sink.tasks] == [TaskStatus.PENDING]


async def test_a_batch_over_http_is_counted_by_its_tasks() -> None:
    items = [
        {"taskType": "imageInference", "taskUUID": f"{U[:-1]}{n}", "model": model, "positivePrompt": "x" * 100_000}
        for n, model in enumerate(("runware:100@1", "fail:timeout@1", "refuse:model@1"))
    ]
    async with stage() as (_, gateway), aiohttp.ClientSession() as session:
        async with session.post(gateway.http_url, json=items, headers=HEADERS) as reply:
            assert reply.status == 200
        [request] = gateway.sink.requests
        assert (request.outcome, request.model, request.code) == (Outcome.PARTIAL, "mixed", "200")
        ends = [seen.status for seen in gateway.sink.tasks if not seen.accepted]
        assert ends == [TaskStatus.SUCCEEDED, TaskStatus.FAILED]
        assert len([seen for seen in gateway.sink.tasks if seen.accepted]) == 2


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_reply_of_many_megabytes_of_media_is_understood(encoding: str) -> None:
    media = b'{"data":[{"taskUUID":"%b","taskType":"imageInference","imageBase64Data":"%b","cost":0.5}]}'
    body = media % (U.encode(), b"QUJD" * 2**20)
    packed = gzip.compress(body) if encoding == "gzip" else body

    async def script(call: VendorCall) -> None:
        await call.read_body()
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
        await call.send(head % (encoding.encode(), len(packed)) + packed)

    async with vendor(script) as server, front(server.origin, "") as gateway:
        ask = json.dumps([{"taskType": "imageInference", "taskUUID": U, "model": "runware:100@1"}]).encode()
        head = b"POST /runware/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        _, passed = split(await gateway.ask(head % len(ask) + ask))
        assert passed == packed
        assert [seen.credits for seen in gateway.sink.tasks] == [None, 0.5]
        assert gateway.observer_errors("reply") == 0


async def test_a_request_sent_again_is_a_retry_whoever_sends_it() -> None:
    item = {"taskType": "imageInference", "taskUUID": U, "model": "runware:100@1", "deliveryMethod": "async"}
    async with stage() as (_, gateway), aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.post(gateway.http_url, json=[item], headers=HEADERS) as reply:
                await reply.read()
        assert [(request.retry, request.outcome) for request in gateway.sink.requests] == [
            (False, Outcome.SUCCESS),
            (True, Outcome.SUCCESS),
        ]


@pytest.mark.parametrize("step", [1, 7, 64, 10**6])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_are_found_wherever_the_chunks_and_lines_end(end: bytes, step: int) -> None:
    lines = [
        b": comment",
        b"data: first",
        b"",
        b"event: x",
        b"data:skipped",
        b"",
        b"data: kept 1",
        b"",
        b"data: kept 2",
    ]
    body = end.join(lines)
    copy = EventCopy("", lambda data: data.startswith(b"kept"))
    for start in range(0, len(body), step):
        list(copy.add(body[start : start + step]))
    assert copy.body() == b"first\nkept 1\nkept 2"


def test_a_stream_of_any_length_is_kept_within_bounds() -> None:
    copy = EventCopy("", lambda _: True)
    for _ in range(40):
        list(copy.add(b"data: " + b"x" * 50_000 + b"\n\n"))
        list(copy.add(b"no line end" * 10_000))
        list(copy.add(b"\n"))
    assert len(copy.body()) <= KEPT_BYTES + 100


def cut(body: bytes, step: int) -> bytes:
    copy = CutCopy("")
    for start in range(0, len(body), step):
        list(copy.add(body[start : start + step]))
    return copy.body()


async def test_a_reply_too_large_to_keep_is_no_failure() -> None:
    answer = json.dumps({"data": [{"taskType": "textInference", "taskUUID": U, "logprobs": [0] * 2**20}]}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)

    async def script(call: VendorCall) -> None:
        await call.read_body()
        await call.send(head + answer)

    async with vendor(script) as server, front(server.origin, "") as gateway, aiohttp.ClientSession() as session:
        async with session.post(gateway.http_url, json=[text()], headers=HEADERS) as through:
            assert await through.read() == answer
        assert [seen.outcome for seen in gateway.sink.requests] == [Outcome.SUCCESS]
        assert gateway.observer_errors("reply") == 1


@pytest.mark.parametrize("step", [1, 100, 1400, 70_000, 10**7])
def test_cutting_leaves_json_that_says_the_same_but_for_its_long_strings(step: int) -> None:
    kept = {"quoted": 'say "hi" \\' * 100, "accents": "é" * 500, "numbers": list(range(20_000)), "cost": 0.1}
    long = {"imageBase64Data": "Ab+/" * 50_000, "text": 'one: two, "three" \\ {é}\n' * 60_000}
    body = json.dumps(long | kept, ensure_ascii=False).encode()
    short = cut(body, step)
    document = json.loads(short)
    assert len(short) < 200_000
    assert {name: document[name] for name in kept} == kept
    assert all(document[name] and text.startswith(document[name]) for name, text in long.items())


STRINGS = st.lists(st.tuples(st.text(max_size=5), st.sampled_from([0, 1, 1, 1, 2000, 20_000])), max_size=12)


@given(STRINGS, st.integers(500, 100_000), st.booleans())
def test_any_strings_are_whole_or_the_beginning_of_themselves(
    parts: list[tuple[str, int]], step: int, ascii_only: bool
) -> None:
    texts = [text * times for text, times in parts]
    short = json.loads(cut(json.dumps(texts, ensure_ascii=ascii_only).encode(), step))
    assert len(short) == len(texts)
    for kept, text in zip(short, texts, strict=True):
        assert kept == text or (text.startswith(kept) and 70 < len(kept) < len(text))


@pytest.mark.parametrize("step", [1000, 10**8])
def test_a_body_that_stays_too_large_is_refused(step: int) -> None:
    assert cut(b'"short",' * 10_000, step) == b'"short",' * 10_000
    with pytest.raises(ValueError, match="too large"):
        cut(b'"short",' * (2 * KEPT_BYTES // 8), step)
