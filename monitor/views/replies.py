"""The JSON API's answers about accounts: the daemon encodes these types, and its clients decode them.

`docs/reference/api.md` explains the figures.
"""

from __future__ import annotations

import msgspec

from monitor.errors import DaemonError
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.figures import limit_uses, requests, retries, spending, unlimited_uses
from monitor.judgement.snapshot import AccountSnapshot, AccountState
from monitor.judgement.tiers.outlook import Advice, TierState
from monitor.views.formatting import printable
from monitor.views.warnings import warnings


class LimitFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One finite limit in its own unit. `used` and `saturation_ratio` are None while unknown.

    `soft` and `hard` are the warning and critical thresholds of the ratio.
    """

    limit: str
    allowed: float
    used: float | None
    saturation_ratio: float | None
    soft: float
    hard: float


class LimitReply(LimitFigures, frozen=True, kw_only=True):
    """One finite limit of a model, or of the whole account, whose `model` is empty."""

    model: str


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


class CountReply(msgspec.Struct, frozen=True):
    """One raw count with its labels."""

    name: str
    labels: dict[str, str]
    value: float


class AccountReply(AccountState, frozen=True, kw_only=True):
    """One account: its state and what follows from it. Clients need no `counts`."""

    warnings: tuple[str, ...]
    limits: tuple[LimitReply, ...]
    unlimited: tuple[UnlimitedReply, ...] = ()
    spent: tuple[SpentReply, ...] | None
    requests: tuple[RequestsReply, ...]
    retries: int
    counts: tuple[CountReply, ...] = ()


class AccountAdvice(msgspec.Struct, frozen=True):
    """What to do about the limits of one account."""

    account: str
    provider: str
    tier: TierState | None
    advice: Advice | None
    capacity: tuple[ModelCapacity, ...]


def account_reply(account: AccountSnapshot, at: float) -> AccountReply:
    """The answer about an account evaluated at `at`, Unix seconds."""
    state = {name: getattr(account, name) for name in AccountState.__struct_fields__}
    spent = spending(account, at)
    return AccountReply(
        **state,
        warnings=tuple(warnings(account, at)),
        limits=tuple(
            LimitReply(
                model=use.model,
                limit=use.limit,
                allowed=use.allowed,
                used=use.used,
                saturation_ratio=use.saturation,
                soft=use.soft,
                hard=use.hard,
            )
            for use in limit_uses(account)
        ),
        unlimited=tuple(UnlimitedReply(use.model, use.limit, use.used) for use in unlimited_uses(account)),
        spent=None if spent is None else tuple(SpentReply(name, x.today, x.month) for name, x in spent.models.items()),
        requests=tuple(RequestsReply(one.kind, one.total, one.failed, one.outcomes) for one in requests(account)),
        retries=retries(account),
        counts=tuple(
            CountReply(one.counter.value, dict(zip(one.counter.labels, one.labels, strict=True)), one.value)
            for one in account.series
        ),
    )


def account_advice(account: AccountState) -> AccountAdvice:
    """The part of an account's state that advises."""
    return AccountAdvice(account.account, account.provider, account.tier, account.advice, account.capacity)


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
