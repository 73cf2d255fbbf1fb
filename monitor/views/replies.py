"""The JSON API's answers about accounts, as its clients read them. `docs/reference/api.md` explains the figures."""

from __future__ import annotations

import msgspec

from monitor.errors import DaemonError
from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.snapshot import RecentFigures
from monitor.judgement.tiers.outlook import Advice, TierState
from monitor.observations import Organization
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.formatting import printable


class LimitReply(msgspec.Struct, frozen=True):
    """One finite limit; `used` and `saturation_ratio` are None while unknown. `soft` and `hard` are its thresholds."""

    model: str
    limit: str
    allowed: float
    used: float | None
    saturation_ratio: float | None
    soft: float
    hard: float


class UnlimitedReply(msgspec.Struct, frozen=True):
    """What is used of a limit that is not finite."""

    model: str
    limit: str
    used: float


class SpentReply(msgspec.Struct, frozen=True):
    """Net credits of one model; None is unknown."""

    model: str
    today_credits: float | None
    month_credits: float | None


class RequestsReply(msgspec.Struct, frozen=True):
    """Requests of one kind."""

    kind: str
    total: int
    failed: int
    outcomes: dict[str, int]


class AccountReply(msgspec.Struct, frozen=True):
    """One account as the API tells it, without the raw counts."""

    account: str
    provider: str
    warnings: tuple[str, ...]
    dollars_per_credit: float
    has_credits: bool
    reads: tuple[ReadState, ...]
    organization: Organization | None
    limits: tuple[LimitReply, ...]
    spent: tuple[SpentReply, ...] | None
    tasks: tuple[ModelTasks, ...]
    daily: tuple[DailyOutlook, ...]
    requests: tuple[RequestsReply, ...]
    retries: int
    credits: CreditOutlook | None
    tier: TierState | None = None
    advice: Advice | None = None
    capacity: tuple[ModelCapacity, ...] = ()
    recent: RecentFigures = RecentFigures()
    organization_at: float | None = None
    usage_at: float | None = None
    has_limits: bool = True
    unlimited: tuple[UnlimitedReply, ...] = ()


class Reply(msgspec.Struct, frozen=True):
    """Every account at the evaluation of `at`, Unix seconds, which was `age_seconds` ago."""

    at: float
    age_seconds: float
    accounts: tuple[AccountReply, ...]

    def named(self, name: str | None) -> list[AccountReply]:
        """The account of this name, all for None.

        Raises:
            DaemonError: there is no such account.
        """
        found = [account for account in self.accounts if name in {None, account.account}]
        if name is not None and not found:
            raise DaemonError(self.no_account(name))
        return found

    def no_account(self, name: str) -> str:
        """The message for a name that no account has."""
        there = ", ".join(printable(account.account) for account in self.accounts) or "none"
        return f"no account is named {name!r}; the daemon watches {there}"
