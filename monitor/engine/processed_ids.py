"""Ids of what has been applied, so that nothing is applied twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, bindparam, delete, select, tuple_

from monitor.store.dialect import insert_missing, upsert
from monitor.store.schema import seen

KEEP_SECONDS = 48 * 3600.0
BATCHES = ""

KNOWN = select(seen.c.account, seen.c.id).where(
    seen.c.account.in_(bindparam("accounts", expanding=True)), seen.c.id.in_(bindparam("ids", expanding=True))
)
FORGET_BATCHES = delete(seen).where(seen.c.account == BATCHES, seen.c.id.in_(bindparam("names", expanding=True)))

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


def begin_batch(connection: Connection, name: str, settled: Collection[str], now: float) -> bool:
    """Whether the batch `name` was never committed; it will be with this transaction. Forgets batches that are settled.

    A connection that breaks while it commits leaves open whether it did. The insert answers that, and waits where the
    server is still busy with the broken connection's transaction.
    """
    if settled:
        connection.execute(FORGET_BATCHES, {"names": sorted(settled)})
    return insert_missing(connection, seen, {"account": BATCHES, "id": name, "at": now})


def batch_name(writer: str, number: int) -> str:
    """The name of a writer's batch."""
    return f"{writer}:{number}"


def note_batches(connection: Connection, names: Iterable[str], by: str, now: float) -> dict[str, str]:
    """Note that batches, in the order in which they were written down, are applied in this transaction `by` a batch.

    Their writers may live, and not know that they wrote them. Gives what is noted, by writer: the newest batch of each,
    as none is begun before the last is settled, and none of the writer that applies, who knows.
    """
    newest = {_writer(name): name for name in names}
    newest.pop(_writer(by), None)
    upsert(connection, seen, [{"account": BATCHES, "id": name, "at": now} for name in sorted(newest.values())])
    return newest


def _writer(name: str) -> str:
    return name.partition(":")[0]


def prune(connection: Connection, now: float, limit: int) -> int:
    """Forget ids older than 48 hours: a sender must not repeat itself later than that. How many, `limit` at most."""
    old = select(seen.c.account, seen.c.id).where(seen.c.at < now - KEEP_SECONDS).limit(limit)
    return connection.execute(delete(seen).where(tuple_(seen.c.account, seen.c.id).in_(old))).rowcount
