"""Rows that this version cannot read are skipped and counted; they spoil no figure of anything else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from stores import T0, accepted, catalogue_of, create, sighting

import monitor.judgement.evaluate
from monitor.config import Account
from monitor.engine.apply import apply_batch
from monitor.judgement.capacity import rows as capacity_rows
from monitor.judgement.daily_limit import rows as forecast_rows
from monitor.judgement.daily_limit.record import ForecastRecord as Forecast
from monitor.judgement.evaluate import Memory, evaluate
from monitor.judgement.snapshot import Snapshot
from monitor.observations import ModelLimits, Organization, Outcome, ReadFinished, TaskStatus
from monitor.store import Database
from monitor.store.schema import metadata

NOW = T0 + 100.0
ACCOUNTS = [
    Account(name=name, provider="runway", api_key=SecretStr("key_of_a_test"), base_url="https://api.example")
    for name in ("a", "b")
]
# An evaluation of Runway reads none of these: ids of what was applied, webhooks, what is not applied yet, capacities.
NOT_JUDGED = {"seen", "deliveries", "journal", "capacities"}
COLUMNS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    if table.name not in NOT_JUDGED
    for column in table.columns
    if column.name != "account"
]


def fill(database: Database) -> None:
    """Both accounts, with something in every table that an evaluation reads."""
    limits = {"gen4.5": ModelLimits(concurrency=2, daily_generations=3)}
    for name in ("a", "b"):
        figures = Organization(credit_balance=500.0, limits=limits, daily_generations={"gen4.5": 2})
        observations = [
            create(account=name),
            *(accepted(f"t{number}", account=name) for number in range(3)),
            sighting(TaskStatus.THROTTLED, 20.0, "t0", account=name),
            sighting(TaskStatus.RUNNING, 20.0, "t1", account=name),
            sighting(TaskStatus.SUCCEEDED, 40.0, "t1", account=name, credits=25.0),
            ReadFinished(
                account=name,
                at=T0 + 50.0,
                read="organization",
                outcome=Outcome.SUCCESS,
                duration_seconds=0.1,
                figures=figures,
            ),
        ]
        with database.begin(write=True) as connection:
            apply_batch(connection, [(one, "gateway") for one in observations], catalogue_of, T0 + 60.0, f"w{name}:1")
            forecast_rows.save(connection, {(name, "gen4.5", "daily_generations"): Forecast()})
    memory = Memory()
    evaluate(database, ACCOUNTS, memory, NOW)
    for part in memory.parts().values():
        with database.begin(write=True) as connection:
            part.save(connection)


def snapshot(database: Database) -> Snapshot:
    return evaluate(database, ACCOUNTS, Memory(), NOW)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "monitor.db"
    database = Database.open(f"sqlite:///{path}")
    fill(database)
    database.close()
    return path


@pytest.mark.parametrize("value", ["of a newer version", b"\x81\xff", -1.5], ids=["text", "bytes", "number"])
@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=map(".".join, COLUMNS))
def test_a_value_of_another_kind_in_one_row_spoils_no_other_account(
    filled: Path, tmp_path: Path, table: str, column: str, value: object
) -> None:
    path = tmp_path / "monitor.db"
    path.write_bytes(filled.read_bytes())
    with sqlite3.connect(path) as connection:
        row = f"SELECT * FROM {table} WHERE account = 'a' LIMIT 1"
        keys = [f'"{key.name}"' for key in metadata.tables[table].primary_key.columns]
        assert connection.execute(row).fetchone(), f"nothing in {table} to spoil"
        chosen = dict(zip(keys, connection.execute(row.replace("*", ", ".join(keys))).fetchone(), strict=True))
        where = " AND ".join(f"{key} = ?" for key in keys)
        connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE {where}', [value, *chosen.values()])
    connection.close()
    database = Database.open(f"sqlite:///{path}")
    try:
        found = snapshot(database)
        assert found.failed == ()
        untouched = Database.open(f"sqlite:///{filled}")
        assert found.accounts[1] == snapshot(untouched).accounts[1]
        untouched.close()
        with database.begin(write=True) as connection:
            batch = [(sighting(TaskStatus.RUNNING, 80.0, f"t{number}"), "gateway") for number in range(3)]
            assert apply_batch(connection, batch, catalogue_of, NOW, "w:2").dropped == {}
    finally:
        database.close()


PLANTED = [
    ("tallies", "INSERT INTO tallies VALUES ('a', 'count_of_a_newer_version', '[]', 1)"),
    ("tallies", "INSERT INTO tallies VALUES ('a', 'requests', '[\"a label too few\"]', 1)"),
    ("tasks", "UPDATE tasks SET status = 'paused' WHERE account = 'a' AND id = 't0'"),
    ("reads", "UPDATE reads SET outcome = 'of_a_newer_version' WHERE account = 'a'"),
    ("reads", "UPDATE reads SET figures = '{\"type\":\"of_a_newer_version\"}' WHERE account = 'a'"),
    ("purses", "UPDATE purses SET document = '[]' WHERE account = 'a'"),
]


@pytest.mark.parametrize(("table", "statement"), PLANTED)
def test_a_row_of_a_newer_version_is_skipped_and_counted_once(database: Database, table: str, statement: str) -> None:
    fill(database)
    with database.begin(write=True) as connection:
        assert connection.execute(text(statement)).rowcount == 1
    first, second = snapshot(database), snapshot(database)
    assert [account.account for account in first.accounts] == ["a", "b"]
    assert second == first
    assert database.unreadable.counts() == {table: 1}


def test_a_capacity_of_a_newer_version_is_learnt_again(database: Database) -> None:
    with database.begin(write=True) as connection:
        connection.execute(text("INSERT INTO capacities VALUES ('a', 'flux', '[1]')"))
    with database.begin() as connection:
        assert capacity_rows.load(connection, "a") == {}
    assert database.unreadable.counts() == {"capacities": 1}


def test_an_account_whose_evaluation_fails_leaves_the_others_their_figures(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    whole = snapshot(database)
    read_states = monitor.judgement.evaluate.read_states

    def fail(account: Account, *rest: object) -> object:
        if account.name == "a":
            raise RuntimeError
        return read_states(account, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(monitor.judgement.evaluate, "read_states", fail)
    found = snapshot(database)
    assert (found.failed, found.accounts) == (("a",), whole.accounts[1:])
