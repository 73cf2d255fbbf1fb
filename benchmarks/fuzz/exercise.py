"""What must hold, whatever is said: no exception, no label out of bounds, no memory without one."""

from __future__ import annotations

import re
import tracemalloc
import zlib
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec
from prometheus_client import CollectorRegistry

from benchmarks.fuzz.cases import Case
from monitor.gateway.observe.json_fields import FieldScanner, ItemScanner
from monitor.gateway.observe.observer import Observer
from monitor.gateway.websocket.decoder import WebSocketDecoder
from monitor.http.body_copies import CutCopy, CutText, EventCopy, ReplyCopy
from monitor.metrics import SelfMetrics, Stage
from monitor.observations import AnyObservation, Kind, ReadFinished, RequestSeen, Source, TaskSeen, UnknownSeen
from monitor.providers.base import Provider, UnansweredTasks
from monitor.providers.http import EVENT_STREAM, Exchange, Failure, Item, Route, media_type
from monitor.runtime.clock import ManualClock

CODE = re.compile(r"none|[1-5][0-9]{2}")
MODEL = re.compile(r"|[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}")
TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}")
MOST_ENDPOINTS = 200
MOST_FIELDS = 50
MOST_OBSERVATIONS = 3000
MOST_BYTES = 16 * 2**20
EVERY = 50
EXTENSIONS = ("", "permessage-deflate", "permessage-deflate; server_no_context_takeover")


class StrictObserver(Observer):
    """An observer that hides no fault."""

    def failed(self, stage: Stage, error: Exception) -> None:  # noqa: ARG002 - the base class's
        raise error


