"""Batches of observations: what they leave in the database, however they are cut and repeated."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text
from stores import T0, Figures, accepted, catalogue_of, create, figures, sighting

from monitor.engine import processed_ids
from monitor.engine.apply import Applied, Catalogue, apply_batch, expire_overdue, write_off_uncollected
from monitor.judgement.account_reads import rows as read_rows
from monitor.observations import (
    AnyObservation,
    DaySpend,
    Kind,
    ModelLimits,
    Organization,
    Outcome,
    ReadFinished,
    RequestSeen,
    TaskMissing,
    TaskSeen,
    TaskStatus,
    UnknownSeen,
    Usage,
)
from monitor.store import Database
from monitor.store.schema import metadata
from monitor.tasks import model_rows, task_rows

S = TaskStatus


def write(database: Database, *observations: AnyObservation, now: float = T0, maximum: int = 100) -> Applied:
    def catalogue(account: str) -> Catalogue | None:
        known = catalogue_of(account)
        return known and known._replace(maximum=maximum)

    with database.begin(write=True) as connection:
        return apply_batch(connection, [(o, "ingest") for o in observations], catalogue, now)


def read_finished(read: str, outcome: Outcome, figures: Organization | Usage | None = None) -> ReadFinished:
    return ReadFinished(account="a", at=T0, read=read, outcome=outcome, duration_seconds=1, figures=figures)


def test_counts_add_up_over_batches_and_within_one(database: Database) -> None:
    write(database, create(), create())
    write(database, create(account="b"), create())

    key = ("requests", "/v1/text_to_video", "create", "gen4.5", "200", "success")
    assert figures(database)[key] == 3
    assert figures(database, "b")[key] == 1


def test_an_id_is_applied_once_per_account_within_a_batch_and_later(database: Database) -> None:
    once = create(id="1")

    first = write(database, once, once, create(account="b", id="1"), create())
    second = write(database, once, create(id="2"))

    assert (first.sources, second.sources) == ({"ingest": 3}, {"ingest": 1})
    assert figures(database)["requests", "/v1/text_to_video", "create", "gen4.5", "200", "success"] == 3


def test_ids_are_forgotten_after_48_hours_and_not_before_and_some_at_a_time(database: Database) -> None:
    write(database, create(id="0"), create(id="1"), now=T0)
    write(database, create(id="2"), now=T0 + 1)

    with database.begin(write=True) as connection:
        assert [processed_ids.prune(connection, T0 + 48 * 3600 + 1, limit=1) for _ in range(3)] == [1, 1, 0]
        assert processed_ids.known(connection, {("a", "0"), ("a", "1"), ("a", "2")}) == {("a", "2")}


def test_a_batch_begins_once_and_forgets_the_one_before(database: Database) -> None:
    with database.begin(write=True) as connection:
        assert processed_ids.begin_batch(connection, "first", [], T0)
        assert not processed_ids.begin_batch(connection, "first", [], T0)
        assert processed_ids.begin_batch(connection, "second", ["first"], T0)
        assert connection.scalars(text("SELECT id FROM seen")).all() == ["second"]


def test_an_account_that_is_not_configured_is_dropped_and_counted(database: Database) -> None:
    applied = write(database, create(account="stranger"), create())

    assert applied.dropped == {"unknown_account": 1}
    assert figures(database, "stranger") == {}


def test_a_task_carries_its_model_through_batches_to_its_end(database: Database) -> None:
    write(database, accepted("t"))
    write(database, sighting(S.RUNNING, 6), sighting(S.SUCCEEDED, 12))

    assert figures(database)["tasks_finished", "gen4.5", "succeeded", ""] == 1
    with database.begin() as connection:
        assert task_rows.load(connection, {("a", "t")})["a", "t"].finished_at == T0 + 9


def test_a_mistyped_model_makes_no_series_and_a_vouched_one_does(database: Database) -> None:
    write(database, create(model="typo", outcome=Outcome.INVALID_REQUEST), create(model="new"))
    write(database, create(model="new", outcome=Outcome.TIMEOUT))

    requests = [key for key in figures(database) if key[0] == "requests"]
    assert {key[3] for key in requests} == {"unknown", "new"}


def test_models_beyond_the_maximum_are_other_over_batches_and_counted(database: Database) -> None:
    write(database, create(model="one"), maximum=2)
    write(database, create(model="two"), create(model="three"), maximum=2)
    applied = write(database, create(model="four"), create(model="one"), maximum=2)

    assert applied.capped == {"a": 1}
    assert {key[3] for key in figures(database) if key[0] == "requests"} == {"one", "two", "other"}


def test_models_that_the_organization_lists_are_remembered_without_being_in_use(database: Database) -> None:
    figures_ = Organization(limits={"brand_new": ModelLimits(concurrency=2)})
    write(database, read_finished("organization", Outcome.SUCCESS, figures_))

    with database.begin() as connection:
        assert model_rows.load(connection, "a") == {"brand_new": False}


@pytest.mark.parametrize(
    "good",
    [
        Organization(credit_balance=5.5, limits={"m": ModelLimits(daily_generations=0)}, daily_generations={"m": 3}),
        Usage(days=(DaySpend(date="2026-03-16", model="m", credits=-1.5),)),
    ],
)
def test_reads_keep_their_last_good_figures_over_failures(database: Database, good: Organization | Usage) -> None:
    write(database, read_finished("r", Outcome.SUCCESS, good), read_finished("never", Outcome.UNAUTHORIZED))
    write(database, read_finished("r", Outcome.TIMEOUT), read_finished("r", Outcome.TIMEOUT))

    with database.begin() as connection:
        found = read_rows.load(connection, "a")
    assert (found["r"].figures, found["r"].up, found["r"].failures) == (good, False, 2)
    assert (found["never"].figures, found["never"].ok_at) == (None, None)
    assert figures(database)["reads", "r", "timeout"] == 2


def test_tasks_open_for_over_a_day_are_lost_and_counted_once(database: Database) -> None:
    write(database, accepted("old"), accepted("young", at=T0 + 60), accepted("b", account="b"))
    now = T0 + 86400 + 30

    with database.begin(write=True) as connection:
        assert [expire_overdue(connection, now, limit=1) for _ in range(3)] == [1, 1, 0]

    assert figures(database)["tasks_finished", "gen4.5", "lost", ""] == 1
    assert figures(database, "b")["tasks_finished", "gen4.5", "lost", ""] == 1
    assert not [key for key in figures(database) if key[0] == "task_seconds"]


# A recount from first principles of what lives of tasks, cut and mixed at random, must leave behind.

ENDS = [S.SUCCEEDED, S.FAILED, S.CANCELLED]
Life = list[AnyObservation]


@st.composite
def lives(draw: st.DrawFn) -> list[Life]:
    """The observations of several tasks, each in its own order."""
    return [draw(life(f"task{number}")) for number in range(draw(st.integers(1, 5)))]


@st.composite
def life(draw: st.DrawFn, name: str) -> Life:
    account, model = draw(st.sampled_from("ab")), draw(st.sampled_from(["gen4.5", "gen4_turbo"]))
    middle = draw(st.lists(st.sampled_from([S.PENDING, S.THROTTLED, S.RUNNING]), max_size=4))
    end = draw(st.lists(st.sampled_from(ENDS), max_size=1))
    result: Life = [create(account=account, model=model), accepted(name, account=account, model=model)]
    for step, status in enumerate([*sorted(middle, key=[S.THROTTLED, S.PENDING, S.RUNNING].index), *end, *end], 1):
        after = step * 5.0
        result.append(create(account=account, kind=Kind.POLL, endpoint="/v1/tasks/{id}", model="", at=T0 + after))
        result.append(sighting(status, after, name, account=account))
    if draw(st.booleans()):
        result.append(TaskMissing(account=account, at=T0 + 100, task=name))
        result.append(UnknownSeen(account=account, at=T0 + 100, field="status"))
    return result


def mixed(draw: st.DataObject, parts: list[Life]) -> Life:
    """One stream in which each part keeps its own order."""
    order = draw.draw(st.permutations([number for number, part in enumerate(parts) for _ in part]))
    sources = [iter(part) for part in parts]
    return [next(sources[number]) for number in order]


def recount(stream: Life, account: str) -> Figures:
    """Requests, creations, ends, unknown costs and unknown values, counted plainly."""
    ours = [observation for observation in stream if observation.account == account]
    counts: Counter[tuple[str, ...]] = Counter()
    by_task = {o.task: o for o in ours if isinstance(o, TaskSeen) and o.accepted}
    ends = {o.task: o.status for o in ours if isinstance(o, TaskSeen) and o.status in ENDS}
    for o in ours:
        if isinstance(o, RequestSeen):
            counts["requests", o.endpoint, o.kind, o.model, o.code, o.outcome] += 1
        if isinstance(o, UnknownSeen):
            counts["unknown_values", o.field] += 1
    for task, acceptance in by_task.items():
        counts["tasks_created", acceptance.model] += 1
        if task in ends:
            reason = "internal" if ends[task] is S.FAILED else ""
            counts["tasks_finished", acceptance.model, ends[task], reason] += 1
            if ends[task] is S.SUCCEEDED:  # none of them tells what it cost
                counts["tasks_unpriced", acceptance.model] += 1
    return dict(counts)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives(), st.data())
def test_any_mixing_batching_and_repetition_counts_what_a_recount_counts(
    database: Database, parts: list[Life], data: st.DataObject
) -> None:
    with database.begin(write=True) as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    stream = [replace(o, id=str(number)) for number, o in enumerate(mixed(data, parts))]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=4)) | {0, len(stream)})

    for start, end in pairwise(cuts):
        again = data.draw(st.integers(0, start))
        write(database, *stream[again:end])

    for account in "ab":
        stored = figures(database, account)
        histograms = {key for key in stored if key[0] in {"request_seconds", "task_seconds"}}
        assert {key: value for key, value in stored.items() if key not in histograms} == recount(stream, account)
        assert_histograms_hold(stored)


def assert_histograms_hold(stored: Figures) -> None:
    """As many durations as requests; one total per end."""

    def total(tally: str, at: int = 0, value: str = "") -> float:
        rows = [(key, count) for key, count in stored.items() if key[0] == tally and key[-1] != "sum"]
        return sum(count for key, count in rows if not at or key[at] == value)

    assert total("request_seconds") == total("requests")
    assert total("task_seconds", 2, "total") == total("tasks_finished")


def test_daemons_that_write_at_the_same_time_count_each_task_once(database_url: str) -> None:
    databases = [Database.open(database_url) for _ in range(3)]

    def work(database: Database) -> None:
        for number in range(20):
            write(database, create(), accepted(f"t{number}"), sighting(S.SUCCEEDED, 5, f"t{number}"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, databases))

    stored = figures(databases[0])
    for database in databases:
        database.close()
    assert stored["tasks_created", "gen4.5"] == stored["tasks_finished", "gen4.5", "succeeded", ""] == 20
    assert stored["requests", "/v1/text_to_video", "create", "gen4.5", "200", "success"] == 60


def test_what_cannot_be_applied_is_dropped_alone_and_leaves_nothing(database: Database) -> None:
    poison = [create(endpoint="\ud800"), accepted("t", endpoint="\ud800")]

    applied = write(database, create(), poison[0], accepted("u"), poison[1], create())

    assert (applied.sources, applied.dropped) == ({"ingest": 3}, {"invalid": 2})
    assert figures(database)["requests", "/v1/text_to_video", "create", "gen4.5", "200", "success"] == 2
    assert figures(database)["tasks_created", "gen4.5"] == 1
    with database.begin() as connection:
        assert set(task_rows.load(connection, {("a", "t"), ("a", "u")})) == {("a", "u")}


def test_results_that_nobody_came_for_are_written_off_once(database: Database) -> None:
    write(
        database,
        *(accepted(name) for name in ("forgotten", "collected", "late", "other")),
        accepted("told", has_webhook=True),
        accepted("b", account="b"),
        *(
            sighting(S.SUCCEEDED, 30, name, by_client=False, credits=60)
            for name in ("forgotten", "collected", "late", "told")
        ),
        sighting(S.SUCCEEDED, 30, "b", account="b", by_client=False, credits=5),
        sighting(S.SUCCEEDED, 40, "collected"),
        sighting(S.SUCCEEDED, 86_000, "other", by_client=False, credits=60),
    )
    now = T0 + 86_400 + 60
    with database.begin(write=True) as connection:
        assert [write_off_uncollected(connection, now, limit=2) for _ in range(3)] == [2, 1, 0]
    wasted = {name: value for name, value in figures(database).items() if name[0] == "wasted_credits"}
    assert wasted == {("wasted_credits", "gen4.5", "orphaned"): 120}
    assert figures(database, "b")["wasted_credits", "gen4.5", "orphaned"] == 5
    write(database, sighting(S.SUCCEEDED, 90_000, "late", credits=60))
    assert figures(database)["wasted_credits", "gen4.5", "orphaned"] == 120
