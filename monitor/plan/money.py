"""What the tasks cost, and whether the balance and the monthly spend suffice."""

from __future__ import annotations

import math

from monitor.plan.answer import Cost, LimitAnswer, Span, Verdict
from monitor.plan.request import Request
from monitor.plan.standing import Standing
from monitor.plan.vendor import VENDOR
from monitor.providers.tiers import Tier


def cost(request: Request, standing: Standing) -> Cost:
    """By the price given, else by the dated price list; unknown where neither tells."""
    each, source = _each(request, standing.model)
    if each is None:
        return Cost(credits_per_task=None, credits=None, dollars=None, source=source)
    total = Span(each.least * request.count, each.most * request.count)
    rate = standing.dollars_per_credit
    dollars = Span(round(total.least * rate, 2), round(total.most * rate, 2))
    return Cost(credits_per_task=each, credits=total, dollars=dollars, source=source)


def _each(request: Request, model: str | None) -> tuple[Span | None, str]:
    if request.credits_per_task is not None:
        return Span(request.credits_per_task, request.credits_per_task), "--credits-per-task"
    listed = VENDOR.prices
    price = listed.models.get(model or "") if listed else None
    if price is None or listed is None:
        whose = f"of {model}" if model else "without --model"
        return None, f"no price {whose} is known; give --credits-per-task"
    each = price.credits(request.output_seconds)
    if each is None:
        return None, "the price is by the second of output, not of the run; give --output-seconds or --credits-per-task"
    extra = f"; {price.besides} cost more" if price.besides else ""
    return Span(*each), f"price list of {listed.date}{extra}"


def purchase(spent: Cost, balance: float | None) -> Span | None:
    """Credits that have to be bought for the tasks; anything up to their cost where the balance is not known."""
    if spent.credits is None:
        return None
    if balance is None:
        return Span(0, spent.credits.most)
    return Span(max(0, spent.credits.least - balance), max(0, spent.credits.most - balance))


def balance_limit(spent: Cost, balance: float | None, count: int) -> LimitAnswer:
    """The balance, which has to cover every task when it is submitted."""
    needed = purchase(spent, balance)
    known = balance is not None and needed is not None
    return LimitAnswer(
        limit="credit_balance",
        allowed=None if balance is None else Span(balance, balance),
        used=None,
        needed=spent.credits,
        enough_for=_affordable(spent, balance, count),
        binds=_over(needed, 0) if known else Verdict.UNKNOWN,
        delay_seconds=None,
    )


def _affordable(spent: Cost, balance: float | None, count: int) -> Span | None:
    each = spent.credits_per_task
    if balance is None or each is None:
        return None
    least, most = (
        count if price == 0 else min(count, max(0, math.floor(balance / price))) for price in (each.most, each.least)
    )
    return Span(least, most)


def spend_limit(spent: Cost, standing: Standing) -> LimitAnswer:
    """What may be bought in 30 days. The API does not say what has been, so what fits the limit may still not pass."""
    needed, allowed = purchase(spent, standing.balance_credits), standing.monthly_spend_credits
    return LimitAnswer(
        limit="monthly_spend_credits",
        allowed=None if allowed is None else Span(allowed, allowed),
        used=None,
        needed=needed,
        enough_for=None,
        binds=Verdict.UNKNOWN if needed is None or allowed is None else purchasable(needed, allowed),
        delay_seconds=None,
    )


def purchasable(needed: Span, allowed: float) -> Verdict:
    """Whether the monthly spend is in the way of a purchase."""
    over = _over(needed, allowed)
    return Verdict.MAYBE if over is Verdict.NO and needed.most > 0 else over


def tier_allows(tier: Tier, spent: Cost, standing: Standing) -> Verdict:
    """Whether a tier's monthly spend suffices for the credits that are missing; an unknown price is not in the way."""
    needed = purchase(spent, standing.balance_credits)
    if needed is None:
        return Verdict.YES
    over = _over(needed, tier.monthly_spend_dollars / standing.dollars_per_credit)
    return {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES}.get(over, Verdict.MAYBE)


def _over(needed: Span | None, allowed: float) -> Verdict:
    if needed is None:
        return Verdict.UNKNOWN
    if needed.least > allowed:
        return Verdict.YES
    return Verdict.MAYBE if needed.most > allowed else Verdict.NO
