from __future__ import annotations

import pytest
from sqlalchemy import text
from stores import CATALOGUE, T0, figures

from monitor.engine.apply import Catalogue, apply_batch
from monitor.errors import StoreError
from monitor.judgement.credits import rows
from monitor.judgement.credits.history import BalanceHistory, PurchaseRules
from monitor.judgement.credits.purchases import AutobillingPlan
from monitor.observations import DaySpend, Figures, Organization, Outcome, ReadFinished, Usage
from monitor.store import Database

RULES = PurchaseRules(1_000, AutobillingPlan(threshold=1_000, amount=5_000))


def catalogue_of(account: str) -> Catalogue | None:
    return CATALOGUE._replace(rules=RULES) if account in {"a", "b"} else None


def read(after: float, told: Figures | None, account: str = "a") -> ReadFinished:
    outcome = Outcome.SUCCESS if told else Outcome.TIMEOUT
    name = "usage" if isinstance(told, Usage) else "organization"
    return ReadFinished(account=account, at=T0 + after, read=name, outcome=outcome, duration_seconds=0.1, figures=told)


def used(credits_: float) -> Usage:
    return Usage(days=(DaySpend(date="2025-06-15", model="gen4.5", credits=credits_),))


STORY = (
    read(0, Organization(credit_balance=1_200)),
    read(1, used(100)),
    read(60, Organization(credit_balance=900)),
    read(120, None),
    read(180, Organization(credit_balance=5_800)),
    read(180, Organization(credit_balance=30_000), "b"),
    read(240, Organization(credit_balance=5_860)),
    read(240.5, used(440)),
    read(540, Organization(credit_balance=5_860)),
    read(541, used(440)),
)


def stored(database: Database, account: str) -> BalanceHistory | None:
    with database.begin() as connection:
        return rows.load(connection, account)


def test_credits_are_stored_with_the_reads_that_tell_them(database: Database) -> None:
    with database.begin(write=True) as connection:
        apply_batch(connection, [(seen, "account_read") for seen in STORY], catalogue_of, T0)
    purse = stored(database, "a")
    assert purse is not None
    assert (purse.balance, purse.at, purse.low_since) == (5_860, T0 + 540, None)
    assert [(each.at, each.credits) for each in purse.recharges] == [(T0 + 180, 5_000)]
    told = {name: value for (name, *_), value in figures(database).items() if name != "reads"}
    assert told == {"recharges": 1, "recharged_credits": 5_000, "refunds": 1, "refunded_credits": 60}
    other = stored(database, "b")
    assert other is not None
    assert other.balance == 30_000


def test_what_is_committed_read_by_read_over_restarts_is_the_same(database: Database, database_url: str) -> None:
    for seen in STORY:
        reopened = Database.open(database_url)
        with reopened.begin(write=True) as connection:
            apply_batch(connection, [(seen, "account_read")], catalogue_of, T0)
        reopened.close()
    purse, counts = stored(database, "a"), figures(database)
    with database.begin(write=True) as connection:
        apply_batch(
            connection,
            [(ReadFinished(**{**plain(seen), "account": f"{seen.account}2"}), "account_read") for seen in STORY],
            lambda account: catalogue_of(account[0]),
            T0,
        )
    assert stored(database, "a2") == purse
    assert figures(database, "a2") == counts


def plain(seen: ReadFinished) -> dict[str, object]:
    return {name: getattr(seen, name) for name in seen.__struct_fields__}


def break_off(database: Database) -> None:
    with database.begin(write=True) as connection:
        apply_batch(connection, [(seen, "account_read") for seen in STORY[1:]], catalogue_of, T0)
        connection.execute(text("SELECT * FROM nowhere"))


def test_a_transaction_that_fails_leaves_the_credits_as_they_were(database: Database) -> None:
    with database.begin(write=True) as connection:
        apply_batch(connection, [(STORY[0], "account_read")], catalogue_of, T0)
    before = stored(database, "a")
    with pytest.raises(StoreError):
        break_off(database)
    assert stored(database, "a") == before
    assert "recharges" not in {name for name, *_ in figures(database)}
