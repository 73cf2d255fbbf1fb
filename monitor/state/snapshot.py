"""What an evaluation publishes: an immutable picture that scrapes, pages and the JSON API render."""

from __future__ import annotations

import msgspec

from monitor.model import Organization, TaskStatus, Usage
from monitor.state.tally import Tally


class Series(msgspec.Struct, frozen=True):
    """One durable count."""

    tally: Tally
    labels: tuple[str, ...]
    value: float


class ReadState(msgspec.Struct, frozen=True, kw_only=True):
    """How one account read stands. `age_seconds` is since it last worked, None when it never did."""

    read: str
    up: bool
    age_seconds: float | None = None


class ModelTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Open tasks of one model. `drain_seconds` is None where it cannot be estimated."""

    model: str
    open: dict[TaskStatus, int]
    orphaned: int = 0
    throttled_oldest_age_seconds: float = 0.0
    throttled_drain_seconds: float | None = None
    accepted_24h: int = 0


class AccountSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one moment. Figures that are unknown, or too old to show, are None."""

    account: str
    provider: str
    dollars_per_credit: float
    series: tuple[Series, ...] = ()
    tasks: tuple[ModelTasks, ...] = ()
    reads: tuple[ReadState, ...] = ()
    organization: Organization | None = None
    usage: Usage | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Every account at `at`, Unix seconds."""

    at: float
    accounts: tuple[AccountSnapshot, ...] = ()
