import gzip
from collections.abc import Sequence

import brotli
import pytest
from structlog.testing import capture_logs
from wire import KEY, TASK, ListSink, answers, between, get, post, reply

from monitor.observations import AnyObservation, Kind, Outcome, TaskStatus
from monitor.providers import PROVIDERS
from monitor.providers.http import Exchange, Route
from monitor.providers.runway import Runway

CREATED = b'{"id":"%s","estimatedCost":{"credits":60}}' % TASK.encode()
RUNNING = b'{"id":"%s","status":"RUNNING","progress":0.5}' % TASK.encode()
BODY = b'{"promptText":"a cat","model":"gen4.5"}'


class Recording(Runway):
    """The real provider, which also keeps what it was shown."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        self.exchanges.append(exchange)
        return super().decode(exchange)


class Throwing(Runway):
    """A provider with a fault at one stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def route(self, method: str, path: str) -> Route:
        if self._stage == "route":
            raise RuntimeError(f"secret of {path}")
        return super().route(method, path)

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        if self._stage == "decode":
            raise RuntimeError(f"secret {exchange.body!r}")
        return super().decode(exchange)


class ThrowingSink(ListSink):
    def put(self, observations: Sequence[AnyObservation], source: str) -> None:
        raise RuntimeError("secret")


async def test_a_create_and_its_poll_become_observations() -> None:
    async with between(answers(reply(CREATED, b"Content-Type: application/json"))) as (front, _):
        await front.ask(post(BODY, "x-stainless-retry-count: 1"))
        [request], [task] = front.sink.requests, front.sink.tasks
        assert (request.kind, request.endpoint, request.model) == (Kind.CREATE, "/v1/text_to_video", "gen4.5")
        assert (request.outcome, request.code, request.retry) == (Outcome.SUCCESS, "200", True)
        assert (task.task, task.accepted, task.model, task.estimated_credits) == (TASK, True, "gen4.5", 60)
        assert front.sink.sources == {"gateway"}
    async with between(answers(reply(RUNNING))) as (front, _):
        await front.ask(get())
        assert front.sink.tasks[0].status is TaskStatus.RUNNING
        assert front.sink.tasks[0].by_client


async def test_a_redirect_passes_on_as_it_came_and_is_an_error() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n"
    async with between(answers(redirect)) as (front, _):
        answer = await front.ask(post(BODY))
        assert answer.startswith(b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n")
        assert [(seen.outcome, seen.code) for seen in front.sink.requests] == [(Outcome.REDIRECTED, "302")]
        assert not front.sink.tasks


async def test_the_exchange_shows_what_is_allowed_and_nothing_secret() -> None:
    provider = Recording()
    async with between(answers(reply(RUNNING)), provider) as (front, _):
        secrets = [f"Authorization: Bearer {KEY}", "Cookie: session=1", f"X-Any: {KEY}"]
        await front.ask(get(f"/runway/v1/tasks/{TASK}?a=b", "USER-agent: sdk", "Content-TYPE: text/x", *secrets))
    [exchange] = provider.exchanges
    assert (exchange.account, exchange.method, exchange.path) == ("runway", "GET", f"/v1/tasks/{TASK}")
    assert dict(exchange.request_headers) == {"user-agent": "sdk", "content-type": "text/x"}
    assert exchange.request_headers["User-Agent"] == "sdk"
    assert KEY not in repr(exchange)
    assert exchange.body == RUNNING


@pytest.mark.parametrize("step", [7.5, -3600.0])
async def test_the_duration_runs_to_the_last_byte_out_and_is_never_negative(step: float) -> None:
    script = answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{}")
    provider = Recording()
    async with between(script, provider) as (front, _), front.connect() as (reader, writer):
        writer.write(get())
        await reader.readuntil(b"\r\n\r\n")
        front.clock.advance(step)
        await reader.read()
    assert provider.exchanges[0].duration_seconds == max(0.0, step)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("gzip", gzip.compress(RUNNING, mtime=0)), ("br", brotli.compress(RUNNING)), ("identity", RUNNING)],
)
async def test_a_compressed_reply_is_understood(coding: str, packed: bytes) -> None:
    async with between(answers(reply(packed, b"Content-Encoding: " + coding.encode()))) as (front, _):
        assert (await front.ask(get())).endswith(packed)
        assert front.sink.tasks[0].status is TaskStatus.RUNNING
        assert front.observer_errors("reply") == 0


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b" " * 3_000_000, mtime=0)])
async def test_a_reply_that_cannot_be_unpacked_is_counted_and_passes(body: bytes) -> None:
    async with between(answers(reply(body, b"Content-Encoding: gzip")), provider := Recording()) as (front, _):
        assert (await front.ask(get())).endswith(body)
        assert provider.exchanges[0].body == b""
        assert front.observer_errors("reply") == 1


async def test_a_body_that_nobody_needs_is_not_kept_but_that_of_an_error_is() -> None:
    provider = Recording()
    for status in (b"200 OK", b"403 Forbidden"):
        async with between(answers(reply(b"{}", status=status)), provider) as (front, _):
            await front.ask(get("/runway/v1/elsewhere"))
    assert [exchange.body for exchange in provider.exchanges] == [b"", b"{}"]


async def test_a_reply_too_large_to_keep_passes() -> None:
    body = b"x" * (1024 * 1024 + 1)
    async with between(answers(reply(body)), provider := Recording()) as (front, _):
        assert (await front.ask(get())).endswith(body)
        assert provider.exchanges[0].body == b""


@pytest.mark.parametrize("stage", ["route", "decode", "sink"])
async def test_a_fault_in_observing_is_counted_and_logged_once_and_the_bytes_flow(stage: str) -> None:
    sink = ThrowingSink() if stage == "sink" else ListSink()
    provider = PROVIDERS["runway"] if stage == "sink" else Throwing(stage)
    with capture_logs() as lines:
        async with between(answers(reply(CREATED)), provider, sink=sink) as (front, server):
            for _ in range(3):
                assert (await front.ask(post(BODY))).endswith(CREATED)
            assert front.observer_errors(stage) == 3
            assert front.in_flight() == 0
            front.clock.advance(61)
            await front.ask(post(BODY))
    assert [call.body for call in server.calls] == [BODY] * 4
    line = {"event": "observer.failed", "stage": stage, "error": "RuntimeError", "log_level": "warning"}
    assert lines == [line, line]


async def test_a_scanner_that_throws_loses_the_model_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("monitor.gateway.observe.json_fields.FieldScanner.feed", fail)
    async with between(answers(reply(CREATED))) as (front, server):
        assert (await front.ask(post(BODY))).endswith(CREATED)
        assert front.observer_errors("fields") == 1
        assert front.sink.requests[0].model == "unknown"
        assert server.calls[0].body == BODY


async def test_the_gauge_of_requests_in_flight_returns_to_zero_after_a_fault_of_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("monitor.gateway.forward.Relay", fail)
    with capture_logs() as lines:
        async with between(answers(reply(CREATED))) as (front, _):
            raw = await front.ask(post(BODY))
            assert raw.startswith(b"HTTP/1.1 500 ")
            assert b'"source": "genmedia-monitor"' in raw
            assert front.in_flight() == 0
    assert [line["event"] for line in lines] == ["request.failed"]
