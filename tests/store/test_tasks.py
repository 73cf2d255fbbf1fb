"""What evaluation, follow-up and retention ask about tasks."""

import pytest
from stores import T0

from monitor.judgement.evaluate import oldest_age
from monitor.observations import Reason, TaskStatus
from monitor.store import Database
from monitor.tasks import counter_rows, task_rows
from monitor.tasks.counters import CounterSpec, Increment
from monitor.tasks.lifecycle import Task
from monitor.tasks.task_rows import AcceptanceSum, OpenTasks

S = TaskStatus


def task(name: str, status: TaskStatus, **more: object) -> Task:
    values = {"account": "a", "id": name, "endpoint": "/e", "model": "gen4.5", "status": status, "accepted": True}
    times = {"created_at": T0, "seen_at": T0, "client_seen_at": T0}
    return Task(**{**values, **times, **more})  # type: ignore[arg-type]


def store(database: Database, *rows: Task) -> None:
    with database.begin(write=True) as connection:
        task_rows.save(connection, rows)


def test_a_task_comes_back_as_it_was_stored_and_is_overwritten_by_its_key(database: Database) -> None:
    full = task(
        "t",
        S.FAILED,
        throttled_at=T0 + 0.25,
        queued_at=T0 + 1.5,
        running_at=T0 + 2,
        finished_at=T0 + 3,
        missing_since=T0 + 4,
        reason=Reason.ASSET,
        has_webhook=True,
        estimated_credits=60.0,
        credits=0.0,
    )
    store(database, task("t", S.PENDING), task("u", S.PENDING), task("t", S.PENDING, account="b"))
    store(database, full)

    with database.begin() as connection:
        loaded = task_rows.load(connection, {("a", "t"), ("a", "absent")})

    assert loaded == {("a", "t"): full}


def test_open_tasks_are_counted_by_model_and_status(database: Database) -> None:
    store(
        database,
        task("1", S.THROTTLED, throttled_at=T0 + 5),
        task("2", S.THROTTLED, throttled_at=T0 + 3, client_seen_at=T0 - 60),
        task("3", S.RUNNING, throttled_at=T0 + 1, running_at=T0 + 2),
        task("4", S.PENDING, model="gen4_turbo", client_seen_at=T0 - 60.5),
        task("told", S.PENDING, model="gen4_turbo", client_seen_at=T0 - 60.5, has_webhook=True),
        task("5", S.SUCCEEDED, finished_at=T0 + 9),
        task("6", S.PENDING, account="b"),
        task("7", S.ASKED, client_seen_at=T0 - 60),
    )

    with database.begin() as connection:
        found = task_rows.open_tasks(connection, "a", silent_since=T0 - 10, confirmed_since=T0)

    assert found == [
        OpenTasks("gen4.5", S.RUNNING, 1, 0, 1, None),
        OpenTasks("gen4.5", S.THROTTLED, 2, 1, 0, T0 + 3),
        OpenTasks("gen4_turbo", S.PENDING, 2, 1, 2, None),
    ]


def test_a_task_is_unconfirmed_until_a_poll_shows_it_and_when_the_newest_one_did_not_or_is_old(
    database: Database,
) -> None:
    store(
        database,
        task("never polled", S.PENDING),
        task("shown pending", S.PENDING, confirmed=True),
        task("shown running", S.RUNNING, confirmed=True),
        task("not found since", S.RUNNING, confirmed=True, missing_since=T0 + 1),
        task("shown long ago", S.RUNNING, confirmed=True, seen_at=T0 - 1),
        task("waits", S.THROTTLED, confirmed=True, seen_at=T0 - 1),
    )

    with database.begin() as connection:
        found = task_rows.open_tasks(connection, "a", silent_since=T0, confirmed_since=T0)

    assert [(row.status, row.total, row.unconfirmed) for row in found] == [
        (S.PENDING, 2, 1),
        (S.RUNNING, 3, 2),
        (S.THROTTLED, 1, 0),
    ]


@pytest.mark.parametrize(("submitted", "age"), [(None, 0), (T0 - 9, 9), (T0 + 3600, 0)])
def test_no_age_is_negative_after_a_clock_was_set_back(submitted: float | None, age: float) -> None:
    assert oldest_age([OpenTasks("gen4.5", S.THROTTLED, 1, 0, 0, submitted)], T0) == age


def test_the_last_day_counts_accepted_tasks_only_and_its_oldest_second_leaves(database: Database) -> None:
    day = 86400.0
    store(
        database,
        task("now", S.PENDING, created_at=T0),
        task("finished", S.SUCCEEDED, created_at=T0 - day + 1, finished_at=T0),
        task("too old", S.PENDING, created_at=T0 - day),
        task("to come", S.PENDING, created_at=T0 + 1),
        task("not ours", S.PENDING, accepted=False),
        task("other model", S.PENDING, model="gen4_turbo"),
        task("other account", S.PENDING, account="b"),
    )

    with database.begin() as connection:
        assert task_rows.accepted_between(connection, "a", T0 - 86400, T0) == {
            "gen4.5": AcceptanceSum(2, 1 + 86400),
            "gen4_turbo": AcceptanceSum(1, 86400),
        }
        assert sum(len(times) for times in task_rows.acceptances(connection, "a", T0 - 86400).values()) >= 3


