from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import structlog
from helpers_collect import until
from pydantic import SecretStr

from monitor.config import Account, Config, Retention
from monitor.daemon.jobs import Jobs
from monitor.engine.engine import Engine
from monitor.http.network import Network
from monitor.judgement.account_reads import rows as read_rows
from monitor.metrics import SelfMetrics
from monitor.observations import TaskSeen, TaskStatus
from monitor.runtime.clock import ManualClock
from monitor.runtime.logs import configure_logging
from monitor.simulator.runway.server import DEFAULT_KEY, Server
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.store import Database
from monitor.tasks import task_rows

DAY = 86400.0


class Evaluations:
    """Counts how often state was asked to become figures."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def evaluations() -> Evaluations:
    return Evaluations()


@pytest.fixture
async def collector(
    account: Account, database: Database, engine: Engine, own: SelfMetrics, clock: ManualClock, evaluations: Evaluations
) -> AsyncIterator[Jobs]:
    config = Config(accounts=(account,), evaluate_interval=0.05, retention=Retention(tasks=2 * DAY))
    collector = Jobs(
        database=database, engine=engine, evaluate=evaluations, config=config, own=own, clock=clock, network=Network({})
    )
    yield collector
    await collector.drain(5.0)


@pytest.fixture
def captured_logs() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    stream = io.StringIO()
    configure_logging((), stream)
    yield stream
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def reads_up(database: Database, account: str = "production") -> dict[str, bool]:
    with database.begin() as connection:
        return {name: read.up for name, read in read_rows.load(connection, account).items()}


def requests(server: Server) -> int:
    return server.world.request_log.total


def task_of(database: Database, task: str) -> TaskStatus | None:
    with database.begin() as connection:
        found = task_rows.load(connection, [("production", task)])
    return next((each.status for each in found.values()), None)


async def submit(engine: Engine, task: str, at: float, status: TaskStatus = TaskStatus.PENDING) -> None:
    await engine.submit([TaskSeen(account="production", at=at, task=task, status=status)], "gateway")


async def test_everything_runs_at_start(
    collector: Jobs, account: Account, database: Database, evaluations: Evaluations
) -> None:
    collector.start([account])

    await until(lambda: reads_up(database) == {"organization": True, "usage": True})
    await until(lambda: evaluations.count >= 3)


async def test_an_open_task_of_over_a_day_is_given_up_and_a_finished_one_past_retention_is_forgotten(
    collector: Jobs, account: Account, database: Database, engine: Engine, clock: ManualClock
) -> None:
    await submit(engine, "open", clock.now() - DAY - 1)
    await submit(engine, "recent", clock.now())
    await submit(engine, "old", clock.now() - 2 * DAY - 1, TaskStatus.SUCCEEDED)
    await submit(engine, "kept", clock.now() - 2 * DAY + 60, TaskStatus.SUCCEEDED)

    collector.start([account])

    await until(lambda: task_of(database, "open") is TaskStatus.LOST and task_of(database, "old") is None)
    assert task_of(database, "recent") is TaskStatus.PENDING
    assert task_of(database, "kept") is TaskStatus.SUCCEEDED


async def test_an_account_that_stays_as_it_is_is_not_read_anew(
    collector: Jobs, account: Account, database: Database, server: Server, evaluations: Evaluations
) -> None:
    collector.start([account])
    await until(lambda: len(reads_up(database)) == 2)
    before = requests(server)
    collector.apply([replace(account, api_key=SecretStr(DEFAULT_KEY))])
    ticks = evaluations.count

    await until(lambda: evaluations.count > ticks + 3)
    assert requests(server) == before


async def test_a_new_account_is_read_at_once_and_a_removed_one_no_more(
    collector: Jobs, account: Account, database: Database
) -> None:
    collector.start([account])
    await until(lambda: len(reads_up(database)) == 2)
    collector.apply([replace(account, name="staging", poll_interval=0.05)])

    await until(lambda: len(reads_up(database, "staging")) == 2)
    assert {job.name for job in collector._schedule._scheduler.get_jobs()} == {
        "evaluate",
        "expire",
        "prune",
        "follow_up:staging",
        "account_read:staging:organization",
        "account_read:staging:usage",
    }


async def test_an_account_with_a_new_key_is_read_with_it_at_once(
    collector: Jobs, account: Account, database: Database
) -> None:
    collector.start([replace(account, api_key=SecretStr("key_revoked"))])
    await until(lambda: reads_up(database) == {"organization": False, "usage": False})
    collector.apply([account])

    await until(lambda: reads_up(database) == {"organization": True, "usage": True})


async def test_draining_waits_for_a_read_under_way_and_cancels_one_that_hangs(
    collector: Jobs, account: Account, server: Server, database: Database
) -> None:
    server.world.faults.add(Fault(fault=FaultKind.HANG, path="/v1/organization/usage"))
    collector.start([account])
    await until(lambda: "organization" in reads_up(database) and server.in_flight == 1)

    await collector.drain(0.05)

    assert "usage" not in reads_up(database)


async def test_no_log_line_holds_the_key(
    captured_logs: io.StringIO, collector: Jobs, account: Account, server: Server, database: Database
) -> None:
    server.world.faults.add(Fault(fault=FaultKind.RESET, path="/v1/organization"))
    collector.start([account])
    await until(lambda: reads_up(database) == {"organization": False, "usage": True})
    await collector.drain(5.0)

    assert "read.failed" in captured_logs.getvalue()
    assert "read.finished" in captured_logs.getvalue()
    assert DEFAULT_KEY not in captured_logs.getvalue()


@pytest.mark.parametrize("days", [40, 366])
async def test_a_clock_that_steps_forward_gives_up_and_forgets_nothing_for_a_day(
    collector: Jobs, database: Database, engine: Engine, clock: ManualClock, days: int
) -> None:
    await submit(engine, "open", clock.now())
    await submit(engine, "ended", clock.now(), TaskStatus.SUCCEEDED)
    clock.step(days * DAY)
    for _ in range(23):
        await collector._expire()
        await collector._prune()
        clock.advance(3600)
    assert (task_of(database, "open"), task_of(database, "ended")) == (TaskStatus.PENDING, TaskStatus.SUCCEEDED)

    clock.advance(3601)
    await collector._expire()
    assert task_of(database, "open") is TaskStatus.LOST


async def test_a_clock_that_steps_back_holds_up_no_expiry(
    collector: Jobs, database: Database, engine: Engine, clock: ManualClock
) -> None:
    await submit(engine, "open", clock.now() - DAY - 7200)
    clock.step(-3600.0)
    await collector._expire()
    assert task_of(database, "open") is TaskStatus.LOST
