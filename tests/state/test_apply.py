"""What one observation adds to which counts."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.observations import (
    Kind,
    Outcome,
    ReadFinished,
    Reason,
    RequestSeen,
    TaskDeleted,
    TaskMissing,
    TaskSeen,
    TaskStatus,
    UnknownSeen,
)
from monitor.tasks.counters import CounterSpec, Increment
from monitor.tasks.counting import apply, count, count_requests, transition
from monitor.tasks.lifecycle import Task, TaskObservation, write_off

S = TaskStatus
CREATE = RequestSeen(
    account="a",
    at=1.0,
    endpoint="/v1/text_to_video",
    kind=Kind.CREATE,
    outcome=Outcome.SUCCESS,
    duration_seconds=0.2,
    model="gen4.5",
    code="200",
)


def accepted(at: float = 0.0) -> TaskSeen:
    return TaskSeen(account="a", task="t", at=at, status=S.PENDING, accepted=True, endpoint="/e", model="gen4.5")


def seen(at: float, status: TaskStatus, **more: object) -> TaskSeen:
    return TaskSeen(account="a", task="t", at=at, status=status, model="unknown", **more)  # type: ignore[arg-type]


def counts(*observations: TaskObservation) -> list[Increment]:
    task: Task | None = None
    steps = []
    for observation in observations:
        task, increments = apply(task, observation)
        steps.append(increments)
    return list(chain.from_iterable(steps))


def asked(at: float = 0.0) -> TaskSeen:
    return TaskSeen(account="a", task="t", at=at, status=S.ASKED, endpoint="/e", model="gen4.5")


def test_a_task_that_was_only_asked_for_counts_for_nothing_even_when_it_is_lost() -> None:
    assert counts(asked(), TaskMissing(account="a", task="t", at=20), TaskMissing(account="a", task="t", at=90)) == []


def test_a_task_that_was_asked_for_counts_once_it_is_heard_of_and_not_again_when_it_is_accepted() -> None:
    told = counts(asked(), seen(20, S.SUCCEEDED, credits=3.0), accepted(30))
    whole = [one for one in told if one.counter is not CounterSpec.TASK_SECONDS]
    assert whole == [
        Increment("a", CounterSpec.TASKS_CREATED, ("gen4.5",)),
        Increment("a", CounterSpec.TASKS_FINISHED, ("gen4.5", "succeeded", "")),
        Increment("a", CounterSpec.TASK_CREDITS, ("gen4.5",), 3.0),
    ]


def test_a_request_counts_once_with_its_duration() -> None:
    assert list(count_requests([CREATE])) == [
        Increment("a", CounterSpec.REQUESTS, ("/v1/text_to_video", "create", "gen4.5", "200", "success")),
        Increment("a", CounterSpec.REQUEST_SECONDS, ("/v1/text_to_video", "create", "0.25")),
        Increment("a", CounterSpec.REQUEST_SECONDS, ("/v1/text_to_video", "create", "sum"), 0.2),
    ]


def test_a_marked_retry_counts_as_request_and_as_retry() -> None:
    retry = RequestSeen(
        account="a", at=1, endpoint="/e", kind=Kind.POLL, outcome=Outcome.TIMEOUT, duration_seconds=1, retry=True
    )

    assert Increment("a", CounterSpec.REQUEST_RETRIES, ("/e",)) in list(count_requests([retry]))


DIFFERENT = {
    "account": "b",
    "endpoint": "/e",
    "kind": Kind.POLL,
    "outcome": Outcome.TIMEOUT,
    "model": "other",
    "code": "none",
    "retry": True,
}


@given(
    st.lists(
        st.tuples(st.fixed_dictionaries({}, optional={k: st.just(v) for k, v in DIFFERENT.items()}), st.floats(0, 200))
    ),
)
def test_requests_add_together_what_each_adds_alone(drawn: list[tuple[dict[str, object], float]]) -> None:
    requests = [replace(CREATE, duration_seconds=seconds, **changes) for changes, seconds in drawn]
    alone = [increment for request in requests for increment in count_requests([request])]

    together = sums(count_requests(requests))

    assert together.keys() == sums(alone).keys()
    assert together == pytest.approx(sums(alone))


def test_requests_that_are_alike_but_in_their_duration_count_as_one_sort() -> None:
    requests = [replace(CREATE, at=at, duration_seconds=0.2 if at % 2 else 30.0) for at in range(100)]

    assert len(list(count_requests(requests))) == 4


def sums(increments: Iterable[Increment]) -> Counter[tuple[str, str, tuple[str, ...]]]:
    total: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    for increment in increments:
        total[increment.account, increment.counter, increment.labels] += increment.amount  # type: ignore[assignment]
    return total


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (UnknownSeen(account="a", at=1, field="status"), Increment("a", CounterSpec.UNKNOWN_VALUES, ("status",))),
        (
            ReadFinished(account="a", at=1, read="usage", outcome=Outcome.TIMEOUT, duration_seconds=1),
            Increment("a", CounterSpec.READS, ("usage", "timeout")),
        ),
    ],
)
def test_unknown_values_and_reads_count_once(observation: UnknownSeen | ReadFinished, expected: Increment) -> None:
    assert count(observation) == expected


def test_a_task_counts_once_as_created_and_once_as_finished() -> None:
    life = counts(accepted(), accepted(), seen(5, S.RUNNING), seen(10, S.SUCCEEDED), seen(15, S.SUCCEEDED))

    assert life == [
        Increment("a", CounterSpec.TASKS_CREATED, ("gen4.5",)),
        Increment("a", CounterSpec.TASKS_FINISHED, ("gen4.5", "succeeded", "")),
        Increment("a", CounterSpec.TASK_SECONDS, ("gen4.5", "total", "10")),
        Increment("a", CounterSpec.TASK_SECONDS, ("gen4.5", "total", "sum"), 7.5),
        Increment("a", CounterSpec.TASK_SECONDS, ("gen4.5", "running", "5")),
        Increment("a", CounterSpec.TASK_SECONDS, ("gen4.5", "running", "sum"), 5.0),
        Increment("a", CounterSpec.TASK_SECONDS, ("gen4.5", "queued", "2.5")),
        Increment("a", CounterSpec.TASK_SECONDS, ("gen4.5", "queued", "sum"), 2.5),
        Increment("a", CounterSpec.TASKS_UNPRICED, ("gen4.5",)),
    ]


def test_an_acceptance_that_comes_after_a_poll_counts_once_and_names_the_model() -> None:
    life = counts(seen(5, S.RUNNING), accepted(), accepted(), seen(10, S.CANCELLED))

    assert [i for i in life if i.counter is CounterSpec.TASKS_CREATED] == [
        Increment("a", CounterSpec.TASKS_CREATED, ("gen4.5",))
    ]
    assert Increment("a", CounterSpec.TASKS_FINISHED, ("gen4.5", "cancelled", "")) in life


def test_a_task_whose_acceptance_passed_elsewhere_counts_its_end_but_no_creation_and_no_duration() -> None:
    assert counts(seen(5, S.RUNNING), seen(10, S.FAILED, reason=Reason.ASSET)) == [
        Increment("a", CounterSpec.TASKS_FINISHED, ("unknown", "failed", "asset"))
    ]


def test_a_delete_of_a_task_never_seen_counts_nothing() -> None:
    assert counts(TaskDeleted(account="a", at=1, task="t")) == []


@pytest.mark.parametrize(
    ("end", "wasted"),
    [
        (
            seen(9, S.FAILED, reason=Reason.ASSET, credits=60),
            [Increment("a", CounterSpec.WASTED_CREDITS, ("gen4.5", "asset"), 60)],
        ),
        (seen(9, S.CANCELLED, credits=12), [Increment("a", CounterSpec.WASTED_CREDITS, ("gen4.5", "cancelled"), 12)]),
        (seen(9, S.FAILED, credits=0), []),
        (seen(9, S.FAILED), []),
        (seen(9, S.SUCCEEDED, credits=60), []),
    ],
)
def test_only_credits_charged_for_a_task_without_success_are_wasted(end: TaskSeen, wasted: list[Increment]) -> None:
    life = counts(accepted(), end, end)

    assert [i for i in life if i.counter is CounterSpec.WASTED_CREDITS] == wasted


def test_credits_that_become_known_after_the_end_are_wasted_too() -> None:
    deleted = TaskDeleted(account="a", at=3, task="t")

    life = counts(accepted(), deleted, seen(9, S.CANCELLED, credits=12), seen(12, S.CANCELLED, credits=12))

    assert life[-1] == Increment("a", CounterSpec.WASTED_CREDITS, ("gen4.5", "cancelled"), 12)
    assert [i.counter for i in life].count(CounterSpec.WASTED_CREDITS) == 1


DAY = 86_400.0


def waste(*observations: TaskSeen, now: float) -> dict[tuple[str, ...], float]:
    task: Task | None = None
    for observation in observations:
        task, _ = apply(task, observation)
    assert task is not None
    return {
        i.labels: i.amount for i in transition(task, write_off(task, now)) if i.counter is CounterSpec.WASTED_CREDITS
    }


def test_a_result_that_nobody_asks_for_in_a_day_is_wasted() -> None:
    ended = seen(30, S.SUCCEEDED, by_client=False, credits=60.0)
    alone = (accepted(), seen(10, S.RUNNING), ended)
    assert waste(*alone, now=DAY) == {}
    assert waste(*alone, now=DAY + 31) == {("gen4.5", "orphaned"): 60}
    assert waste(*alone, seen(DAY, S.SUCCEEDED), now=2 * DAY) == {}
    assert waste(accepted(), seen(30, S.SUCCEEDED, credits=60.0), now=2 * DAY) == {}
    assert waste(accepted(), seen(30, S.FAILED, by_client=False, credits=60.0), now=2 * DAY) == {}


def test_what_a_task_cost_counts_at_its_end_and_grows_with_later_news() -> None:
    life = counts(
        accepted(),
        seen(5, S.RUNNING, credits=1.0),
        seen(10, S.SUCCEEDED, credits=2.0),
        seen(15, S.SUCCEEDED, credits=3.0),
    )

    assert [i.amount for i in life if i.counter is CounterSpec.TASK_CREDITS] == [2.0, 1.0]
    assert not [i for i in life if i.counter is CounterSpec.TASKS_UNPRICED]


def test_an_end_that_was_told_as_it_happened_is_exact() -> None:
    life = counts(accepted(at=10), seen(14, S.SUCCEEDED, exact=True))

    assert Increment("a", CounterSpec.TASK_SECONDS, ("gen4.5", "total", "sum"), 4.0) in life
