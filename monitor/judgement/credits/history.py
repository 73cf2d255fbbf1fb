"""The history of an account's balance, as a pure function: `advance(history, read, rules) -> history, increments`.

The provider reports a balance and, in another read, the credits used by day. It reports neither purchases nor refunds.
A fall of the balance is spending. A rise may be a purchase, a refund, or both at once with spending in between.

So a rise waits. Once the usage has been read on both sides of it, the books are balanced: what the balance rose by,
beyond what the usage explains, was bought. The next usage read must confirm that, because usage may be reported a
little late. If there is no usage read for half an hour, the size of the rise decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from monitor.judgement.credits.flow import Flow, add_spend, trim
from monitor.judgement.credits.outlook import Recharge
from monitor.judgement.credits.purchases import AutobillingPlan, BalanceStep, by_size, by_usage
from monitor.judgement.daily_limit.ledger import DAY
from monitor.observations import Organization, ReadFinished, Usage
from monitor.tasks.counters import CounterSpec, Increment

SPEND_WINDOW = 30 * DAY
USAGE_DAYS = 29
"""Whole days before today that every usage read holds."""
TOGETHER = 2.0
"""A read of the balance and a read of the usage within so many seconds count as one moment."""
APART = 120.0
"""Further apart than so many seconds they cannot be compared."""
PATIENCE = 1800.0
"""After so many seconds a step is judged without the usage."""
CLOCK_STEP = 300.0
LEAST_REFUND = 0.5
"""Credits. Less is rounding."""


class PurchaseRules(msgspec.Struct, frozen=True):
    """What steps are judged by: the provider's smallest purchase, and the configured autobilling, if any."""

    smallest_purchase: float = 0.0
    plan: AutobillingPlan | None = None


class Books(msgspec.Struct, frozen=True):
    """The balance and the net use of each UTC day, `YYYY-MM-DD`, at one moment. `bought` is what was bought since."""

    at: float
    balance: float
    days: dict[str, float]
    bought: float = 0.0


class UsageReading(msgspec.Struct, frozen=True):
    """A usage read that waits for a balance of its moment."""

    at: float
    days: dict[str, float]


class BalanceHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one account's credits. Times are Unix seconds.

    No purchase since `since` can have been missed. `low_since` is when the balance fell below the threshold without a
    purchase after it. `steps` wait to be judged. `doubted` are those of them that looked like a purchase at the last
    usage read. `use` waits for a balance of its moment.
    """

    balance: float
    at: float
    since: float
    books: Books | None = None
    use: UsageReading | None = None
    steps: tuple[BalanceStep, ...] = ()
    doubted: tuple[BalanceStep, ...] = ()
    flows: tuple[Flow, ...] = ()
    recharges: tuple[Recharge, ...] = ()
    low_since: float | None = None


Effect = tuple[BalanceHistory | None, list[Increment]]


def advance(history: BalanceHistory | None, read: ReadFinished, rules: PurchaseRules) -> Effect:
    """The history after an account read, and what it adds to the counts."""
    if isinstance(read.figures, Organization) and read.figures.credit_balance is not None:
        return _see_balance(history, read, read.figures.credit_balance, rules)
    if isinstance(read.figures, Usage) and history is not None:
        return _see_usage(history, read, read.figures, rules)
    return history, []


def _see_balance(history: BalanceHistory | None, read: ReadFinished, balance: float, rules: PurchaseRules) -> Effect:
    if history is None:
        return _watch_threshold(BalanceHistory(balance=balance, at=read.at, since=read.at), rules.plan), []
    if 0 < history.at - read.at < CLOCK_STEP:
        return history, []  # came late: a newer one has been seen
    before, history = history, _watch_threshold(_move(history, read.at, balance), rules.plan)
    account, increments = read.account, list[Increment]()
    if history.use is not None:
        history, increments = _pair(before, history, history.use, account, rules)
    late = [step for step in history.steps if history.at - step.at >= PATIENCE]
    if late:
        history, more = _settle_by_size(history, late, account, rules)
        unwatched = [step.at for step in late if step.is_long]
        history, increments = replace(history, since=max([history.since, *unwatched])), increments + more
    return history, increments


def _see_usage(history: BalanceHistory, read: ReadFinished, usage: Usage, rules: PurchaseRules) -> Effect:
    days: dict[str, float] = {}
    for day in usage.days:
        days[day.date] = days.get(day.date, 0.0) + day.credits
    use = UsageReading(read.at, days)
    if abs(use.at - history.at) <= TOGETHER:
        return _balance_books(history, use, history.at, history.balance, read.account, rules)
    return replace(history, use=use), []


def _pair(
    before: BalanceHistory, history: BalanceHistory, use: UsageReading, account: str, rules: PurchaseRules
) -> tuple[BalanceHistory, list[Increment]]:
    """Pair the usage with the nearer of the two balances around it, if they can be compared.

    If the balance rose in between, only a balance of the same moment can be paired: the usage may lie on either side of
    the rise.
    """
    nearest = min((history, before), key=lambda one: abs(one.at - use.at))
    has_risen = bool(history.steps) and history.steps[-1].at == history.at
    if abs(nearest.at - use.at) > (TOGETHER if has_risen else APART):
        return replace(history, use=None), []
    return _balance_books(history, use, nearest.at, nearest.balance, account, rules)


def _balance_books(
    history: BalanceHistory, use: UsageReading, at: float, balance: float, account: str, rules: PurchaseRules
) -> tuple[BalanceHistory, list[Increment]]:
    """Judge the steps up to `at`, when both the balance and the usage were known."""
    fresh, books = Books(at, balance, use.days), history.books
    used = None if books is None else _used(books, use)
    if books is None or used is None:
        history, increments = _settle_by_size(history, history.steps, account, rules)
        return replace(history, books=fresh, doubted=(), use=None), increments
    unexplained = balance - books.balance + used - books.bought
    judged = list(
        zip(history.steps, by_usage(history.steps, unexplained, rules.smallest_purchase, rules.plan), strict=True)
    )
    doubted = tuple(step for step, bought in judged if bought and step not in history.doubted)
    history, increments = _settle(history, [(step, bought) for step, bought in judged if step not in doubted], account)
    return replace(history, books=history.books if doubted else fresh, doubted=doubted, use=None), increments


def _used(books: Books, use: UsageReading) -> float | None:
    """Net use between two readings, over the days that both hold. None if they are too far apart."""
    newest = datetime.fromtimestamp(use.at, UTC).date()
    first = (newest - timedelta(days=USAGE_DAYS)).isoformat()
    if datetime.fromtimestamp(books.at, UTC).date().isoformat() < first:
        return None
    days = {day for day in books.days.keys() | use.days.keys() if day >= first}
    return sum(use.days.get(day, 0.0) - books.days.get(day, 0.0) for day in days)


def _move(history: BalanceHistory, at: float, balance: float) -> BalanceHistory:
    """The history at a new balance. A fall is spending. A rise waits to be judged, and so does an unwatched time."""
    start = min(history.at, at)
    step = BalanceStep(start, at, history.balance, balance - history.balance)
    waits = step.change > 0 or step.is_long
    return replace(
        history,
        balance=balance,
        at=at,
        steps=(*history.steps, step) if waits else history.steps,
        flows=trim(add_spend(history.flows, start, at, 0.0 if waits else -step.change), at),
        since=min(history.since, at),
        recharges=tuple(each for each in history.recharges if each.at > at - SPEND_WINDOW),
    )


def _watch_threshold(history: BalanceHistory, plan: AutobillingPlan | None) -> BalanceHistory:
    is_low = plan is not None and history.balance < plan.threshold
    since = history.at if history.low_since is None else min(history.low_since, history.at)
    return replace(history, low_since=since if is_low else None)


def _settle_by_size(
    history: BalanceHistory, steps: Sequence[BalanceStep], account: str, rules: PurchaseRules
) -> tuple[BalanceHistory, list[Increment]]:
    judged = [(step, by_size(step, rules.smallest_purchase, rules.plan)) for step in steps]
    return _settle(history, judged, account)


def _settle(
    history: BalanceHistory, judged: Sequence[tuple[BalanceStep, tuple[float, ...]]], account: str
) -> tuple[BalanceHistory, list[Increment]]:
    """Record what each step turned out to be."""
    increments: list[Increment] = []
    for step, bought in judged:
        recharges = tuple(Recharge(step.at, credits_) for credits_ in bought)
        is_new_wait = recharges and history.low_since is not None
        history = replace(
            history,
            flows=add_spend(history.flows, step.start, step.at, sum(bought) - step.change),
            recharges=(*history.recharges, *recharges),
            low_since=max(history.low_since or 0.0, step.at) if is_new_wait else history.low_since,
        )
        increments += _counts(account, step, bought)
    settled, books = {step for step, _ in judged}, history.books
    if books is not None:
        books = replace(books, bought=books.bought + sum(sum(bought) for _, bought in judged))
    return replace(history, steps=tuple(step for step in history.steps if step not in settled), books=books), increments


def _counts(account: str, step: BalanceStep, bought: tuple[float, ...]) -> Iterator[Increment]:
    if bought:
        yield Increment(account, CounterSpec.RECHARGES, (), len(bought))
        yield Increment(account, CounterSpec.RECHARGED_CREDITS, (), sum(bought))
    refunded = step.change - sum(bought)
    if refunded >= LEAST_REFUND:
        yield Increment(account, CounterSpec.REFUNDS, ())
        yield Increment(account, CounterSpec.REFUNDED_CREDITS, (), refunded)
