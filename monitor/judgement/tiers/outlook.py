"""What is shown of an account's usage tier: which it is, how the newest table differs, which would have been enough."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Mismatch(msgspec.Struct, frozen=True):
    """A live limit beside what the newest table of tiers may have for it.

    `model` is empty for the account's own limit. A limit of None is unlimited.
    """

    model: str
    limit: str
    live: float | None
    table: tuple[float, ...]


class TierState(msgspec.Struct, frozen=True, kw_only=True):
    """The usage tier of an account, as its user configured it and as its live limits show it.

    `mismatches` compare the live limits with `table`, the newest one, at the tier `compared`: the configured tier, else
    the inferred, else the nearest. They are None while the live limits are unknown, or if the table has none of them.
    """

    table: str
    configured: int | None = None
    inferred: int | None = None
    compared: int | None = None
    mismatches: tuple[Mismatch, ...] | None = None

    @property
    def number(self) -> int | None:
        """The tier to use."""
        return self.inferred if self.configured is None else self.configured


class AdviceVerdict(StrEnum):
    """What can be said of the lowest tier that would have been enough."""

    ADVISED = "advised"
    TOO_LITTLE_WATCHED = "too_little_watched"
    LIMITS_UNKNOWN = "limits_unknown"
    SPEND_UNKNOWN = "spend_unknown"
    BEYOND_EVERY_TIER = "beyond_every_tier"


class ModelAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """Peaks of one model, and the lowest tier that each would have fitted in. None if no tier fits.

    `generations` is the most in any 24 hours, by the provider's count or ours. `concurrency` is the most open tasks at
    one time that polls have shown, throttled ones included.
    """

    model: str
    generations: int
    concurrency: int
    generations_tier: int | None
    concurrency_tier: int | None


class WindowAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """The advice of one window. `watched` is the share of the window that was watched.

    `tier` is the lowest that would have been enough. It is reached once `purchased_dollars` have been bought and
    `wait_days` have passed. All three are None unless the verdict is `advised`. `spent_credits` are those of the last
    30 days, whatever the window, because the tier's limit counts 30 days. The table does not hold the limits of the
    models in `unjudged`.
    """

    window: str
    watched: float
    verdict: AdviceVerdict
    tier: int | None = None
    purchased_dollars: float | None = None
    wait_days: int | None = None
    spent_credits: float | None = None
    spent_tier: int | None = None
    models: tuple[ModelAdvice, ...] = ()
    unjudged: tuple[str, ...] = ()


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Which usage tier would have been enough, by the newest table; at the account's own tier, by its live limits."""

    table: str
    table_date: str
    table_source: str
    table_doubt: str
    windows: tuple[WindowAdvice, ...]
