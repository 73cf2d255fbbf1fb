from stores import T0

from monitor.ingest import delivery_rows
from monitor.ingest.delivery_rows import KEEP_SECONDS, LONGEST_DELAY_SECONDS, Later
from monitor.store import Database

TYPE = "application/json"


def keep(database: Database, *bodies: bytes, account: str = "a", at: float = T0) -> list[bool]:
    with database.begin(write=True) as connection:
        return [delivery_rows.add(connection, account, TYPE, body, at) for body in bodies]


def due(database: Database, at: float = T0, but: set[int] | None = None) -> dict[bytes, int]:
    with database.begin() as connection:
        return {each.body: each.id for each in delivery_rows.due(connection, "a", at, 100, but or set())}


def test_what_is_kept_is_due_at_once_in_its_order_and_only_for_its_account(database: Database) -> None:
    keep(database, b"\x00\xff", b"second")
    keep(database, b"third", account="b")
    assert [*due(database)] == [b"\x00\xff", b"second"]
    assert [*due(database, but={due(database)[b"second"]})] == [b"\x00\xff"]


def test_what_is_put_off_comes_back_and_what_is_done_does_not(database: Database) -> None:
    keep(database, b"done", b"later")
    ids = due(database)
    with database.begin(write=True) as connection:
        delivery_rows.settle(connection, {ids[b"done"]: None, ids[b"later"]: Later(T0 + 8, 3)})
        assert delivery_rows.waiting(connection, "a") == 1
    assert due(database, T0 + 7) == {}
    with database.begin() as connection:
        assert delivery_rows.due(connection, "a", T0 + 8, 1, ())[0].attempts == 3


def test_a_clock_that_steps_back_holds_nothing_up(database: Database) -> None:
    keep(database, b"x", at=T0 + LONGEST_DELAY_SECONDS + 1)
    assert [*due(database)] == [b"x"]


def test_more_than_there_is_room_for_is_refused(database: Database, monkeypatch) -> None:
    monkeypatch.setattr(delivery_rows, "MOST_WAITING", 3)
    assert keep(database, b"1", b"2", b"3", b"4") == [True, True, True, False]
    monkeypatch.setattr(delivery_rows, "MOST_BYTES", 10)
    assert keep(database, b"x" * 10, b"x", account="b") == [True, False]
    assert keep(database, b"x" * 11, account="c") == [False]


def test_what_nobody_forwards_any_more_is_forgotten(database: Database) -> None:
    keep(database, b"old")
    keep(database, b"new", at=T0 + KEEP_SECONDS)
    with database.begin(write=True) as connection:
        delivery_rows.prune(connection, T0 + 1)
    assert [*due(database, T0 + KEEP_SECONDS)] == [b"new"]