def test_the_pace_counts_what_finished_and_what_nobody_read_since_the_oldest_throttled_task_of_the_model(
    database: Database,
) -> None:
    store(
        database,
        task("old", S.THROTTLED, throttled_at=T0),
        task("young", S.THROTTLED, throttled_at=T0 + 50),
        task("before", S.SUCCEEDED, finished_at=T0 - 1),
        task("since", S.SUCCEEDED, finished_at=T0),
        task("failed since", S.FAILED, finished_at=T0 + 60),
        task("cancelled since", S.CANCELLED, finished_at=T0 + 70),
        task("other model", S.SUCCEEDED, model="gen4_turbo", finished_at=T0 + 60),
        task("unread", S.PENDING, created_at=T0 + 10, seen_at=T0 + 10),
        task("read", S.PENDING, created_at=T0 + 10, seen_at=T0 + 10, confirmed=True),
        task("unread before", S.PENDING, created_at=T0 - 10, seen_at=T0 - 10),
        task("unread of another model", S.PENDING, model="gen4_turbo", created_at=T0 + 10, seen_at=T0 + 10),
        task("alone", S.THROTTLED, model="aleph", throttled_at=T0),
        task("other account", S.SUCCEEDED, account="b", finished_at=T0 + 60),
    )

    with database.begin() as connection:
        assert task_rows.runs_while_throttled(connection, "a") == {"gen4.5": (2, 60, 1), "aleph": (0, 0, 0)}


def test_the_mean_run_is_that_of_the_newest_runs_of_the_last_hour(database: Database) -> None:
    recent = [task(f"r{n}", S.SUCCEEDED, running_at=T0 + n - 10, finished_at=T0 + n) for n in range(50)]
    store(
        database,
        *recent,
        task("51st", S.SUCCEEDED, running_at=T0 - 1000, finished_at=T0 - 1),
        task("failed", S.FAILED, model="aleph", running_at=T0 - 20, finished_at=T0),
        task("succeeded", S.SUCCEEDED, model="aleph", running_at=T0 - 40, finished_at=T0),
        task("cancelled", S.CANCELLED, model="aleph", running_at=T0 - 1, finished_at=T0),
        task("never seen running", S.SUCCEEDED, model="aleph", finished_at=T0),
        task("long ago", S.SUCCEEDED, model="gen4_turbo", running_at=T0 - 4000, finished_at=T0 - 3700),
        task("other account", S.SUCCEEDED, account="b", running_at=T0 - 500, finished_at=T0),
    )

    with database.begin() as connection:
        assert task_rows.mean_run_seconds(connection, "a", T0) == {"gen4.5": 10.0, "aleph": 30.0}


def test_follow_up_takes_silent_open_tasks_seen_longest_ago_first(database: Database) -> None:
    store(
        database,
        task("young", S.PENDING, seen_at=T0 - 30, client_seen_at=T0 - 30),
        task("oldest", S.RUNNING, seen_at=T0 - 50, client_seen_at=T0 - 50),
        task("polled", S.RUNNING, seen_at=T0 - 40, client_seen_at=T0 - 10),
        task("followed", S.RUNNING, seen_at=T0 - 2, client_seen_at=T0 - 50),
        task("third", S.RUNNING, seen_at=T0 - 20, client_seen_at=T0 - 20),
        task("ended", S.FAILED, seen_at=T0 - 50, client_seen_at=T0 - 50, finished_at=T0 - 40),
        task("other account", S.RUNNING, account="b", seen_at=T0 - 90, client_seen_at=T0 - 90),
    )

    with database.begin() as connection:
        found = task_rows.due(connection, "a", silent_since=T0 - 15, unseen_since=T0 - 5, limit=2)

    assert [row.id for row in found] == ["oldest", "young"]


def test_retention_forgets_ended_tasks_only_and_no_more_than_asked(database: Database) -> None:
    old = [task(f"old{n}", S.SUCCEEDED, finished_at=T0 - 1) for n in range(3)]
    kept = [task("young", S.SUCCEEDED, finished_at=T0), task("open", S.RUNNING, created_at=T0 - 1e6)]
    store(database, *old, *kept)

    with database.begin(write=True) as connection:
        counter_rows.add(connection, [Increment("a", CounterSpec.TASKS_FINISHED, ("gen4.5", "succeeded", ""))])
        assert [task_rows.prune(connection, T0, 2) for _ in range(3)] == [2, 1, 0]
        left = task_rows.load(connection, {("a", row.id) for row in (*old, *kept)})

    assert {name for _, name in left} == {"young", "open"}
