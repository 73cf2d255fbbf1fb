from __future__ import annotations

import random
from collections import Counter
from typing import Any, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.simulator.runway.api.messages import Call
from monitor.simulator.runway.api.routes import API_VERSION, ROUTES, handle
from monitor.simulator.runway.catalog import CREATIONS, RECIPE_REQUIRED
from monitor.simulator.runway.errors import FAILURES, Refusal
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.accounts import Platform
from monitor.simulator.runway.platform.tasks import Status, Task
from monitor.simulator.runway.settings import Settings

START = 1_750_000_000.0
DAY = 86_400.0
MODELS = ("gen4.5", "gen4_turbo")


class Step(NamedTuple):
    wait: float
    model: str
    fails_with: str | None
    cancel: int | None


steps = st.lists(
    st.builds(
        Step,
        wait=st.one_of(st.integers(0, 30), st.sampled_from([DAY - 1, DAY])).map(float),
        model=st.sampled_from(MODELS),
        fails_with=st.sampled_from([None, *FAILURES]),
        cancel=st.one_of(st.none(), st.integers(0, 30)),
    ),
    max_size=60,
)


class Run(NamedTuple):
    organization: Organization
    accepted: list[Task]
    refused: list[tuple[str, float]]
    now: float


def run(plan: list[Step], concurrency: int, daily: int, credits_: int = 10_000) -> Run:
    limits = {model: {"concurrency": concurrency, "daily": daily} for model in MODELS}
    chosen = Settings().changed({"limits": limits, "charged_share": 0.7})
    organization = Organization("test", chosen, credits_, random.Random(1), START)
    accepted: list[Task] = []
    refused: list[tuple[str, float]] = []
    now = START
    for step in plan:
        now += step.wait
        organization.advance(now)
        organization.script.clear()
        organization.script.append(step.fails_with)
        try:
            accepted.append(organization.submit(step.model, step.model, "/v1/text_to_video", 10, now))
        except Refusal:
            refused.append((step.model, now))
        if step.cancel is not None and step.cancel < len(accepted):
            organization.cancel(accepted[step.cancel], now)
    return Run(organization, accepted, refused, now)


def most_at_once(tasks: list[Task]) -> int:
    """The most tasks that held a slot at the same time, from when each had one."""
    edges = [(task.queued_at, 1) for task in tasks if task.queued_at is not None]
    edges += [(task.finished_at, -1) for task in tasks if task.queued_at is not None and task.finished_at is not None]
    active = peak = 0
    for _, change in sorted(edges):
        active += change
        peak = max(peak, active)
    return peak


@given(plan=steps, concurrency=st.integers(0, 4))
def test_a_model_never_has_more_tasks_at_work_than_its_concurrency(plan: list[Step], concurrency: int) -> None:
    result = run(plan, concurrency, daily=1_000)
    for model in MODELS:
        mine = [task for task in result.accepted if task.model == model]
        assert most_at_once(mine) <= concurrency
        at_work = [task for task in mine if task.status in {Status.PENDING, Status.RUNNING}]
        assert len(at_work) == result.organization.queue(model).active


@given(plan=steps, concurrency=st.integers(1, 4))
def test_slots_are_given_in_the_order_of_submission(plan: list[Step], concurrency: int) -> None:
    result = run(plan, concurrency, daily=1_000)
    for model in MODELS:
        given_slots = [task.queued_at for task in result.accepted if task.model == model and task.queued_at is not None]
        assert given_slots == sorted(given_slots)


@given(plan=steps, concurrency=st.integers(1, 4))
def test_nobody_waits_while_a_slot_is_free(plan: list[Step], concurrency: int) -> None:
    result = run(plan, concurrency, daily=1_000)
    waiting = Counter(task.model for task in result.accepted if task.status is Status.THROTTLED)
    for model, count in waiting.items():
        assert count == 0 or result.organization.queue(model).active == concurrency


@given(plan=steps, daily=st.integers(0, 8))
def test_the_daily_cap_refuses_exactly_when_the_last_24_hours_are_full(plan: list[Step], daily: int) -> None:
    result = run(plan, concurrency=2, daily=daily)

    def count_before(model: str, now: float) -> int:
        return sum(task.model == model and now - DAY < task.submitted_at <= now for task in result.accepted)

    assert all(count_before(task.model, task.submitted_at) <= daily for task in result.accepted)
    assert all(count_before(model, now) >= daily for model, now in result.refused)


@given(plan=steps, credits_=st.integers(0, 300))
def test_no_credit_is_made_or_lost(plan: list[Step], credits_: int) -> None:
    result = run(plan, concurrency=2, daily=1_000, credits_=credits_)
    ledger = result.organization.ledger
    held = sum(task.estimate if task.cost is None else task.cost for task in result.accepted)
    assert ledger.balance == credits_ - held
    assert ledger.balance >= 0
    assert sum(amount for day in ledger.used.values() for amount in day.values()) == held


@given(plan=steps, concurrency=st.integers(1, 4))
def test_every_task_ends_once_time_is_given(plan: list[Step], concurrency: int) -> None:
    result = run(plan, concurrency, daily=1_000)
    result.organization.advance(result.now + 16 * len(plan))
    for task in result.accepted:
        expected = Status.SUCCEEDED if task.fails_with is None else Status.FAILED
        assert task.status in {expected, Status.CANCELLED}
        assert task.finished_at is not None


FIELDS = sorted(
    {"model", "configId", "input", "version", "speech", "voice", "settings", "from", "avatar", "startDate", "slug",
     "beforeDate", "maxDuration", "documentIds", "ratio", "duration", "outputCount", "promptText", "type", "filename"}
    | {name for creation in CREATIONS.values() for field in creation.required for name in field.split("|")}
    | {name for fields in RECIPE_REQUIRED.values() for field in fields for name in field.split("|")}
    | {"name", "personality", "referenceImage", "content", "prompt"}
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    | st.sampled_from(["default", "gen4.5", "2026-06", "9999-12-30", "0001-01-01", "text", "eleven_ttv_v3", *MODELS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=5,
)  # fmt: skip


@given(
    template=st.sampled_from(sorted(ROUTES)),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    fields=st.dictionaries(st.sampled_from(FIELDS), values, max_size=8) | values,
    filled=st.booleans(),
)
@settings(max_examples=500)
def test_no_request_however_odd_is_without_an_answer(template: str, method: str, fields: Any, filled: bool) -> None:
    platform = Platform(seed=1)
    organization = platform.add("test", "key_x", Settings(), 10_000, START)
    if filled and isinstance(fields, dict):
        fields = {**dict.fromkeys(FIELDS, "x"), "input": {}, "from": {"type": "audio"}, **fields}
    path = template.replace("{id}", organization.workflow_id).replace("{name}", "product_ad")
    headers = {"authorization": "Bearer key_x", "x-runway-version": API_VERSION}
    query = {"limit": "5", "sort": "usedBy", "order": "asc"}
    reply = handle(platform, Call(method, path, START, query, headers, msgspec.json.encode(fields)))
    assert reply.status in {200, 204, 400, 401, 404, 405, 409, 429}
    assert organization.ledger.balance <= 10_000
    msgspec.json.encode(reply.document)