class Exercise:
    """Sends cases through every reader of one provider, and remembers which labels it has minted."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._observer = StrictObserver(self, SelfMetrics(CollectorRegistry()), ManualClock(1.0))
        self._endpoints: set[str] = set()
        self._fields: set[str] = set()
        self.done = 0

    def __call__(self, case: Case) -> None:
        """Read the case; every so often, also hold its memory to a bound.

        Raises:
            Exception: something does not hold.
        """
        self.done += 1
        if self.done % EVERY:
            self._read(case)
            return
        tracemalloc.start()
        try:
            self._read(case)
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
        finally:
            tracemalloc.stop()

    def _read(self, case: Case) -> None:
        self._exchange(case)
        self._reads(case)
        text = CutText()
        text.add(case.reply)
        self._check(self._provider.decode_webhook("a", text.text(), 1.0))
        self._socket(case)
        self._conversation(case)

    def _exchange(self, case: Case) -> None:
        route = self._provider.route(case.method, case.path)
        found, items = _asked(route, case)
        exchange = Exchange(
            account="a",
            method=case.method,
            path=case.path,
            route=route,
            started_at=1.0,
            duration_seconds=1.0,
            request_fields=found,
            request_items=items,
            repeated=frozenset(self._provider.named_tasks(items)[:1]),
            status=case.status or None,
            response_headers={"Content-Type": case.content_type},
            body=_kept(route, self._provider, case),
            failure=None if case.is_whole else Failure.TRUNCATED,
        )
        first, *rest = told = self._provider.decode(exchange)
        assert isinstance(first, RequestSeen)
        assert not any(isinstance(each, RequestSeen) for each in rest)
        self._check(told)

    def _reads(self, case: Case) -> None:
        for reader in self._provider.reads:
            call = reader.call(1_750_000_000.0)
            route = self._provider.route(call.method, call.path)
            status = case.status or None
            exchange = Exchange("a", call.method, call.path, route, 0.0, 1.0, status=status, body=case.reply)
            told = reader.decode(exchange)
            assert isinstance(told[-1], ReadFinished)
            assert (told[-1].figures is not None) == (told[-1].outcome == "success")
            self._check(told)

    def _socket(self, case: Case) -> None:
        """Messages as they are, in turns."""
        unanswered_tasks = UnansweredTasks()
        reader = self._provider.socket("a", unanswered_tasks)
        if reader is None:
            return
        scanner = ItemScanner(reader.fields)
        scanner.feed(case.request)
        told = reader.sent(scanner.items, frozenset(), 1.0)
        told += reader.received(case.reply, 2.0)
        told += reader.sent(scanner.items, frozenset(self._provider.named_tasks(scanner.items)), 3.0)
        told += reader.received(case.reply, 4.0)
        told += reader.ended(Failure.TRUNCATED, 5.0)
        assert sum(isinstance(each, RequestSeen) for each in told) == len(("sent", "sent"))
        assert reader.pending == 0
        later = self._provider.socket("a", unanswered_tasks)
        assert later is not None
        self._check([*told, *later.received(case.reply, 6.0), *later.ended(Failure.CLIENT_GONE, 7.0)])

    def _conversation(self, case: Case) -> None:
        """Bytes that are taken for frames; those that are none may be refused, in two ways that are documented."""
        reader = self._provider.socket("a", UnansweredTasks())
        if reader is None:
            return
        extensions = EXTENSIONS[case.chunk % len(EXTENSIONS)]
        decoder = WebSocketDecoder(self._observer, "a", self._provider, reader, extensions, is_dry_run=False)
        try:
            for part in _parts(case.request, case.chunk):
                _run(decoder.client_bytes(part))
            for part in _parts(case.reply, case.chunk):
                _run(decoder.provider_bytes(part))
        except (ValueError, zlib.error):
            return
        _run(decoder.end(Failure.CLIENT_GONE))

    def put(self, observations: Sequence[AnyObservation], source: Source) -> None:  # noqa: ARG002 - a sink's
        """Check what a decoder publishes."""
        self._check(observations)

    async def submit(self, observations: Sequence[AnyObservation], source: Source) -> None:
        """As `put`."""
        self.put(observations, source)

    def _check(self, told: Sequence[AnyObservation]) -> None:
        assert len(told) <= MOST_OBSERVATIONS
        for each in told:
            self._labels(each)
            assert msgspec.json.decode(msgspec.json.encode(each), type=AnyObservation) == each

    def _labels(self, told: AnyObservation) -> None:
        if isinstance(told, RequestSeen | TaskSeen):
            assert MODEL.fullmatch(told.model)
            self._endpoints.add(told.endpoint)
            assert len(self._endpoints) <= MOST_ENDPOINTS
        if isinstance(told, RequestSeen):
            assert CODE.fullmatch(told.code)
            assert told.kind in Kind
        if isinstance(told, TaskSeen):
            assert TASK.fullmatch(told.task)
        if isinstance(told, UnknownSeen):
            self._fields.add(told.field)
            assert len(self._fields) <= MOST_FIELDS


def _asked(route: Route, case: Case) -> tuple[dict[str, str], Sequence[Item]]:
    """What the scanners find in the request; the same however it is cut."""
    if route.item_fields:
        whole, cut = ItemScanner(route.item_fields), ItemScanner(route.item_fields)
        _feed(whole, [case.request])
        _feed(cut, _parts(case.request, case.chunk))
        assert whole.items == cut.items
        return {}, cut.items
    if route.model_fields:
        scanners = FieldScanner(route.model_fields), FieldScanner(route.model_fields)
        _feed(scanners[0], [case.request])
        _feed(scanners[1], _parts(case.request, case.chunk))
        assert scanners[0].found == scanners[1].found
        return scanners[1].found, ()
    return {}, ()


def _feed(scanner: FieldScanner, parts: Sequence[bytes] | Iterator[bytes]) -> None:
    for part in parts:
        if scanner.wants_more:
            scanner.feed(part)


def _kept(route: Route, provider: Provider, case: Case) -> bytes:
    """What the gateway would keep of the reply; nothing of one that its codec cannot read."""
    copy: ReplyCopy | CutCopy | EventCopy
    if media_type({"Content-Type": case.content_type}) == EVENT_STREAM:
        copy = EventCopy(case.coding, provider.keeps_event)
    else:
        copy = CutCopy(case.coding) if route.cuts_reply else ReplyCopy()
    body = partial(copy.body, case.coding) if isinstance(copy, ReplyCopy) else copy.body
    try:
        for part in _parts(case.reply, case.chunk):
            _run(copy.add(part))
        return body()
    except Exception:  # noqa: BLE001 - "what the codec says of broken data", whatever the codec
        return b""


def _run(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
