"""Ids of what has been applied, so that nothing is applied twice."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, delete, select

from monitor.store.dialect import insert_missing, upsert
from monitor.store.schema import seen

KEEP_SECONDS = 48 * 3600.0
BATCHES = ""

KNOWN = select(seen.c.account, seen.c.id).where(
    seen.c.account.in_(bindparam("accounts", expanding=True)), seen.c.id.in_(bindparam("ids", expanding=True))
)
FORGET_BATCH = delete(seen).where(seen.c.account == BATCHES, seen.c.id == bindparam("previous"))

Key = tuple[str, str]


def known(connection: Connection, keys: Collection[Key]) -> set[Key]:
    """Those of `keys`, pairs of account and observation id, that were applied before."""
    if not keys:
        return set()
    accounts, ids = {account for account, _ in keys}, {id_ for _, id_ in keys}
    rows = connection.execute(KNOWN, {"accounts": list(accounts), "ids": list(ids)})
    return {(account, id_) for account, id_ in rows}


def remember(connection: Connection, keys: Collection[Key], now: float) -> None:
    """Note that these are applied in this transaction."""
    upsert(connection, seen, [{"account": account, "id": id_, "at": now} for account, id_ in keys])


def begin_batch(connection: Connection, name: str, previous: str, now: float) -> bool:
    """Whether the batch `name` was never committed; it will be with this transaction. Forgets the `previous` batch.

    A connection that breaks while it commits leaves open whether it did. The insert answers that, and waits where the
    server is still busy with the broken connection's transaction.
    """
    connection.execute(FORGET_BATCH, {"previous": previous})
    return insert_missing(connection, seen, {"account": BATCHES, "id": name, "at": now})


def batch_name(writer: str, number: int) -> str:
    """The name of a writer's batch."""
    return f"{writer}:{number}"


def same_writer(one: str, other: str) -> bool:
    """Whether two batches are of one writer."""
    return one.partition(":")[0] == other.partition(":")[0]


def note_batches(connection: Connection, names: Collection[str], now: float) -> None:
    """Note that batches are applied in this transaction, whose writers may live, and not know that they wrote them."""
    upsert(connection, seen, [{"account": BATCHES, "id": name, "at": now} for name in sorted(names)])


def prune(connection: Connection, now: float) -> None:
    """Forget ids older than 48 hours: a sender must not repeat itself later than that."""
    connection.execute(delete(seen).where(seen.c.at < now - KEEP_SECONDS))
