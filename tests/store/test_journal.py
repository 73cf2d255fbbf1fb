"""The journal: what is written down is applied by whoever writes next, once and in order."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import insert
from stores import T0, accepted, catalogue_of, create, figures, sighting

from monitor.engine import journal, processed_ids
from monitor.engine.apply import Applied, append_journal, apply_batch
from monitor.observations import AnyObservation, TaskStatus
from monitor.store import Database
from monitor.store.schema import journal as table

REQUEST = ("requests", "/v1/text_to_video", "create", "gen4.5", "200", "success")


def note(database: Database, *observations: AnyObservation, now: float = T0, name: str = "") -> Applied:
    with database.autocommit() as connection:
        batch = [(observation, "gateway") for observation in observations]
        return append_journal(connection, batch, catalogue_of, now, name or uuid4().hex)


def write(database: Database, *observations: AnyObservation, name: str = "") -> Applied:
    with database.begin(write=True) as connection:
        return apply_batch(connection, [(o, "ingest") for o in observations], catalogue_of, T0, name)


def test_what_is_written_down_counts_once_it_is_applied_and_only_once(database: Database) -> None:
    note(database, create(), create(account="b"))
    assert figures(database) == {}

    first, second = write(database, create()), write(database)

    assert (first.sources, second.sources) == ({"gateway": 2, "ingest": 1}, {})
    assert figures(database)[REQUEST] == 2
    assert figures(database, "b")[REQUEST] == 1


def test_observations_are_applied_in_the_order_they_were_written_down(database: Database) -> None:
    autocommit = [accepted(), sighting(TaskStatus.RUNNING, 0), sighting(TaskStatus.SUCCEEDED, 0)]
    for observation in autocommit:
        note(database, observation)
    write(database, sighting(TaskStatus.FAILED, 0))

    assert figures(database)["tasks_finished", "gen4.5", "succeeded", ""] == 1


def test_an_account_that_is_not_configured_is_not_written_down(database: Database) -> None:
    assert note(database, create(account="stranger"), create()).dropped == {"unknown_account": 1}

    with database.begin() as connection:
        assert journal.accounts(connection) == {"a"}


def test_what_belongs_to_another_daemons_account_is_left_to_it_until_it_is_too_old(database: Database) -> None:
    note(database, create(account="b"), create(account="b"), now=T0)

    with database.begin(write=True) as connection:
        apply_batch(connection, [], lambda name: catalogue_of(name) if name == "a" else None, T0)
        assert journal.accounts(connection) == {"b"}
        assert journal.prune(connection, {"b"}, T0) == 0
        assert journal.prune(connection, {"a"}, T0 + 1) == 0
        assert journal.accounts(connection) == {"b"}
        assert journal.prune(connection, {"b"}, T0 + 1) == 2
        assert journal.accounts(connection) == set()


def test_a_row_that_cannot_be_read_is_dropped_alone(database: Database) -> None:
    note(database, create())
    with database.begin(write=True) as connection:
        connection.execute(insert(table), [{"batch": "odd", "account": "a", "at": T0, "document": b"\xc1"}])
    note(database, create())

    assert write(database).dropped == {"invalid": 1}
    assert figures(database)[REQUEST] == 2


def test_a_batch_is_there_once_however_often_it_was_written_down(database: Database) -> None:
    for _ in range(2):
        note(database, create(), create(account="b"), name="writer:1")
    write(database)

    assert (figures(database)[REQUEST], figures(database, "b")[REQUEST]) == (1, 1)


@pytest.mark.parametrize(("applied_by", "is_known"), [("other:9", True), ("writer:2", False)])
def test_a_batch_that_another_writer_applied_is_known_to_be_committed(
    database: Database, applied_by: str, is_known: bool
) -> None:
    note(database, create(), name="writer:1")
    write(database, name=applied_by)

    with database.begin(write=True) as connection:
        assert processed_ids.begin_batch(connection, "writer:1", [], T0) is not is_known


def test_only_the_newest_batch_of_another_writer_is_noted(database: Database) -> None:
    for name in ("writer:8", "third:1", "writer:9", "writer:10", "other:1"):
        note(database, create(), name=name)

    assert write(database, name="other:2").noted == {"third": "third:1", "writer": "writer:10"}
    assert figures(database)[REQUEST] == 5


def test_what_cannot_be_written_down_is_told(database: Database) -> None:
    with pytest.raises(UnicodeEncodeError):
        note(database, create(), create(endpoint="\ud800"))

    assert write(database).sources == {}


def test_daemons_that_apply_at_the_same_time_count_each_row_once(database_url: str) -> None:
    databases = [Database.open(database_url) for _ in range(3)]

    def work(database: Database) -> None:
        for _ in range(20):
            note(database, create())
            note(database, create())
            write(database)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, databases))

    assert figures(databases[0])[REQUEST] == 120
    for database in databases:
        database.close()
