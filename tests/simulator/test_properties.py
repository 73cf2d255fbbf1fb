from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from monitor.simulator.failures import FAILURES
from monitor.simulator.organization import Organization
from monitor.simulator.refusals import Refusal
from monitor.simulator.settings import Settings
from monitor.simulator.tasks import Status, Task

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
    settings = Settings().changed({"limits": limits, "charged_share": 0.7})
    organization = Organization("test", settings, credits_, random.Random(1), START)
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
        assert len(at_work) == result.organization.pool(model).active


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
        assert count == 0 or result.organization.pool(model).active == concurrency


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
    purse = result.organization.purse
    held = sum(task.estimate if task.cost is None else task.cost for task in result.accepted)
    assert purse.balance == credits_ - held
    assert purse.balance >= 0
    assert sum(amount for day in purse.used.values() for amount in day.values()) == held


@given(plan=steps, concurrency=st.integers(1, 4))
def test_every_task_ends_once_time_is_given(plan: list[Step], concurrency: int) -> None:
    result = run(plan, concurrency, daily=1_000)
    result.organization.advance(result.now + 16 * len(plan))
    for task in result.accepted:
        expected = Status.SUCCEEDED if task.fails_with is None else Status.FAILED
        assert task.status in {expected, Status.CANCELLED}
        assert task.finished_at is not None
