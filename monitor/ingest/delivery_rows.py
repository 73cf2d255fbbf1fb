"""The table of webhooks that wait for the application."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from monitor.store.dialect import lock_accounts
from monitor.store.schema import deliveries

KEEP_SECONDS = 3 * 86400.0
"""How long the application may be down. By then the outputs that webhooks point at are gone."""
MOST_WAITING = 10_000
MOST_BYTES = 256 * 2**20
"""Of one account. The provider must send what comes beyond again."""
LONGEST_DELAY_SECONDS = 600.0
MOST_BYTES_READ = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came. Times are Unix seconds. `attempts` have failed so far."""

    id: int
    content_type: str
    body: bytes
    received_at: float
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """When to try a delivery again, after so many failed attempts."""

    due_at: float
    attempts: int


def add(connection: Connection, account: str, content_type: str, body: bytes, now: float) -> bool:
    """Store a webhook that is due now. Returns whether there was room."""
    lock_accounts(connection, [account])
    mine = deliveries.c.account == account
    total, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(deliveries.c.size), 0)).where(mine)
    ).one()
    if total >= MOST_WAITING or size + len(body) > MOST_BYTES:
        return False
    row = {"account": account, "received_at": now, "due_at": now, "attempts": 0}
    row |= {"content_type": content_type, "size": len(body), "body": body}
    connection.execute(insert(deliveries), row)
    return True


def waiting(connection: Connection, account: str) -> int:
    """How many webhooks of the account wait."""
    counted = select(func.count()).where(deliveries.c.account == account)
    return connection.execute(counted).scalar_one()


def due(connection: Connection, account: str, now: float, limit: int, but: Collection[int]) -> list[Delivery]:
    """Webhooks to forward at `now`, longest waiting first, without those in `but`, and within the bound on memory.

    A webhook that is due later than any delay allows was put off before the clock stepped back, so it is due.
    """
    is_due = or_(deliveries.c.due_at <= now, deliveries.c.due_at > now + LONGEST_DELAY_SECONDS)
    is_wanted = and_(deliveries.c.account == account, is_due, deliveries.c.id.not_in(but))
    order = (deliveries.c.due_at, deliveries.c.id)
    sizes = connection.execute(
        select(deliveries.c.id, deliveries.c.size).where(is_wanted).order_by(*order).limit(limit)
    )
    chosen: list[int] = []
    total = 0
    for id_, size in sizes:
        total += size
        if chosen and total > MOST_BYTES_READ:
            break
        chosen.append(id_)
    columns = (getattr(deliveries.c, name) for name in ("id", "content_type", "body", "received_at", "attempts"))
    rows = connection.execute(select(*columns).where(deliveries.c.id.in_(chosen)).order_by(*order))
    return [Delivery(*row) for row in rows]


def settle(connection: Connection, ends: Mapping[int, Later | None]) -> None:
    """Delete those that are done (None), and put the others off."""
    done = [id_ for id_, later in ends.items() if later is None]
    connection.execute(delete(deliveries).where(deliveries.c.id.in_(done)))
    for id_, later in ends.items():
        if later is not None:
            changed = {"due_at": later.due_at, "attempts": later.attempts}
            connection.execute(update(deliveries).where(deliveries.c.id == id_).values(changed))


def prune(connection: Connection, before: float) -> None:
    """Delete what was received before this time. Its account is no longer configured."""
    connection.execute(delete(deliveries).where(deliveries.c.received_at < before))
