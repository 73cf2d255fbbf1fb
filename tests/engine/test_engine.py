"""Group commit: what is put or submitted is stored once, in order, and nothing holds up the rest."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest
from engine_bench import Bench, until
from sqlalchemy import Connection, text
from stores import CATALOGUE, T0, accepted, create, figures, sighting

from monitor.engine import engine as engine_module
from monitor.engine import processed_ids
from monitor.engine.apply import append_journal
from monitor.errors import StoreError
from monitor.observations import TaskStatus
from monitor.store import Database
from monitor.tasks import task_rows

REQUEST = ("requests", "/v1/text_to_video", "create", "gen4.5", "200", "success")


async def test_what_is_submitted_is_stored_when_submit_returns(bench: Bench) -> None:
    async with bench.running() as engine:
        await engine.submit([create(), accepted()], "ingest")

        assert figures(bench.database)[REQUEST] == 1
        assert figures(bench.database)["tasks_created", "gen4.5"] == 1
    assert bench.own("observations_total", source="ingest") == 2
    assert bench.own("commit_seconds_count") == 1


async def test_what_is_put_is_stored_soon_and_all_of_it_by_the_stop(bench: Bench) -> None:
    async with bench.running() as engine:
        engine.put([create()], "gateway")
        await until(lambda: bench.own("observations_total", source="gateway") == 1)
        engine.put([create()] * 5_000, "gateway")

    assert figures(bench.database)[REQUEST] == 5_001
    assert bench.own("queue_length") == 0


async def test_what_is_put_is_on_the_disk_at_once_and_counted_when_a_killed_daemon_starts_again(bench: Bench) -> None:
    bench.engine.put([create()], "gateway")
    run = asyncio.create_task(bench.engine.run())
    await until(lambda: bench.own("commit_seconds_count") == 1)
    bench.engine.put([create(), create()], "gateway")
    await until(lambda: bench.own("commit_seconds_count") == 2)
    run.cancel()
    assert figures(bench.database)[REQUEST] == 1

    async with Bench(bench.database).running():
        await until(lambda: figures(bench.database)[REQUEST] == 3)


async def test_puts_and_submits_keep_their_order(bench: Bench) -> None:
    async with bench.running() as engine:
        for number in range(100):
            engine.put([accepted(f"t{number}"), sighting(TaskStatus.RUNNING, 5, f"t{number}")], "gateway")
            engine.put([sighting(TaskStatus.SUCCEEDED, 10, f"t{number}")], "gateway")
        await engine.submit([create()], "ingest")

        assert figures(bench.database)["tasks_finished", "gen4.5", "succeeded", ""] == 100


async def test_many_submits_at_once_share_commits(bench: Bench) -> None:
    async with bench.running() as engine:
        await asyncio.gather(*(engine.submit([create()], "ingest") for _ in range(200)))

    assert figures(bench.database)[REQUEST] == 200
    assert bench.own("commit_seconds_count") < 20


async def test_a_submit_larger_than_a_batch_returns_after_its_last_batch(bench: Bench) -> None:
    async with bench.running() as engine:
        await engine.submit([create()] * (2 * engine_module.BATCH + 1), "ingest")

        assert figures(bench.database)[REQUEST] == 2 * engine_module.BATCH + 1


async def test_an_empty_submit_returns_at_once(bench: Bench) -> None:
    await bench.engine.submit([], "ingest")


async def test_an_observation_with_an_id_that_comes_again_is_acknowledged_and_not_counted(bench: Bench) -> None:
    async with bench.running() as engine:
        for _ in range(3):
            await engine.submit([create(id="1")], "ingest")

    assert figures(bench.database)[REQUEST] == 1
    assert bench.own("observations_total", source="ingest") == 1


async def test_a_full_queue_drops_what_finds_no_room_and_refuses_submits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "QUEUE_LIMIT", 10)

    bench.engine.put([create()] * 8, "gateway")
    bench.engine.put([create()] * 5, "gateway")
    bench.engine.put([create()], "gateway")
    with pytest.raises(StoreError, match="too many observations"):
        await bench.engine.submit([create()], "ingest")

    assert bench.own("observations_dropped_total", reason="queue_full") == 4
    assert bench.own("queue_length") == 10
    async with bench.running():
        pass
    assert figures(bench.database)[REQUEST] == 10


async def test_an_observation_that_cannot_be_applied_is_dropped_alone(bench: Bench) -> None:
    poison = create(endpoint="\ud800")

    async with bench.running() as engine:
        engine.put([create()] * 20 + [poison], "gateway")
        await engine.submit([create(), poison, create()], "ingest")
        await engine.submit([create()], "ingest")

        assert figures(bench.database)[REQUEST] == 23
    assert bench.own("observations_dropped_total", reason="invalid") == 2
    assert bench.own("observations_total", source="gateway") == 20
    assert bench.own("store_up") == 1


async def test_observations_of_an_account_that_is_not_configured_are_counted_as_dropped(bench: Bench) -> None:
    async with bench.running() as engine:
        await engine.submit([create(account="stranger"), create()], "ingest")

    assert bench.own("observations_dropped_total", reason="unknown_account") == 1
    assert bench.own("observations_total", source="ingest") == 1


async def test_models_beyond_the_maximum_are_counted(bench: Bench) -> None:
    async with bench.running() as engine:
        await engine.submit([create(model=f"m{number}") for number in range(103)], "ingest")

    assert bench.own("models_capped_total", account="a") == 3


async def test_a_stopped_engine_takes_no_more(bench: Bench) -> None:
    async with bench.running() as engine:
        pass

    engine.put([create()], "gateway")
    with pytest.raises(StoreError, match="stopping"):
        await engine.submit([create()], "ingest")

    assert bench.own("observations_dropped_total", reason="stopped") == 1
    assert figures(bench.database) == {}


async def test_a_run_that_is_cancelled_says_so_to_those_who_wait(bench: Bench) -> None:
    run = asyncio.create_task(bench.engine.run())
    submit = asyncio.create_task(bench.engine.submit([create()], "ingest"))
    await asyncio.sleep(0)
    run.cancel()

    with pytest.raises(StoreError, match="stopped first"):
        await submit
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_tasks_open_for_over_a_day_are_given_up_by_the_writer(bench: Bench) -> None:
    async with bench.running() as engine:
        await engine.submit([accepted("t"), accepted("u", at=T0 + 5)], "ingest")
        await engine.expire(T0 + 86400 + 1)

    assert figures(bench.database)["tasks_finished", "gen4.5", "lost", ""] == 1


async def test_retention_forgets_ended_tasks_and_old_ids(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BATCH", 2)
    ends = [sighting(TaskStatus.CANCELLED, 5, f"t{number}", id=str(number)) for number in range(5)]

    async with bench.running() as engine:
        await engine.submit([*ends, accepted("open")], "ingest")
        await engine.prune(T0 + 3 * 86400, retention_seconds=2 * 86400)

    with bench.database.begin() as connection:
        keys = {("a", name) for name in ("open", *(f"t{number}" for number in range(5)))}
        assert set(task_rows.load(connection, keys)) == {("a", "open")}
        assert processed_ids.known(connection, {("a", str(number)) for number in range(5)}) == set()


async def test_what_was_written_down_before_a_long_stop_is_not_too_old_to_count(bench: Bench) -> None:
    long_ago = T0 - 3 * 86400
    with bench.database.autocommit() as connection:
        batch = [(create(at=long_ago, account=account), "gateway") for account in ("a", "stranger", "stranger")]
        append_journal(connection, batch, lambda _: CATALOGUE, long_ago, "before:1")

    await bench.engine.prune(T0, retention_seconds=86400)
    async with bench.running():
        pass

    assert figures(bench.database)[REQUEST] == 1
    assert bench.own("observations_dropped_total", reason="unknown_account") == 2


async def test_engines_on_one_database_leave_few_marks_of_what_they_wrote(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "APPLY_SECONDS", 0.1)
    databases = [Database.open(database_url) for _ in range(2)]
    benches = [Bench(database) for database in databases]
    async with AsyncExitStack() as running:
        engines = [await running.enter_async_context(bench.running()) for bench in benches]
        for _ in range(20):
            for engine in engines:
                engine.put([create()], "gateway")
            await asyncio.sleep(0.06)

    assert figures(databases[0])[REQUEST] == 40
    with databases[0].begin() as connection:
        # Of each engine its own newest, the other's newest, and the one of the other that the next commit forgets.
        assert len(connection.execute(text("SELECT id FROM seen")).all()) <= 6
    for database in databases:
        database.close()


class BreaksWhileCommitting(Database):
    """A database whose connection is lost right after the server has committed, once."""

    lost = False

    @contextmanager
    def begin(self, *, write: bool = False) -> Iterator[Connection]:
        with super().begin(write=write) as connection:
            yield connection
        if write and not self.lost and figures(self):
            self.lost = True
            raise StoreError("the connection was lost")


async def test_a_commit_whose_confirmation_is_lost_is_not_applied_twice(database_url: str) -> None:
    database = BreaksWhileCommitting.open(database_url)
    bench = Bench(database)
    async with bench.running() as engine:
        await engine.submit([create()], "ingest")
        await engine.submit([create()], "ingest")

    assert database.lost
    assert bench.own("store_errors_total", operation="commit") == 1
    assert figures(database)[REQUEST] == 2
    database.close()
