"""Whatever anybody says, reading it never raises and only closed sets become labels."""

from __future__ import annotations

import json
import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from monitor.observations import AnyObservation, ReadFinished, RequestSeen, TaskSeen, UnknownSeen
from monitor.providers import PROVIDERS
from monitor.providers.http import Failure
from monitor.providers.runway.paths import ENDPOINTS

RUNWAY = PROVIDERS["runway"]
ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"
MODEL = re.compile(r"|[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}")
TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}")
CODE = re.compile(r"none|[1-5][0-9][0-9]")
UNKNOWN_FIELDS = {"task_status", "failure_code", "task_id", "organization", "usage"}
TEMPLATES = {route.endpoint for _, route in ENDPOINTS} | {"other"}

FIXTURES = [
    {"id": ID, "estimatedCost": {"credits": 60}},
    {"id": ID, "routing": {"model": "veo3.1_fast", "estimatedCost": {"credits": 50}}},
    {"id": ID, "status": "THROTTLED", "estimatedCost": {"credits": 60}},
    {"id": ID, "status": "SUCCEEDED", "output": ["https://x/y.mp4?_jwt=z"], "cost": {"credits": 60}},
    {"id": ID, "status": "FAILED", "failureCode": "SAFETY.INPUT.TEXT", "cost": {"credits": 60}},
    {"id": ID, "status": "FAILED", "nodeErrors": {"n": {"failureCode": "ASSET.INVALID"}}},
    {"error": "You do not have enough credits to run this task.", "docUrl": "https://docs.dev.runwayml.com/api"},
    {"error": "Validation", "issues": [{"code": "x", "path": ["a", 0], "message": "m"}]},
    {
        "creditBalance": 5000,
        "tier": {
            "maxMonthlyCreditSpend": 10000,
            "models": {"gen4.5": {"maxConcurrentGenerations": None, "maxDailyGenerations": 0}},
        },
        "usage": {"models": {"gen4.5": {"dailyGenerations": 12}}},
    },
    {"results": [{"date": "2026-03-16", "usedCredits": [{"model": "gen4.5", "amount": -120}]}]},
]
KEYS = sorted(set(re.findall(r'"([^"]+)":', json.dumps(FIXTURES))))
WORDS = ["PENDING", "FAILED", "SAFETY", "SAFETY.OUTPUT", "gen4.5", "2026-03-16", ID, "\x00", "\ud800"]

text = st.sampled_from(WORDS) | st.text()
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
anything = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | text, inner, max_size=6),
    max_leaves=25,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A true reply, cut, spliced or changed anywhere."""
    whole = json.dumps(draw(st.sampled_from(FIXTURES))).encode()
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, len(whole)))
    return whole[:start] + draw(st.binary(max_size=8)) + whole[end:]


def _replaced(document: object, at: int, value: object) -> object:
    """The document with the `at`-th of its values, counted in depth, replaced."""
    seen = iter(range(10_000))

    def walk(inner: object) -> object:
        if next(seen) == at:
            return value
        if isinstance(inner, dict):
            return {key: walk(item) for key, item in inner.items()}
        return [walk(item) for item in inner] if isinstance(inner, list) else inner

    return walk(document)


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


drifted = st.builds(_replaced, st.sampled_from(FIXTURES), st.integers(0, 20), anything).map(dumped)
bodies = st.binary() | damaged() | drifted | anything.map(dumped)
statuses = st.none() | st.sampled_from([200, 201, 204, 302, 400, 401, 404, 429, 500, 503]) | st.integers()
paths = st.sampled_from([route.endpoint.replace("{id}", ID) for _, route in ENDPOINTS]) | st.text()
methods = st.sampled_from(["GET", "POST", "DELETE"])


def check_labels(observation: AnyObservation) -> None:
    if isinstance(observation, RequestSeen):
        assert observation.endpoint in TEMPLATES
        assert CODE.fullmatch(observation.code)
        assert MODEL.fullmatch(observation.model)
    if isinstance(observation, TaskSeen):
        assert observation.endpoint in TEMPLATES
        assert MODEL.fullmatch(observation.model)
        assert TASK.fullmatch(observation.task)
    if isinstance(observation, UnknownSeen):
        assert observation.field in UNKNOWN_FIELDS


def check_wire(observation: AnyObservation) -> None:
    """It survives the trip through the ingest API."""
    assert msgspec.json.decode(msgspec.json.encode(observation), type=AnyObservation) == observation


@given(
    method=methods,
    path=paths,
    body=bodies,
    status=statuses,
    failure=st.none() | st.sampled_from(Failure),
    asked=st.dictionaries(st.sampled_from(["model", "from.model"]), text),
    headers=st.dictionaries(st.sampled_from(["x-stainless-retry-count", "accept"]), st.text()),
)
def test_any_exchange_is_one_request_with_closed_labels(exchange, method, path, body, status, failure, asked, headers):
    told = exchange(method, path, body, status=status, failure=failure, asked=asked, request_headers=headers)
    first, *rest = RUNWAY.decode(told)
    assert isinstance(first, RequestSeen)
    assert not any(isinstance(observation, RequestSeen) for observation in rest)
    for observation in (first, *rest):
        check_labels(observation)
        check_wire(observation)


@given(reader=st.sampled_from(RUNWAY.reads), body=bodies, status=statuses, failure=st.none() | st.sampled_from(Failure))
def test_any_answer_to_a_read_is_one_finished_read(exchange, reader, body, status, failure):
    call = reader.call(1_750_000_000.0)
    *told, last = reader.decode(exchange(call.method, call.path, body, status=status, failure=failure))
    assert isinstance(last, ReadFinished)
    assert all(isinstance(observation, UnknownSeen) for observation in told)
    assert (last.figures is not None) == (last.outcome == "success")
    for observation in (*told, last):
        check_labels(observation)
        check_wire(observation)


@given(body=drifted)
def test_only_models_that_look_like_models_become_figures(exchange, body):
    organization, usage = (
        read.decode(exchange("POST", "/v1/organization/usage", body))[-1].figures for read in RUNWAY.reads
    )
    names = [*organization.limits, *organization.daily_generations] if organization else []
    names += [day.model for day in usage.days] if usage else []
    assert all(name and MODEL.fullmatch(name) for name in names)
