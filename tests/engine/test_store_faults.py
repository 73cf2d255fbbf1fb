"""A database that is locked, full, damaged, removed or away: observations wait, and nothing counts twice."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from engine_bench import Bench, until
from sqlalchemy import Connection, event, make_url, text
from stores import T0, accepted, administer, catalogue_of, create, figures, postgresql_database

from monitor.engine import engine as engine_module
from monitor.engine.apply import apply_batch
from monitor.errors import StoreError, StoreInUseError
from monitor.store import Database

REQUEST = ("requests", "/v1/text_to_video", "create", "gen4.5", "200", "success")


def damage(path: Path) -> None:
    path.write_bytes(b"damaged " * 4096)


def move_damaged(path: Path) -> None:
    assert path.read_bytes() == b"damaged " * 4096
    path.rename(path.with_suffix(".bad"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "monitor.db"


@pytest.fixture
def sqlite_bench(path: Path) -> Iterator[Bench]:
    database = Database.open(f"sqlite:///{path}?timeout=0.05")
    yield Bench(database)
    database.close()


async def test_a_locked_database_delays_and_loses_nothing(sqlite_bench: Bench, path: Path) -> None:
    bench = sqlite_bench
    other = sqlite3.connect(path, isolation_level=None)
    async with bench.running() as engine:
        await engine.submit([create()], "ingest")
        other.execute("BEGIN IMMEDIATE")
        engine.put([create()], "gateway")
        waiting = asyncio.create_task(engine.submit([create()], "ingest"))
        await until(lambda: bench.own("store_up") == 0)
        assert not engine.is_storing
        assert figures(bench.database)[REQUEST] == 1
        other.execute("ROLLBACK")
        await waiting

        assert (bench.own("store_up"), engine.is_storing) == (1, True)
        assert figures(bench.database)[REQUEST] == 3
    assert bench.own("store_errors_total", operation="commit") >= 1
    assert bench.own("observations_dropped_total", reason="queue_full") == 0
    other.close()


async def test_a_submit_that_cannot_be_stored_in_time_fails_and_is_withdrawn(
    sqlite_bench: Bench, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SUBMIT_SECONDS", 0.2)
    bench = sqlite_bench
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with bench.running() as engine:
        with pytest.raises(StoreError, match="send the observations again"):
            await engine.submit([create(), accepted()], "ingest")
        monkeypatch.setattr(engine_module, "SUBMIT_SECONDS", 5.0)
        failures = bench.own("store_errors_total", operation="commit")
        await until(lambda: bench.own("store_errors_total", operation="commit") > failures)  # the attempt under way
        other.execute("ROLLBACK")
        await until(lambda: bench.own("store_up") == 1)
        assert figures(bench.database) == {}
        await engine.submit([create(), accepted()], "ingest")

    assert figures(bench.database)[REQUEST] == 1
    other.close()


async def test_withdrawn_observations_leave_room_in_the_queue(
    sqlite_bench: Bench, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SUBMIT_SECONDS", 0.2)
    bench = sqlite_bench
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with bench.running() as engine:
        engine.put([create()], "gateway")
        await until(lambda: bench.own("store_up") == 0)
        with pytest.raises(StoreError):
            await engine.submit([create()] * 50, "ingest")
        await until(lambda: bench.own("queue_length") == 0)
        other.execute("ROLLBACK")

    assert figures(bench.database)[REQUEST] == 1
    other.close()


async def test_a_stop_while_the_database_fails_is_bounded_and_counts_the_loss(
    sqlite_bench: Bench, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "STOP_SECONDS", 0.3)
    bench = sqlite_bench
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with bench.running() as engine:
        engine.put([create()] * 3_000, "gateway")
        waiting = asyncio.create_task(engine.submit([create()], "ingest"))
        await until(lambda: bench.own("store_up") == 0)
    with pytest.raises(StoreError, match="stopped first"):
        await waiting

    assert bench.own("observations_dropped_total", reason="stopped") == 3_000
    other.close()


async def test_a_stop_waits_for_a_database_that_comes_back(sqlite_bench: Bench, path: Path) -> None:
    bench = sqlite_bench
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with bench.running() as engine:
        engine.put([create()] * 3, "gateway")
        await until(lambda: bench.own("store_up") == 0)
        asyncio.get_running_loop().call_later(0.3, other.execute, "ROLLBACK")

    assert figures(bench.database)[REQUEST] == 3
    other.close()


async def test_a_full_disk_delays_and_loses_nothing(sqlite_bench: Bench) -> None:
    bench = sqlite_bench

    def fill(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(bench.database._engine, "connect", fill)
    bench.database._engine.dispose()
    async with bench.running() as engine:
        engine.put([accepted(f"task{number:05}") for number in range(1_000)], "gateway")
        await until(lambda: bench.own("store_up") == 0)
        event.remove(bench.database._engine, "connect", fill)
        await until(lambda: bench.own("store_up") == 1)

    assert figures(bench.database)["tasks_created", "gen4.5"] == 1_000


async def test_a_removed_file_is_noticed_and_begun_anew(sqlite_bench: Bench, path: Path) -> None:
    bench = sqlite_bench
    async with bench.running() as engine:
        await engine.submit([create()], "ingest")
        await asyncio.to_thread(path.unlink)
        await engine.submit([create(), create()], "ingest")

        assert figures(bench.database)[REQUEST] == 2
        assert bench.own("store_errors_total", operation="commit") == 1
        assert bench.own("store_up") == 1


async def test_a_damaged_file_is_reported_and_left_until_it_is_moved_away(sqlite_bench: Bench, path: Path) -> None:
    bench = sqlite_bench
    async with bench.running() as engine:
        await engine.submit([create()], "ingest")
        bench.database.close()
        damage(path)
        engine.put([create(), create()], "gateway")
        await until(lambda: bench.own("store_up") == 0)
        move_damaged(path)
        await until(lambda: bench.own("store_up") == 1)
        await until(lambda: figures(bench.database).get(REQUEST) == 2)


async def test_jobs_of_the_writer_report_a_failing_database(sqlite_bench: Bench, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with sqlite_bench.running() as engine:
        with pytest.raises(StoreError, match="locked"):
            await engine.expire(0.0)
        with pytest.raises(StoreError, match="locked"):
            await engine.prune(0.0, 1.0)
        with pytest.raises(StoreError, match="locked"):
            await engine.write("forecast", lambda _: None)
        other.execute("ROLLBACK")

    assert sqlite_bench.own("store_errors_total", operation="expire") == 1
    assert sqlite_bench.own("store_errors_total", operation="prune") == 1
    assert sqlite_bench.own("store_errors_total", operation="forecast") == 1
    other.close()


@pytest.mark.parametrize("is_applied_by_another", [False, True])
async def test_a_group_whose_commit_is_in_doubt_counts_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, is_applied_by_another: bool
) -> None:
    autocommit = Database.autocommit
    doubts = iter([True])

    @contextmanager
    def break_after_commit(database: Database) -> Iterator[Connection]:
        with autocommit(database) as connection:
            yield connection
        if next(doubts, False):
            if is_applied_by_another:
                with database.begin(write=True) as other:
                    apply_batch(other, [], catalogue_of, T0, "another:1")
            raise StoreError("the connection broke")

    monkeypatch.setattr(Database, "autocommit", break_after_commit)
    async with bench.running() as engine:
        await engine.submit([create()], "ingest")
        engine.put([create()], "gateway")
        await until(lambda: bench.own("store_errors_total", operation="commit") == 1)
        await until(lambda: bench.own("store_up") == 1)

    assert figures(bench.database)[REQUEST] == 2


Send = Callable[[signal.Signals], None]


@pytest.fixture
def stalling(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, Send]]:
    """An engine of little patience, and what stops and continues the processes of the server that serve it."""
    monkeypatch.setattr(engine_module, "STALL_SECONDS", 0.2)
    with postgresql_database(postgres_url) as url:
        database = Database.open(url)
        bench = Bench(database)

        def send(number: signal.Signals) -> None:
            for pid in pids:
                os.kill(pid, number)

        with database.begin() as connection:
            pids = connection.scalars(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")).all()
        yield bench, send
        send(signal.SIGCONT)
        bench.engine._writer.shutdown()  # it still holds the connection that stalled
        database.close()


async def put_while_it_stalls(bench: Bench, send: Send) -> None:
    """Put one observation, and see that the database does not answer."""
    send(signal.SIGSTOP)
    bench.engine.put([create()], "gateway")
    await until(lambda: bench.own("store_up") == 0)
    assert not bench.engine.is_storing


async def test_a_server_that_does_not_answer_shows_until_it_does(stalling: tuple[Bench, Send]) -> None:
    bench, send = stalling
    async with bench.running():
        await put_while_it_stalls(bench, send)
        send(signal.SIGCONT)
        await until(lambda: bench.own("store_up") == 1)

    assert figures(bench.database)[REQUEST] == 1


async def test_a_server_that_does_not_answer_holds_up_no_stop(
    stalling: tuple[Bench, Send], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "STOP_SECONDS", 0.2)
    bench, send = stalling
    async with bench.running():
        await put_while_it_stalls(bench, send)

    assert bench.own("observations_dropped_total", reason="stopped") == 1


async def test_a_server_that_goes_away_delays_and_loses_nothing(postgres_url: str) -> None:
    with postgresql_database(postgres_url) as url:
        name = make_url(url).database
        database = Database.open(url)
        bench = Bench(database)
        kick_out = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        async with bench.running() as engine:
            await engine.submit([create()], "ingest")
            administer(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", kick_out)
            engine.put([create()], "gateway")
            waiting = asyncio.create_task(engine.submit([create()], "ingest"))
            await until(lambda: bench.own("store_up") == 0)
            administer(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await waiting

            assert bench.own("store_up") == 1
            assert figures(database)[REQUEST] == 3
        database.close()


async def test_a_file_that_another_daemon_has_ends_the_engine_that_was_to_open_it(path: Path) -> None:
    first, second = (Database(f"sqlite:///{path}", exclusive=True) for _ in range(2))
    first.reopen()
    bench = Bench(second)
    with pytest.raises(StoreInUseError):
        await bench.engine.run()
    assert bench.own("store_up") == 0
    first.close()
    second.close()


async def test_a_database_that_is_not_open_yet_is_opened_and_takes_what_waits(path: Path) -> None:
    database = Database(f"sqlite:///{path}?timeout=0.05")
    await asyncio.to_thread(path.mkdir)
    bench = Bench(database)
    bench.engine.put([create()], "gateway")
    async with bench.running() as engine:
        await engine.first_attempt(5.0)
        await until(lambda: "unable to open" in engine.fault)
        assert (engine.is_storing, bench.own("store_up")) == (False, 0)
        await asyncio.to_thread(path.rmdir)
        await until(lambda: bench.own("store_up") == 1)
        assert engine.fault == ""
    assert figures(database)[REQUEST] == 1
    database.close()
