"""Where the tasks will run: an account as a daemon knows it, a tier, or numbers of the user's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from monitor.model import ModelLimits, Organization, TaskStatus
from monitor.plan.request import PlanError, Request
from monitor.plan.vendor import TIERS, VENDOR
from monitor.providers.tiers import TierMatch
from monitor.state.snapshot import ModelTasks
from monitor.status.daemon import AccountReply, Reply, no_account
from monitor.wording import printable

NAMES_SHOWN = 8


class Origin(StrEnum):
    """Where limits come from."""

    ACCOUNT = "account"
    TIER = "tier"
    OPTIONS = "options"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the tasks find. `limits` are several where it is not known which of them holds; None is unknown.

    `used` generations of the last day count against the daily limit, as far as the provider's own count is known
    (`used_known`). Of the open tasks, at least and at most `ahead` go first.
    """

    origin: Origin
    limits: tuple[ModelLimits, ...]
    used: int = 0
    used_known: bool = True
    ahead: tuple[int, int] = (0, 0)
    account: str | None = None
    model: str | None = None
    tier: int | None = None
    match: TierMatch | None = None
    balance_credits: float | None = None
    monthly_spend_credits: float | None = None
    dollars_per_credit: float = VENDOR.dollars_per_credit


def given(request: Request) -> Standing:
    """A tier's limits by the newest table, or the numbers given; a number overrides the tier's.

    Raises:
        PlanError: the table does not hold the model's limits.
    """
    if request.tier is None:
        own = ModelLimits(concurrency=request.concurrency, daily_generations=request.daily)
        return Standing(origin=Origin.OPTIONS, limits=(own,), used=request.used or 0, model=request.model)
    tier = TIERS.newest.tier(request.tier)
    limits = TIERS.limits(TIERS.newest, tier, request.model or "")
    if not limits:
        raise PlanError(
            f"the table of tiers ({TIERS.newest.name}) does not hold the limits of {request.model!r}: "
            "give --concurrency and --daily instead of --tier"
        )
    return Standing(
        origin=Origin.TIER,
        limits=_overridden(limits, request),
        used=request.used or 0,
        model=request.model,
        tier=request.tier,
        monthly_spend_credits=TIERS.monthly_spend_credits(tier),
    )


def live(reply: Reply, request: Request) -> Standing:
    """An account's limits, use and balance as a daemon knows them; numbers given override them.

    Raises:
        PlanError: it is not clear which account or model is meant, or its limits are not known.
    """
    account = _account(reply, request)
    organization = account.organization
    if organization is None:
        raise PlanError(
            f"the limits of account {account.account!r} are not known now: see why with `genmedia-monitor status`, "
            "or plan with --tier, or with --concurrency and --daily"
        )
    model = _model(account, organization, request)
    limits = _overridden((organization.limits[model],), request)
    if any(one.unknown for one in limits):
        raise PlanError(f"not all limits of {model!r} are known now: plan with --concurrency and --daily")
    tasks = next((one for one in account.tasks if one.model == model), ModelTasks(model=model, open={}))
    seen = max(organization.daily_generations.get(model, 0), tasks.accepted_24h)
    match = _tier(account, organization)
    return Standing(
        origin=Origin.ACCOUNT,
        limits=limits,
        used=seen if request.used is None else request.used,
        used_known=request.used is not None or model in organization.daily_generations,
        ahead=(tasks.open.get(TaskStatus.THROTTLED, 0), sum(tasks.open.values())),
        account=account.account,
        model=model,
        tier=match.tier.number if match else None,
        match=match,
        balance_credits=organization.credit_balance,
        monthly_spend_credits=organization.monthly_spend_credits,
        dollars_per_credit=account.dollars_per_credit,
    )


def _tier(account: AccountReply, organization: Organization) -> TierMatch | None:
    """The tier that the daemon's configuration names, else the one that the limits betray."""
    configured = account.tier.configured if account.tier is not None else None
    inferred = TIERS.infer(organization)
    if configured is None or (inferred is not None and inferred.tier.number == configured):
        return inferred
    table, tier = TIERS.newest, TIERS.newest.tier(configured)
    return TierMatch(tier, table, table, tuple(TIERS.disagreements(table, tier, organization)))


def _overridden(limits: Iterable[ModelLimits], request: Request) -> tuple[ModelLimits, ...]:
    own = {"concurrency": request.concurrency, "daily_generations": request.daily}
    changes = {limit: value for limit, value in own.items() if value is not None}
    return tuple(dict.fromkeys(_with(one, changes) for one in limits))


def _with(limits: ModelLimits, changes: dict[str, int]) -> ModelLimits:
    """The limits with some of them replaced, which are known then."""
    return replace(limits, **changes, unknown=tuple(limit for limit in limits.unknown if limit not in changes))


def _account(reply: Reply, request: Request) -> AccountReply:
    """The account asked for; without one, the only one that has such limits, or the only one there is."""
    if request.account is None:
        meant = [account for account in reply.accounts if account.provider == VENDOR.name] or reply.accounts
    else:
        meant = [account for account in reply.accounts if account.account == request.account]
    if not meant:
        raise PlanError("there is no account" if request.account is None else no_account(reply, request.account))
    if len(meant) > 1:
        names = _listed(account.account for account in meant)
        raise PlanError(f"there are several accounts: name one with --account ({names})")
    if meant[0].provider != VENDOR.name:
        raise PlanError(f"account {meant[0].account!r} is at {meant[0].provider}, which has no such limits")
    return meant[0]


def _model(account: AccountReply, organization: Organization, request: Request) -> str:
    """The model asked for; without one, the only one there is or is in use."""
    known = organization.limits
    if request.model is not None:
        if request.model not in known:
            there = f"it has {_listed(known)}" if known else "the provider lists none"
            raise PlanError(f"account {account.account!r} has no model {request.model!r}: {there}")
        return request.model
    used = {model for model, count in organization.daily_generations.items() if count}
    used |= {tasks.model for tasks in account.tasks}
    choice = list(known) if len(known) == 1 else sorted(used & known.keys())
    if len(choice) != 1:
        raise PlanError(f"every model has limits of its own: name one with --model ({_listed(choice or known)})")
    return choice[0]


def _listed(names: Iterable[str]) -> str:
    shown = [printable(name) for name in names]
    more = len(shown) - NAMES_SHOWN
    return ", ".join(shown[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
