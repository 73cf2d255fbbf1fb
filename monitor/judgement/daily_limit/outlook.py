"""What an evaluation shows of a daily limit."""

from __future__ import annotations

import msgspec

from monitor.judgement.limits import LimitOutlook


class Expiry(msgspec.Struct, frozen=True):
    """Some taken slots: how many, and in how many seconds the first and the last of them free."""

    count: int
    first_seconds: float
    last_seconds: float


class DailyOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """The daily limit of one model by our own ledger. `limit` is None where there is none, or it is unknown.

    `exhaustion_seconds` is the expected time until the limit is hit, None unless the outlook is `expected`.
    `free_seconds` is the time until use of a full limit falls below it, None where the ledger alone does not decide
    that; 0 where the provider's newest count is older than a slot that has freed. `freeing` says how many of the taken
    slots are free again within 1, 4 and 12 hours, `next_free_seconds` when the first is, None where none is taken.
    `expiries` are all of the taken slots in the order in which they free, in at most 96 groups. `unseen` more
    generations were in the provider's newest count than in the ledger then: their age is not known.
    """

    model: str
    limit: int | None = None
    outlook: LimitOutlook = LimitOutlook.UNKNOWN
    exhaustion_seconds: float | None = None
    free_seconds: float | None = None
    next_free_seconds: float | None = None
    freeing: dict[str, int] = {}
    expiries: tuple[Expiry, ...] = ()
    unseen: int = 0
