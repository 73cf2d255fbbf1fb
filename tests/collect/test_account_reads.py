from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from helpers_collect import until
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.config import Account
from monitor.engine.engine import Engine
from monitor.judgement.account_reads import rows as read_rows
from monitor.judgement.account_reads.reads import Read
from monitor.metrics import SelfMetrics
from monitor.observations import Organization, Outcome, Usage
from monitor.polling.account_reads import AccountRead
from monitor.polling.provider_client import Vendor
from monitor.polling.schedule import Schedule
from monitor.providers.runway.account import OrganizationRead, UsageRead
from monitor.runtime.clock import ManualClock
from monitor.simulator.runway.platform.accounts import KeyState
from monitor.simulator.runway.server import Server
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.store import Database


@pytest.fixture
def read(account: Account, vendor: Vendor, engine: Engine, clock: ManualClock) -> AccountRead:
    return AccountRead(account, OrganizationRead(), vendor, engine, clock, lambda: 0.0)


def stored(database: Database) -> dict[str, Read]:
    with database.begin() as connection:
        return read_rows.load(connection, "production")


async def test_a_read_stores_the_accounts_figures(read: AccountRead, database: Database) -> None:
    await read.run()

    state = stored(database)["organization"]
    assert state.up
    assert isinstance(state.figures, Organization)
    assert state.figures.credit_balance == 10_000


async def test_usage_is_read_with_its_query(
    account: Account, vendor: Vendor, engine: Engine, clock: ManualClock, database: Database
) -> None:
    usage = AccountRead(account, UsageRead(), vendor, engine, clock, lambda: 0.0)

    await usage.run()

    state = stored(database)["usage"]
    assert (state.up, type(state.figures)) == (True, Usage)


def test_a_read_keeps_the_vendors_pace_where_that_is_slower_than_the_configured_one(
    account: Account, vendor: Vendor, engine: Engine, clock: ManualClock
) -> None:
    def interval(reader: OrganizationRead | UsageRead) -> float:
        return AccountRead(account, reader, vendor, engine, clock, lambda: 0.0).interval

    assert (interval(OrganizationRead()), interval(UsageRead())) == (60.0, 300.0)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(fault=FaultKind.STATUS, status=503), Outcome.OVERLOADED),
        (Fault(fault=FaultKind.STATUS, status=429), Outcome.RATE_LIMITED),
        (Fault(fault=FaultKind.HTML, status=500), Outcome.SERVER_ERROR),
        (Fault(fault=FaultKind.RESET), Outcome.UNREACHABLE),
        (Fault(fault=FaultKind.HALF_BODY), Outcome.TRUNCATED),
        (Fault(fault=FaultKind.BROKEN_JSON), Outcome.TRUNCATED),
    ],
    ids=lambda value: value.fault.value if isinstance(value, Fault) else "",
)
async def test_failures_back_off_up_to_ten_minutes_and_a_success_goes_back_to_the_interval(
    read: AccountRead, server: Server, database: Database, fault: Fault, outcome: Outcome
) -> None:
    await read.run()
    server.world.faults.add(fault)

    assert [await read.run() for _ in range(6)] == [60.0, 120.0, 240.0, 480.0, 600.0, 600.0]
    failed = stored(database)["organization"]
    assert (failed.up, failed.outcome, type(failed.figures)) == (False, outcome, Organization)

    server.world.faults.clear()
    assert await read.run() is None
    assert stored(database)["organization"].up


async def test_a_rejected_key_backs_off_and_is_told_without_the_key(
    read: AccountRead, account: Account, server: Server
) -> None:
    server.world.platform.set_keys("simulated", KeyState.REVOKED)
    with capture_logs() as logs:
        assert await read.run() == 60.0

    assert logs == [
        {
            "event": "read.failed",
            "account": "production",
            "read": "organization",
            "outcome": "unauthorized",
            "next_in_seconds": 60,
            "log_level": "warning",
        }
    ]
    assert account.api_key.get_secret_value() not in repr(logs)


@pytest.fixture
async def running(own: SelfMetrics, clock: ManualClock) -> AsyncIterator[Schedule]:
    schedule = Schedule(own, clock)
    schedule.start()
    yield schedule
    await schedule.drain(5.0)


async def test_a_store_that_takes_nothing_is_one_failed_run(
    account: Account, vendor: Vendor, engine: Engine, running: Schedule, clock: ManualClock, registry: CollectorRegistry
) -> None:
    read = AccountRead(account, OrganizationRead(), vendor, engine, clock, lambda: 0.0)
    await engine.stop()
    with capture_logs() as logs:
        running.every(read.job, read.interval, read.run)
        await until(
            lambda: registry.get_sample_value("genmedia_monitor_job_errors_total", {"name": "account_read"}) == 1
        )

    assert [line["event"] for line in logs] == ["read.finished", "job.failed"]
