"""The answer as data: `--json` prints it, the view words it. Its shape is promised in `docs/reference/plan.md`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class PlanVerdict(StrEnum):
    """What can be said of a question; MAYBE where it depends on what is not known."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"
    UNKNOWN = "unknown"


class TimeSpan(msgspec.Struct, frozen=True):
    """A figure, or the bounds of one that is not known exactly; infinity, null in JSON, is never."""

    least: float
    most: float


class Moments(msgspec.Struct, frozen=True):
    """The same of a time, in the local zone; None is never."""

    earliest: datetime | None
    latest: datetime | None


class LimitAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One limit, in its own unit. `allowed` is None where there is none or it is not known.

    `needed` is what the tasks take of it and `enough_for` how many of them it suffices for at once; `delay_seconds` is
    how much sooner, at the worst, they would be done without it. None where that means nothing or is not known.
    """

    limit: str
    allowed: TimeSpan | None
    used: float | None
    needed: TimeSpan | None
    enough_for: TimeSpan | None
    binds: PlanVerdict
    delay_seconds: float | None


class AcceptedBy(msgspec.Struct, frozen=True):
    """So many tasks that the daily limit lets in together."""

    count: int
    at: Moments


class Today(msgspec.Struct, frozen=True):
    """How many tasks are accepted and finished before midnight."""

    until: datetime
    accepted: TimeSpan
    finished: TimeSpan


class By(msgspec.Struct, frozen=True):
    """Whether all is done at the time asked for, and how many are."""

    at: datetime
    met: PlanVerdict
    finished: TimeSpan


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What the tasks cost; None where no price is known. `source` says where the price is from, or what is missing."""

    credits_per_task: TimeSpan | None
    credits: TimeSpan | None
    dollars: TimeSpan | None
    source: str


class TierAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The same tasks at a tier of the newest table. Dollars and days are None where the table does not tell."""

    tier: int
    concurrency: TimeSpan
    daily_generations: TimeSpan
    monthly_spend_dollars: float
    purchased_dollars: float | None
    wait_days: int | None
    takes_seconds: TimeSpan
    done: Moments
    makes_it: PlanVerdict


class Disagreement(msgspec.Struct, frozen=True):
    """A live limit that the table of tiers has otherwise. `model` is empty for the account's; null is unlimited."""

    model: str
    limit: str
    live: float | None
    table: tuple[float, ...]


class TierOf(msgspec.Struct, frozen=True, kw_only=True):
    """The tier that the limits are of, and the table that says so."""

    tier: int
    table: str
    date: str
    source: str
    disagreements: tuple[Disagreement, ...] = ()


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A plan made at `at`. `binding` are the limits that are in the way, the hardest first.

    `choice` says why it is this model, where none of several was named. Without credits, what is called so are dollars.
    """

    at: datetime
    count: int
    seconds: float
    origin: str
    account: str | None
    provider: str | None
    model: str | None
    choice: str | None
    tier: TierOf | None
    takes_seconds: TimeSpan
    done: Moments
    binding: tuple[str, ...]
    limits: tuple[LimitAnswer, ...]
    accepted: tuple[AcceptedBy, ...]
    today: Today
    by: By | None
    cost: Cost
    has_credits: bool
    tiers: tuple[TierAnswer, ...]
    lowest_tier: int | None
    notes: tuple[str, ...]
