"""Whatever anybody sends: no exception, no label out of bounds, no memory that grows."""

import json
import re
import tracemalloc

import msgspec
from helpers_runware import RUNWARE, U, V, ack, error, exchange, poll, result, task
from hypothesis import given
from hypothesis import strategies as st

from monitor.observations import AnyObservation, ReadFinished, RequestSeen, TaskSeen, UnknownSeen
from monitor.providers.base import UnansweredTasks
from monitor.providers.http import Exchange, Failure
from monitor.providers.runware.models import AIR_IDS
from monitor.providers.runware.paths import TEMPLATES
from monitor.providers.runware.task_types import GENERATIONS

CODE = re.compile(r"none|[1-5][0-9]{2}")
MODEL = re.compile(r"|[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}")
TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}")
FIELDS = {"error_code", "task_status", "task_type", "stray_error", "details", "activity", "performance", "errors"}
FIXTURES = [
    {"data": [result(), ack(V)], "errors": [error("timeoutProvider", V, status="error")]},
    {"data": [ack() | {"status": "processing", "progress": 4}]},
    {"error": {"code": "providerError", "message": "moderation"}, "taskUUID": U, "taskType": "textInference"},
    {"error": True, "errorId": 19, "errorMessage": "Invalid api key"},
    [{"errors": [error("conflictTaskUUID")]}],
    {"data": [{"taskType": "authentication", "connectionSessionUUID": V}, {"taskType": "ping", "pong": True}]},
    {"data": [{"taskUUID": U, "taskType": "textInference", "delta": {"text": "a"}, "finishReason": None, "cost": 0.1}]},
    {"data": [{"operation": "getDetails", "balance": {"amount": 5}, "usage": {"today": {"credits": 1}}}]},
    {"data": [{"startDate": "2026-11-21", "endDate": "2026-11-21", "usage": {"model": {"data": [
        {"model": "runware:100@1", "count": 1, "spend": 0.5, "avgInferenceTime": 2, "clientErrors": 1}], "meta": {}},
        "timeseries": {"data": [{"date": "2026-11-21", "spend": 1}]}}}]},
]  # fmt: skip
KEYS = sorted(set(re.findall(r'"([^"]+)":', json.dumps(FIXTURES))))
WORDS = ["imageInference", "getResponse", "success", "error", "async", U, V, "runware:100@1", "\x00", "\ud800", "5"]

text = st.sampled_from(WORDS) | st.text()
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
anything = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | text, inner, max_size=6),
    max_leaves=25,
)
bodies = st.binary() | anything.map(lambda value: json.dumps(value).encode())


@st.composite
def drifted(draw: st.DrawFn) -> bytes:
    """A true message with one value, or some bytes, replaced."""
    whole = json.dumps(draw(st.sampled_from(FIXTURES)))
    places = [match.span() for match in re.finditer(r'"[^"]*"(?!:)|[0-9.]+|true|null|\[[^\[\]]*\]', whole)]
    start, end = draw(st.sampled_from(places))
    return (whole[:start] + draw(anything.map(json.dumps) | st.text(max_size=5)) + whole[end:]).encode(
        "utf-8", "replace"
    )


messages = drifted() | bodies | st.sampled_from(FIXTURES).map(lambda value: json.dumps(value).encode())
FIELD = st.sampled_from(["taskType", "taskUUID", "model", "numberResults", "deliveryMethod"])
items = st.lists(
    st.dictionaries(FIELD, text, max_size=5) | st.sampled_from([task(), poll(), task(uuid=V), {"taskType": "ping"}]),
    max_size=4,
)
statuses = st.none() | st.sampled_from([101, 200, 204, 400, 401, 402, 404, 429, 500, 503, 504]) | st.integers()
paths = st.sampled_from(["/v1", *TEMPLATES]) | st.text()
types = st.sampled_from(["application/json", "text/event-stream", ""])


def check(observation: AnyObservation) -> None:
    """Its labels are of closed or bounded sets, and it survives the trip through the ingest API."""
    if isinstance(observation, RequestSeen | TaskSeen):
        assert observation.endpoint in TEMPLATES or observation.endpoint == "other"
        assert MODEL.fullmatch(observation.model)
    if isinstance(observation, RequestSeen):
        assert CODE.fullmatch(observation.code)
    if isinstance(observation, TaskSeen):
        assert TASK.fullmatch(observation.task)
        assert observation.credits is None or observation.credits >= 0
    if isinstance(observation, UnknownSeen):
        assert observation.field in FIELDS
    assert msgspec.json.decode(msgspec.json.encode(observation), type=AnyObservation) == observation


@given(
    path=paths, asked=items, body=messages, status=statuses, type_=types, failure=st.none() | st.sampled_from(Failure)
)
def test_any_exchange_is_one_request_with_bounded_labels(path, asked, body, status, type_, failure):
    headers = {"Content-Type": type_}
    told = exchange(
        asked, body, status, path, failure=failure, response_headers=headers, request_fields={"model": type_}
    )
    first, *rest = RUNWARE.decode(told)
    assert isinstance(first, RequestSeen)
    assert not any(isinstance(observation, RequestSeen) for observation in rest)
    for observation in (first, *rest):
        check(observation)


@given(st.lists(st.tuples(st.just("sent"), items) | st.tuples(st.just("received"), messages), max_size=12))
def test_any_conversation_gives_each_message_at_most_one_request(steps):
    socket = RUNWARE.socket("a", UnansweredTasks())
    assert socket is not None
    told: list[AnyObservation] = []
    for now, (step, what) in enumerate(steps):
        told += socket.sent(what, frozenset(), float(now)) if step == "sent" else socket.received(what, float(now))
    told += socket.ended(Failure.TRUNCATED, 100.0)
    for observation in told:
        check(observation)
    requests = [each for each in told if isinstance(each, RequestSeen)]
    assert len(requests) == [step for step, _ in steps].count("sent")
    assert socket.pending == 0


@given(
    reader=st.sampled_from(RUNWARE.reads), body=messages, status=statuses, failure=st.none() | st.sampled_from(Failure)
)
def test_any_answer_to_a_read_is_one_finished_read(reader, body, status, failure):
    call = reader.call(1_750_000_000.0)
    route = RUNWARE.route(call.method, call.path)
    told = Exchange("a", call.method, call.path, route, 0.0, 1.0, status=status, body=body, failure=failure)
    *strange, last = reader.decode(told)
    assert isinstance(last, ReadFinished)
    assert (last.figures is not None) == (last.outcome == "success")
    for observation in (*strange, last):
        check(observation)


def test_a_connection_of_hostile_messages_stays_small() -> None:
    socket = RUNWARE.socket("a", UnansweredTasks())
    assert socket is not None
    flood = json.dumps({"data": [ack(f"task-{n}") for n in range(2000)]}).encode()
    tracemalloc.start()
    for number in range(3000):
        socket.sent([task(uuid=f"never-answered-{number}")] * 3, frozenset(), float(number))
        if number % 300 == 0:
            socket.received(flood, float(number))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20


def test_the_known_models_can_all_be_labels() -> None:
    assert {model for model in AIR_IDS | GENERATIONS if not MODEL.fullmatch(model)} == set()
    assert len(AIR_IDS) == 363
