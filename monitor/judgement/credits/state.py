"""An account's credits, judged by its configuration."""

from __future__ import annotations

from sqlalchemy import Connection

from monitor.config import Account
from monitor.judgement.credits import rows
from monitor.judgement.credits.autobilling import Patience
from monitor.judgement.credits.forecast import Terms, credit_outlook
from monitor.judgement.credits.history import PurchaseRules
from monitor.judgement.credits.outlook import CreditOutlook, Recharge
from monitor.judgement.credits.purchases import AutobillingPlan
from monitor.observations import Organization
from monitor.providers import PROVIDERS


def rules_of(account: Account) -> PurchaseRules:
    """What tells the account's purchases from refunds."""
    return PurchaseRules(PROVIDERS[account.provider].smallest_purchase_credits, _plan(account))


def credits_of(
    connection: Connection, account: Account, limits: Organization | None, now: float, *, is_fresh: bool
) -> CreditOutlook | None:
    """What is shown of the account's credits at `now`. None before its balance was ever read.

    `is_fresh` says that the balance may still be shown.
    """
    history = rows.load(connection, account.name)
    if history is None:
        return None
    cap = limits.monthly_spend_credits if limits is not None else None
    told = tuple(Recharge(each.at, each.credits) for each in account.limits.purchases)
    return credit_outlook(history, Terms(cap, _plan(account), _patience(account), told), now, is_fresh=is_fresh)


def _plan(account: Account) -> AutobillingPlan | None:
    plan = account.limits.autobilling
    return None if plan is None else AutobillingPlan(plan.threshold, plan.amount)


def _patience(account: Account) -> Patience | None:
    pace = PROVIDERS[account.provider].autobilling
    return None if pace is None else Patience(pace.check, pace.check + (pace.attempts - 1) * pace.retry)
