"""Bodies that cost a reader far more than their bytes, at the gateway: requests, replies and streams of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from gateway.wire import answers, between, get, post, reply, split
from hostile.bombs import PACKERS, SMALL_PIECES
from hostile.conftest import Beats

from monitor.gateway.observe.request_body import RequestBody
from monitor.http import turns
from monitor.http.body_copies import MOST_CONTAINERS, CutCopy, EventCopy, ReplyCopy
from monitor.http.inflate import AT_ONCE_BYTES, BrokenCodingError, UndecodedError
from monitor.http.turns import Turns
from monitor.observations import Outcome
from monitor.providers import PROVIDERS
from monitor.providers.http import Exchange
from monitor.providers.runware import exchange

READERS: dict[str, Callable[[str], RequestBody | CutCopy | EventCopy]] = {
    "items": lambda codings: RequestBody(PROVIDERS["runware"].route("POST", "/v1"), codings),
    "fields": lambda codings: RequestBody(PROVIDERS["runway"].route("POST", "/v1/text_to_video"), codings),
    "cut": CutCopy,
    "events": lambda codings: EventCopy(codings, lambda _: True),
}
LARGEST_STEP = 16 * 1024
LEAST_STEP = 1024


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("piece", SMALL_PIECES)
def test_a_chunk_is_read_in_small_steps(reader: str, piece: str) -> None:
    body = b'[{"a":' + SMALL_PIECES[piece]
    steps = sum(1 for _ in READERS[reader]("").add(body))
    is_given_up = reader in {"items", "fields"}  # which look no further once nothing can be found
    assert steps >= len(body) // LARGEST_STEP or is_given_up


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("coding", PACKERS)
def test_a_bomb_is_given_up_after_small_steps(reader: str, coding: str) -> None:
    codings, pack = PACKERS[coding]
    bomb, steps = pack(SMALL_PIECES["events"], 64), 0
    with suppress(UndecodedError):  # a reader that looks no further is as good
        for _ in READERS[reader](codings).add(bomb):
            steps += 1
    assert steps <= AT_ONCE_BYTES // LEAST_STEP


async def test_the_loop_gives_one_turn_to_all_that_wait_each_time_round(
    monkeypatch: pytest.MonkeyPatch, beats: Beats
) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(turns, "FIRST_SECONDS", 0.0)
    shared, at = Turns(), list[int]()

    def work() -> Iterator[None]:
        for step in range(10):
            if step:
                at.append(beats.count)
            yield

    await asyncio.gather(*(shared.do(work()) for _ in range(10)))
    assert len(at) == 90
    assert max(map(at.count, at)) <= 2


@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream"])
@pytest.mark.parametrize("coding", PACKERS)
async def test_a_reply_that_is_a_bomb_passes_and_is_counted(kind: bytes, coding: str) -> None:
    codings, pack = PACKERS[coding]
    bomb = pack(SMALL_PIECES["quotes"], 100)
    whole = reply(bomb, b"Content-Type: " + kind, b"Content-Encoding: " + codings.encode())
    async with between(answers(whole)) as (gateway, _):
        answer = await gateway.ask(get())
        assert split(answer)[1] == bomb
        assert gateway.observer_errors("reply") == 1
        assert [seen.outcome for seen in gateway.sink.requests] == [Outcome.SUCCESS]


@pytest.mark.parametrize("piece", SMALL_PIECES)
async def test_a_request_of_any_nonsense_passes_unchanged(piece: str) -> None:
    body = b'{"model":"gen4.5","x":[' + SMALL_PIECES[piece] * 4
    async with between(answers(reply(b"{}"))) as (gateway, vendor):
        await gateway.ask(post(body))
        assert vendor.calls[0].body == body
        assert gateway.sink.requests[0].model == "gen4.5"


@pytest.mark.parametrize("body", [b'{"data":[' + b"{}," * MOST_CONTAINERS + b"{}]}", b"[" * (MOST_CONTAINERS + 1)])
def test_a_reply_of_objects_and_nothing_else_is_not_decoded(body: bytes) -> None:
    kept, cut = ReplyCopy(), CutCopy("")
    list(kept.add(body))
    list(cut.add(body))
    with pytest.raises(UndecodedError):
        kept.body("")
    with pytest.raises(UndecodedError):
        cut.body()


@pytest.mark.parametrize("piece", SMALL_PIECES)
@pytest.mark.parametrize("path", ["/v1", "/v1/tasks/17f20503-6c24-4c16-946b-35dbbce2af2f"])
async def test_a_reply_of_any_nonsense_is_no_fault_of_ours(piece: str, path: str) -> None:
    whole = reply(SMALL_PIECES[piece][:-100], b"Content-Type: application/json", status=b"500 Oops")
    async with between(answers(whole)) as (gateway, _):
        answer = await gateway.ask(get(f"/runway{path}"))
        assert split(answer)[1] == SMALL_PIECES[piece][:-100]
        assert [seen.outcome for seen in gateway.sink.requests] == [Outcome.SERVER_ERROR]


def test_what_is_broken_is_told_from_what_is_too_large() -> None:
    with pytest.raises(BrokenCodingError):
        list(CutCopy("gzip").add(b"\x1f\x8b" + bytes(100)))


def test_a_task_that_is_asked_and_answered_a_thousand_times_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    task = {"taskType": "imageInference", "taskUUID": "17f20503-6c24-4c16-946b-35dbbce2af2f"}
    seen: list[int] = []
    true_progress = exchange.progress_of
    monkeypatch.setattr(exchange, "progress_of", lambda mine: (seen.append(len(mine)), true_progress(mine))[1])
    asked = Exchange(
        account="a",
        method="POST",
        path="/v1",
        route=PROVIDERS["runware"].route("POST", "/v1"),
        started_at=1.0,
        duration_seconds=1.0,
        status=200,
        request_items=[task] * 1000,
        body=json.dumps({"data": [{**task, "imageURL": "u"}] * 1000}).encode(),
    )
    assert PROVIDERS["runware"].decode(asked)
    assert sum(seen) <= 1000
