"""Where the tasks will run: an account as a daemon knows it, a tier, or numbers of the user's own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.daily_limit.outlook import Expiry
from monitor.judgement.limits import LimitKind
from monitor.observations import ModelLimits, Organization, TaskStatus
from monitor.planning.request import PlanError, Request
from monitor.planning.vendor import TIERS, VENDOR
from monitor.providers.tiers import TierMatch
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.formatting import counted, printable
from monitor.views.replies import AccountReply, Reply

NAMES_SHOWN = 8


class Origin(StrEnum):
    """Where limits come from."""

    ACCOUNT = "account"
    TIER = "tier"
    OPTIONS = "options"


@dataclass(frozen=True, kw_only=True)
class PlanBasis:
    """What the tasks find. `limits` are several where it is not known which of them holds; None is unknown.

    `used` generations of the last day count against the daily limit; unless `used_known`, the provider's own count of
    them is unknown. `expiries` say when they leave the window, in seconds from now; for the `ageless` nobody knows.
    `running` tasks take up the concurrency. Of the open tasks, at least and at most `ahead` go first. `choice` says why
    it is this model, where the user named none of several. `bought_credits` are known to be bought in the last 30 days;
    with `bought_known`, no others were. A provider without tiers tells no limits: `limits` are advice then.
    """

    origin: Origin
    limits: tuple[ModelLimits, ...]
    used: int = 0
    used_known: bool = True
    expiries: tuple[Expiry, ...] = ()
    running: float | None = None
    ahead: tuple[int, int] = (0, 0)
    account: str | None = None
    provider: str = VENDOR.name
    model: str | None = None
    choice: str | None = None
    tier: int | None = None
    match: TierMatch | None = None
    balance_credits: float | None = None
    monthly_spend_credits: float | None = None
    bought_credits: float = 0.0
    bought_known: bool = False
    dollars_per_credit: float = VENDOR.dollars_per_credit
    has_credits: bool = True

    @property
    def ageless(self) -> int:
        """How many generations of the last day leave the window at a time that is not known."""
        return self.used - sum(expiry.count for expiry in self.expiries)

    @property
    def has_tiers(self) -> bool:
        """Whether the provider has usage tiers."""
        return self.provider == VENDOR.name


def given(request: Request) -> PlanBasis:
    """A tier's limits by the newest table, or the numbers given; a number overrides the tier's.

    Raises:
        PlanError: the table does not hold the model's limits.
    """
    if request.tier is None:
        own = ModelLimits(concurrency=request.concurrency, daily_generations=request.daily)
        return PlanBasis(origin=Origin.OPTIONS, limits=(own,), used=request.used or 0, model=request.model)
    tier = TIERS.newest.tier(request.tier)
    limits = TIERS.limits(TIERS.newest, tier, request.model or "")
    if not limits:
        raise PlanError(
            f"the table of tiers ({TIERS.newest.name}) does not hold the limits of {request.model!r}: "
            "give --concurrency and --daily instead of --tier"
        )
    return PlanBasis(
        origin=Origin.TIER,
        limits=_overridden(limits, request),
        used=request.used or 0,
        model=request.model,
        tier=request.tier,
        monthly_spend_credits=TIERS.monthly_spend_credits(tier),
    )


def live(reply: Reply, request: Request) -> PlanBasis:
    """An account's limits, use and balance as a daemon knows them; numbers given override them.

    Raises:
        PlanError: it is not clear which account or model is meant, or its limits are not known.
    """
    account = _account(reply, request)
    if account.provider != VENDOR.name:
        return _advised(account, request)
    organization = account.organization
    if organization is None:
        raise PlanError(
            f"the limits of account {account.account!r} are not known now: see why with `genmedia-monitor status`, "
            "or plan with --tier, or with --concurrency and --daily"
        )
    model, choice = _model(account, organization, request)
    limits = _overridden((organization.limits[model],), request)
    if any(one.unknown for one in limits):
        raise PlanError(f"not all limits of {model!r} are known now: plan with --concurrency and --daily")
    tasks = _tasks(account, model)
    used, expiries = _window(account, model, reply.age_seconds)
    match = _tier(account, organization)
    money = account.credits or CreditOutlook()
    return PlanBasis(
        origin=Origin.ACCOUNT,
        limits=limits,
        used=used if request.used is None else request.used,
        used_known=request.used is not None or model in organization.daily_generations,
        expiries=expiries if request.used is None else (),
        running=_running(account, tasks),
        ahead=_ahead(tasks),
        account=account.account,
        model=model,
        choice=choice,
        tier=match.tier.number if match else None,
        match=match,
        balance_credits=organization.credit_balance,
        monthly_spend_credits=organization.monthly_spend_credits,
        bought_credits=money.bought_credits or 0.0,
        bought_known=money.coverage == 1.0,
        dollars_per_credit=account.dollars_per_credit,
    )


def _advised(account: AccountReply, request: Request) -> PlanBasis:
    """A provider without limits: as many tasks at once as the monitor recommends, or as the user says."""
    model, choice, advised = request.model, None, {one.model: one.recommended_concurrency for one in account.capacity}
    if model is None and advised:
        model, choice = _most_used(account, advised) or (min(advised, key=lambda name: (advised[name], name)), None)
    at_once = advised.get(model or "") if request.concurrency is None else request.concurrency
    if at_once is None:
        what = f"of {model!r} nothing is known" if request.model else "no model is in use"
        raise PlanError(
            f"account {account.account!r} is at {account.provider}, which has no such limits, and {what}: "
            "plan with --concurrency"
        )
    tasks = _tasks(account, model or "")
    return PlanBasis(
        origin=Origin.ACCOUNT,
        limits=(ModelLimits(concurrency=at_once, daily_generations=request.daily),),
        used=tasks.accepted_24h if request.used is None else request.used,
        expiries=_window(account, tasks.model, 0.0)[1] if request.used is None else (),
        running=_running(account, tasks),
        ahead=_ahead(tasks),
        account=account.account,
        provider=account.provider,
        model=model,
        choice=choice,
        balance_credits=account.organization.credit_balance if account.organization else None,
        dollars_per_credit=account.dollars_per_credit,
        has_credits=account.has_credits,
    )


def _tasks(account: AccountReply, model: str) -> ModelTasks:
    return next((one for one in account.tasks if one.model == model), ModelTasks(model=model, open={}))


def _ahead(tasks: ModelTasks) -> tuple[int, int]:
    return tasks.open.get(TaskStatus.THROTTLED, 0), sum(tasks.open.values())


def _running(account: AccountReply, tasks: ModelTasks) -> float:
    """Tasks that take up the concurrency, as the daemon counts them where there is a limit to count them against."""
    told = (
        limit.used for limit in account.limits if (limit.model, limit.limit) == (tasks.model, LimitKind.CONCURRENCY)
    )
    admitted = next((used for used in told if used is not None), None)
    if admitted is not None:
        return admitted
    return tasks.admitted


def _window(account: AccountReply, model: str, age_seconds: float) -> tuple[int, tuple[Expiry, ...]]:
    """The generations of the last day, and when those leave the window that passed through the daemon.

    The daemon's figures are `age_seconds` old. Whole seconds, rounded up: a place is not promised before it is free.
    """
    theirs = account.organization.daily_generations.get(model, 0) if account.organization else 0
    outlook = next((one for one in account.daily if one.model == model and one.expiries), None)
    if outlook is None:
        return max(theirs, _tasks(account, model).accepted_24h), ()
    expiries = tuple(
        Expiry(one.count, *(max(0.0, math.ceil(at - age_seconds)) for at in (one.first_seconds, one.last_seconds)))
        for one in outlook.expiries
        if one.last_seconds > age_seconds
    )
    return sum(one.count for one in expiries) + outlook.unseen, expiries


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
        raise PlanError("there is no account" if request.account is None else reply.no_account(request.account))
    if len(meant) > 1:
        names = _listed(account.account for account in meant)
        raise PlanError(f"there are several accounts: name one with --account ({names})")
    return meant[0]


def _model(account: AccountReply, organization: Organization, request: Request) -> tuple[str, str | None]:
    """The model asked for, or the only one there is; else one of them, and why this one.

    The most used of the last 24 hours; where none is, the one with the tightest limits, so that the plan holds for
    every other model too.
    """
    known = organization.limits
    if request.model is not None:
        if request.model not in known:
            there = f"it has {_listed(known)}" if known else "the provider lists none"
            raise PlanError(f"account {account.account!r} has no model {request.model!r}: {there}")
        return request.model, None
    if not known:
        raise PlanError(f"the provider lists no model for account {account.account!r}: plan with --concurrency")
    if len(known) == 1:
        return next(iter(known)), None
    usable = {model: limits for model, limits in known.items() if not _overridden((limits,), request)[0].unknown}
    if chosen := _most_used(account, usable or known):
        return chosen
    open_ = {model: limits for model, limits in usable.items() if limits.daily_generations != 0}
    tightest = min(open_ or usable or known, key=lambda model: (*_tightness(known[model]), model))
    return tightest, "no model is in use; of all, its limits are the tightest"


def _most_used(account: AccountReply, models: Iterable[str]) -> tuple[str, str | None] | None:
    """The model with the most generations of the last day, open tasks counting where these are equal; None for none."""
    uses = {model: (_window(account, model, 0.0)[0], sum(_tasks(account, model).open.values())) for model in models}
    used = sorted(model for model, use in uses.items() if any(use))
    if not used:
        return None
    chosen = max(used, key=uses.__getitem__)
    others = f"the most of {len(used)} models" if len(used) > 1 else "the only model in use"
    return chosen, f"{counted(uses[chosen][0], 'generation')} in the last 24 hours, {others}"


def _tightness(limits: ModelLimits) -> list[float]:
    return [math.inf if value is None else value for value in (limits.daily_generations, limits.concurrency)]


def _listed(names: Iterable[str]) -> str:
    shown = [printable(name) for name in names]
    more = len(shown) - NAMES_SHOWN
    return ", ".join(shown[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
