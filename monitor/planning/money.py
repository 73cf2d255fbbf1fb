"""What the tasks cost, and whether the balance and the monthly spend suffice."""

from __future__ import annotations

import math

from monitor.planning.answer import Cost, LimitAnswer, PlanVerdict, TimeSpan
from monitor.planning.request import Request
from monitor.planning.standing import PlanBasis
from monitor.planning.vendor import VENDOR


def cost(request: Request, standing: PlanBasis) -> Cost:
    """By the price given, else by the dated price list; unknown where neither tells."""
    each, source = _each(request, standing.model)
    if each is None:
        return Cost(credits_per_task=None, credits=None, dollars=None, source=source)
    total = TimeSpan(each.least * request.count, each.most * request.count)
    rate = standing.dollars_per_credit
    dollars = TimeSpan(round(total.least * rate, 2), round(total.most * rate, 2))
    return Cost(credits_per_task=each, credits=total, dollars=dollars, source=source)


def _each(request: Request, model: str | None) -> tuple[TimeSpan | None, str]:
    if request.credits_per_task is not None:
        return TimeSpan(request.credits_per_task, request.credits_per_task), "--credits-per-task"
    listed = VENDOR.prices
    price = listed.models.get(model or "") if listed else None
    if price is None or listed is None:
        whose = f"of {model}" if model else "without --model"
        return None, f"no price {whose} is known; give --credits-per-task"
    each = price.credits(request.output_seconds)
    if each is None:
        return None, "the price is by the second of output, not of the run; give --output-seconds or --credits-per-task"
    extra = f"; {price.besides} cost more" if price.besides else ""
    return TimeSpan(*each), f"price list of {listed.date}{extra}"


def missing(balance: LimitAnswer) -> TimeSpan | None:
    """Credits that have to be bought for the tasks; anything up to their cost where the balance is not known."""
    needed = balance.needed
    if needed is None:
        return None
    if balance.allowed is None:
        return TimeSpan(0, needed.most)
    return TimeSpan(*(max(0.0, end - balance.allowed.least) for end in (needed.least, needed.most)))


def balance_limit(spent: Cost, balance: float | None, count: int) -> LimitAnswer:
    """The balance, which has to cover every task when it is submitted."""
    return LimitAnswer(
        limit="credit_balance",
        allowed=None if balance is None else TimeSpan(balance, balance),
        used=None,
        needed=spent.credits,
        enough_for=_affordable(spent, balance, count),
        binds=_over(spent.credits, balance) if balance is not None else PlanVerdict.UNKNOWN,
        delay_seconds=None,
    )


def _affordable(spent: Cost, balance: float | None, count: int) -> TimeSpan | None:
    each = spent.credits_per_task
    if balance is None or each is None:
        return None
    return TimeSpan(_pays(balance, each.most, count), _pays(balance, each.least, count))


def spend_limit(spent: Cost, standing: PlanBasis) -> LimitAnswer:
    """What may be bought in 30 days. More may have been than is known, so what fits the limit may still not pass."""
    needed = missing(balance_limit(spent, standing.balance_credits, 0))
    allowed = standing.monthly_spend_credits
    over = PlanVerdict.UNKNOWN if allowed is None else _over(needed, max(0.0, allowed - standing.bought_credits))
    unsure = over is PlanVerdict.NO and needed is not None and needed.most > 0 and not standing.bought_known
    return LimitAnswer(
        limit="monthly_spend_credits",
        allowed=None if allowed is None else TimeSpan(allowed, allowed),
        used=standing.bought_credits or (0.0 if standing.bought_known else None),
        needed=needed,
        enough_for=None,
        binds=PlanVerdict.MAYBE if unsure else over,
        delay_seconds=None,
    )


def payable(request: Request, spent: Cost, standing: PlanBasis, monthly_spend: float | None) -> TimeSpan:
    """How many of the tasks the balance and what may still be bought pay for; all, where no price or cap is known."""
    each = spent.credits_per_task
    if each is None or monthly_spend is None:
        return TimeSpan(request.count, request.count)
    left = max(0.0, monthly_spend - standing.bought_credits)
    balance = standing.balance_credits
    least, most = (0.0, math.inf) if balance is None else (balance, balance)
    return TimeSpan(
        *(_pays(funds + left, price, request.count) for funds, price in ((least, each.most), (most, each.least)))
    )


def _pays(funds: float, price: float, count: int) -> int:
    """A rounding error must not cost a task."""
    return count if price == 0 or funds == math.inf else min(count, max(0, math.floor(funds / price + 1e-9)))


def _over(needed: TimeSpan | None, allowed: float) -> PlanVerdict:
    if needed is None:
        return PlanVerdict.UNKNOWN
    if needed.least > allowed:
        return PlanVerdict.YES
    return PlanVerdict.MAYBE if needed.most > allowed else PlanVerdict.NO
