"""Ids of observations and batches that have been applied, so that nothing is applied twice."""

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
    """Mark these as applied in this transaction."""
    upsert(connection, seen, [{"account": account, "id": id_, "at": now} for account, id_ in keys])


def begin_batch(connection: Connection, name: str, settled: Collection[str], now: float) -> bool:
    """Mark the batch `name` as committed. False if an earlier attempt committed it. Forgets `settled` batches.

    A connection that breaks during a commit leaves it open whether the commit happened. This insert answers that, and
    waits while the server is still busy with the broken connection's transaction.
    """
    if settled:
        connection.execute(FORGET_BATCHES, {"names": sorted(settled)})
    return insert_missing(connection, seen, {"account": BATCHES, "id": name, "at": now})


def batch_name(writer: str, number: int) -> str:
    """The name of a writer's batch."""
    return f"{writer}:{number}"


def note_batches(connection: Connection, names: Iterable[str], by: str, now: float) -> dict[str, str]:
    """Mark journaled batches, oldest first, as applied in this transaction by the batch `by`.

    Their writers may still run, unaware that the batch committed. A writer begins no batch before the last is settled,
    so the newest of each writer is enough. The writer that applies needs no mark. Returns what is marked, by writer.
    """
    newest = {_writer(name): name for name in names}
    newest.pop(_writer(by), None)
    upsert(connection, seen, [{"account": BATCHES, "id": name, "at": now} for name in sorted(newest.values())])
    return newest


def _writer(name: str) -> str:
    return name.partition(":")[0]


def prune(connection: Connection, now: float, limit: int) -> int:
    """Forget at most `limit` ids older than 48 hours. A sender must not repeat itself later. Return how many."""
    old = select(seen.c.account, seen.c.id).where(seen.c.at < now - KEEP_SECONDS).limit(limit)
    return connection.execute(delete(seen).where(tuple_(seen.c.account, seen.c.id).in_(old))).rowcount
