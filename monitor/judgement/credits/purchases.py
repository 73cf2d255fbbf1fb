"""Whether a rise of the balance was a purchase or a refund.

The provider reports neither. Three things tell them apart. A purchase has a least size. A refund shows as less use in
the usage read, and a purchase does not show there. And the amount that autobilling buys is configured.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

GAP = 600.0
"""Seconds between two reads of the balance. In a longer time, spending can hide a purchase."""
NEARLY = 0.9
RISEN = 0.8
"""Shares of an expected amount that count as that amount: by the books, and by the rise itself, which charges
reduce.
"""
LEAST_SHARE = 0.25
"""The share of a step that the usage must leave unexplained. Less is a difference in time between two reads."""


class AutobillingPlan(msgspec.Struct, frozen=True):
    """The provider's setting as configured: it buys `amount` credits when the balance is below `threshold`."""

    threshold: float
    amount: float


class BalanceStep(msgspec.Struct, frozen=True):
    """The balance moved by `change` between reads at `start` and `at`, from `before`. Times are Unix seconds."""

    start: float
    at: float
    before: float
    change: float

    @property
    def is_long(self) -> bool:
        """Whether so much time passed that a fall proves nothing."""
        return self.at - self.start > GAP


def by_usage(
    steps: Sequence[BalanceStep], unexplained: float, least: float, plan: AutobillingPlan | None
) -> list[tuple[float, ...]]:
    """The purchases in each step, when the balance rose by `unexplained` more than use and refunds explain.

    `least` is the smallest purchase.
    """
    bought = _holders(steps, unexplained, least)
    rises = sum(max(steps[index].change, 0.0) for index in bought)
    amounts = [_of_plan(total, plan) for total in (unexplained, rises)]
    parts = next((found for found in amounts if len(found) >= len(bought)), ())
    found: list[tuple[float, ...]] = [()] * len(steps)
    for position, index in enumerate(bought):
        if parts:
            found[index] = parts[position :: len(bought)]
        else:
            found[index] = (_estimate(steps[index], unexplained, rises),)
    return found


def by_size(step: BalanceStep, least: float, plan: AutobillingPlan | None) -> tuple[float, ...]:
    """The purchases in one step without the usage. Only a rise of the right size is one."""
    if step.change < NEARLY * least:
        return ()
    if plan is None:
        return (step.change,)
    if parts := _of_plan(step.change, plan):
        return parts
    is_clipped = step.before < plan.threshold and step.change < plan.amount
    return (step.change,) if is_clipped else ()


def _holders(steps: Sequence[BalanceStep], unexplained: float, least: float) -> list[int]:
    """The steps that hold a purchase: the highest rises until all is explained, then steps that nobody watched."""
    order = sorted(range(len(steps)), key=lambda index: (steps[index].is_long, -steps[index].change))
    holders, left = [], unexplained
    for index in order:
        step = steps[index]
        wanted = NEARLY * least if step.is_long else max(NEARLY * least, LEAST_SHARE * step.change)
        if left >= wanted and (step.is_long or step.change >= RISEN * least):
            holders.append(index)
            left -= max(step.change, 0.0)
    return holders


def _of_plan(credits_: float, plan: AutobillingPlan | None) -> tuple[float, ...]:
    """The configured amounts that add up to about so many credits."""
    if plan is None:
        return ()
    times = max(1, round(credits_ / plan.amount))
    return (plan.amount,) * times if abs(credits_ - times * plan.amount) <= (1 - NEARLY) * plan.amount else ()


def _estimate(step: BalanceStep, unexplained: float, rises: float) -> float:
    """Credits bought in a step, by the books unless charges beside the purchase cannot explain the difference."""
    if step.is_long:
        return unexplained - rises + max(step.change, 0.0)
    books = step.change * unexplained / rises
    return step.change if NEARLY * step.change <= books < step.change else min(books, 2 * step.change)
