"""The task lifecycle: tables for what is known, Hypothesis for what must hold in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.observations import Reason, TaskDeleted, TaskMissing, TaskSeen, TaskStatus
from monitor.tasks.lifecycle import MOVES, Task, advance, expire, phases, write_off

S = TaskStatus
LEVELS = (S.ASKED, S.PENDING, S.THROTTLED, S.RUNNING)
T0 = 1_000_000.0


def accepted(at: float = 0.0) -> TaskSeen:
    return TaskSeen(
        account="a", task="t", at=T0 + at, status=S.PENDING, accepted=True, endpoint="/v1/text_to_video", model="gen4.5"
    )


def seen(at: float, status: TaskStatus, **more: object) -> TaskSeen:
    return TaskSeen(account="a", task="t", at=T0 + at, status=status, **more)  # type: ignore[arg-type]


def with_webhook() -> TaskSeen:
    return replace(accepted(), has_webhook=True)


def asked(at: float = 0.0) -> TaskSeen:
    return seen(at, S.ASKED, endpoint="/v1", model="runware:100@1")


def missing(at: float, by_client: bool = True) -> TaskMissing:
    return TaskMissing(account="a", task="t", at=T0 + at, by_client=by_client)


def deleted(at: float) -> TaskDeleted:
    return TaskDeleted(account="a", task="t", at=T0 + at)


def live(*observations: TaskSeen | TaskMissing | TaskDeleted) -> Task:
    task: Task | None = None
    for observation in observations:
        task = advance(task, observation)
    assert task is not None
    return task


def test_a_created_task_is_pending_with_the_model_of_its_acceptance() -> None:
    task = live(accepted())

    assert (task.status, task.model, task.created_at) == (S.PENDING, "gen4.5", T0)


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        (
            [(6, S.RUNNING), (12, S.RUNNING), (18, S.SUCCEEDED)],
            {"total": 15, "queued": 3, "running": 12},
        ),
        (
            [(6, S.THROTTLED), (12, S.THROTTLED), (18, S.RUNNING), (24, S.SUCCEEDED)],
            {"total": 21, "throttled": 15, "queued": 0, "running": 6},
        ),
        (
            [(6, S.THROTTLED), (12, S.PENDING), (18, S.RUNNING), (24, S.FAILED)],
            {"total": 21, "throttled": 9, "queued": 6, "running": 6},
        ),
        ([(6, S.PENDING), (12, S.SUCCEEDED)], {"total": 9}),
        ([(6, S.THROTTLED), (12, S.SUCCEEDED)], {"total": 9}),
        ([(6, S.THROTTLED), (12, S.CANCELLED)], {"total": 12, "throttled": 12}),
    ],
)
def test_phases_turn_halfway_between_two_sightings(sightings: list, expected: dict) -> None:
    task = live(accepted(), *(seen(at, status) for at, status in sightings))

    assert expected == phases(task)


def test_a_task_first_seen_throttled_was_throttled_from_its_acceptance() -> None:
    assert live(accepted(), seen(30, S.THROTTLED)).throttled_at == T0


@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        (seen(9, S.SUCCEEDED), S.SUCCEEDED, Reason.NONE),
        (seen(9, S.FAILED, reason=Reason.ASSET), S.FAILED, Reason.ASSET),
        (seen(9, S.FAILED), S.FAILED, Reason.INTERNAL),
        (seen(9, S.CANCELLED, reason=Reason.OTHER), S.CANCELLED, Reason.NONE),
        (deleted(9), S.CANCELLED, Reason.NONE),
    ],
)
def test_each_end_has_its_outcome_and_only_failures_a_reason(
    end: TaskSeen | TaskDeleted, status: TaskStatus, reason: Reason
) -> None:
    task = live(accepted(), end)

    assert (status, reason) == (task.status, task.reason)


def test_deleting_a_finished_task_does_not_cancel_it() -> None:
    assert live(accepted(), seen(9, S.SUCCEEDED), deleted(10)).status is S.SUCCEEDED


@pytest.mark.parametrize(
    ("observations", "status"),
    [
        ([missing(1)], S.PENDING),
        ([missing(10), missing(60)], S.PENDING),
        ([missing(10), missing(70)], S.LOST),
        ([missing(10), seen(40, S.RUNNING), missing(71)], S.RUNNING),
        ([missing(10), seen(40, S.RUNNING), missing(71), missing(131)], S.LOST),
    ],
)
def test_a_task_is_lost_after_two_404s_a_minute_apart(observations: list, status: TaskStatus) -> None:
    assert live(accepted(), *observations).status is status


@pytest.mark.parametrize(
    ("observations", "status"),
    [
        ([missing(15, by_client=False), missing(3614, by_client=False)], S.PENDING),
        ([missing(15, by_client=False), missing(3615, by_client=False)], S.LOST),
        (
            [missing(15, by_client=False), missing(200, by_client=False), seen(240, S.SUCCEEDED, exact=True)],
            S.SUCCEEDED,
        ),
    ],
)
def test_a_task_with_a_webhook_may_be_unknown_to_polls_for_an_hour(observations: list, status: TaskStatus) -> None:
    assert live(with_webhook(), *observations).status is status


@pytest.mark.parametrize(
    ("observations", "is_written_off"),
    [
        ([accepted(), seen(30, S.SUCCEEDED, by_client=False)], True),
        ([accepted(), seen(30, S.SUCCEEDED, by_client=False), seen(40, S.SUCCEEDED)], False),
        ([with_webhook(), seen(30, S.SUCCEEDED, by_client=False)], False),
        ([seen(30, S.SUCCEEDED, by_client=False), with_webhook()], False),
        ([with_webhook(), accepted(), seen(30, S.SUCCEEDED, by_client=False)], False),
        ([accepted(), seen(30, S.SUCCEEDED, exact=True)], False),
        ([accepted(), seen(20, S.SUCCEEDED, by_client=False), seen(30, S.SUCCEEDED, exact=True)], False),
    ],
    ids=["nobody came", "polled", "webhook", "seen first", "asked twice", "delivered", "delivered after our read"],
)
def test_a_success_is_written_off_when_nobody_came_for_it_nor_was_it_brought(
    observations: list, is_written_off: bool
) -> None:
    assert write_off(live(*observations), T0 + 86_400 + 60).written_off is is_written_off


def test_a_lost_task_tells_no_durations() -> None:
    assert phases(live(accepted(), missing(10), missing(70))) == {}


def test_a_task_open_for_over_a_day_is_lost() -> None:
    task = live(accepted(), seen(6, S.RUNNING))

    assert expire(task, T0 + 86_400).status is S.RUNNING
    assert expire(task, T0 + 86_401).status is S.LOST


def test_only_the_client_s_own_sightings_count_as_its_attention() -> None:
    task = live(accepted(), seen(20, S.RUNNING, by_client=False), missing(30, by_client=False))

    assert task.client_seen_at == T0
    assert task.seen_at == T0 + 20


def test_a_404_or_a_delete_of_a_task_never_seen_makes_no_task() -> None:
    assert advance(None, missing(1)) is None
    assert advance(None, deleted(1)) is None


def test_a_sighting_older_than_the_newest_does_not_lead_back_to_a_status() -> None:
    task = live(accepted(), seen(12, S.PENDING), seen(6, S.THROTTLED))

    assert task.status is S.PENDING


def test_the_acceptance_may_arrive_after_the_first_poll() -> None:
    task = live(seen(6, S.THROTTLED), accepted(0))

    assert (task.created_at, task.throttled_at, task.model, task.status) == (T0, T0, "gen4.5", S.THROTTLED)


@pytest.mark.parametrize("first", [seen(6, S.RUNNING), replace(accepted(), model=""), replace(asked(), model="")])
def test_a_task_whose_model_nobody_tells_is_of_the_unknown_one(first: TaskSeen) -> None:
    assert live(first, seen(9, S.RUNNING)).model == "unknown"
    assert live(first, accepted()).model == "gen4.5"


def test_a_sighting_of_a_status_that_is_past_tells_who_asked_and_nothing_else() -> None:
    task = live(accepted(), seen(6, S.RUNNING))

    assert live(accepted(), seen(6, S.RUNNING), seen(9, S.PENDING)) == replace(task, client_seen_at=T0 + 9)


def test_only_acceptances_tell_when_a_task_was_created() -> None:
    """Under a clock that was set, a poll may seem older; of several acceptances the earliest holds."""
    assert live(seen(-3600, S.RUNNING), accepted(0)).created_at == T0
    assert live(accepted(0), seen(-3600, S.RUNNING)).created_at == T0
    assert live(accepted(0), accepted(-5)).created_at == live(accepted(-5), accepted(0)).created_at == T0 - 5


def test_a_clock_that_steps_back_an_hour_does_not_freeze_a_task() -> None:
    task = live(accepted(), seen(6, S.THROTTLED), seen(-3600, S.PENDING))

    assert (task.status, task.client_seen_at) == (S.PENDING, T0 - 3600)


def test_the_newest_credits_stay_even_when_they_shrink_after_the_end() -> None:
    task = live(accepted(), seen(9, S.FAILED, credits=60.0), seen(12, S.FAILED, credits=0.0))

    assert task.credits == 0.0


@pytest.mark.parametrize("told", [[asked(), seen(9, S.RUNNING)], [seen(9, S.RUNNING), asked()]])
def test_a_task_that_was_asked_for_is_accepted_once_it_is_heard_of(told: list[TaskSeen]) -> None:
    task = live(*told)

    assert (task.accepted, task.status, task.model, task.created_at) == (True, S.RUNNING, "runware:100@1", T0)


@pytest.mark.parametrize("told", [[asked(5)], [seen(9, S.PENDING)], [seen(9, S.PENDING, by_client=False), missing(10)]])
def test_asking_again_and_polls_that_say_nothing_prove_no_task(told: list[TaskSeen]) -> None:
    assert not live(asked(), *told).accepted


@pytest.mark.parametrize(
    ("observations", "is_confirmed"),
    [
        ([accepted()], False),
        ([asked()], False),
        ([accepted(), accepted(9)], False),
        ([accepted(), seen(6, S.PENDING, unanswered=True)], False),
        ([accepted(), missing(6)], False),
        ([accepted(), seen(0, S.PENDING)], True),
        ([accepted(), seen(6, S.RUNNING)], True),
        ([accepted(), seen(6, S.THROTTLED, by_client=False)], True),
        ([replace(accepted(), status=S.RUNNING)], True),
        ([seen(6, S.PENDING)], True),
        ([seen(6, S.PENDING), accepted()], True),
        ([accepted(), seen(6, S.RUNNING), seen(9, S.PENDING, unanswered=True)], True),
    ],
)
def test_a_task_is_confirmed_once_the_vendor_has_shown_it_since_it_took_it(
    observations: list, is_confirmed: bool
) -> None:
    assert live(*observations).confirmed is is_confirmed


def test_a_task_that_is_sent_again_began_when_it_was_first_asked_for() -> None:
    assert live(asked(0), accepted(5)).created_at == T0


OBSERVATIONS = st.one_of(
    st.builds(seen, st.floats(0, 4000), st.sampled_from([s for s in S if s is not S.LOST]), by_client=st.booleans()),
    st.builds(missing, st.floats(0, 4000)),
    st.builds(deleted, st.floats(0, 4000)),
    st.builds(accepted, st.floats(0, 4000)),
)


@given(st.lists(OBSERVATIONS, max_size=12))
def test_an_ended_task_never_reopens_and_durations_are_never_negative(observations: list) -> None:
    task = live(accepted())
    for observation in observations:
        was = task
        task = live(accepted()) if task is None else advance(task, observation)
        assert task is not None
        if not was.is_open:
            assert (was.status, was.reason, was.finished_at) == (task.status, task.reason, task.finished_at)
    assert all(seconds >= 0 for seconds in phases(task).values())
    assert (task.finished_at is None) == task.is_open


@given(st.lists(OBSERVATIONS, max_size=8), st.data())
def test_a_repeated_observation_changes_nothing(observations: list, data: st.DataObject) -> None:
    for observation in observations:
        once = live(accepted(), observation)
        assert once.status == advance(once, observation).status or isinstance(observation, TaskMissing)  # type: ignore[union-attr]


def test_every_status_has_its_moves_and_none_leads_back() -> None:
    assert MOVES.keys() == set(S)
    assert all(MOVES[status] == {} for status in S if not status.is_open)
    for number, status in enumerate(LEVELS):
        back = set(LEVELS[:number]) - {S.PENDING} if status is S.THROTTLED else set(LEVELS[:number])
        assert back.isdisjoint(MOVES[status])
        assert {end for end in S if not end.is_open} <= MOVES[status].keys()
