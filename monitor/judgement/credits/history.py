"""The history of an account's balance as a pure transition: `advance(purse, read, rules) -> purse, increments`.

A step of the balance is judged when the usage has been read on both sides of it: what the balance rose by, beyond what
the usage accounts for, was bought. The read after that must say so too, for the usage may come a little late. Until
then the step waits; without any usage its size decides after a while.
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
"""Seconds within which a read of the balance and one of the usage are taken for one moment."""
APART = 120.0
"""Seconds from which on they cannot be compared."""
PATIENCE = 1800.0
"""Seconds after which a step is judged without the usage."""
CLOCK_STEP = 300.0
LEAST_REFUND = 0.5
"""Credits; what is below is rounding."""


class PurchaseRules(msgspec.Struct, frozen=True):
    """What steps are judged by: the provider's smallest purchase, and how autobilling is configured, if it is."""

    smallest_purchase: float = 0.0
    plan: AutobillingPlan | None = None


class Books(msgspec.Struct, frozen=True):
    """The balance and the net use of each UTC day, `YYYY-MM-DD`, at one moment; `bought` is what was found since."""

    at: float
    balance: float
    days: dict[str, float]
    bought: float = 0.0


class UsageReading(msgspec.Struct, frozen=True):
    """What a usage read said, before a balance is known for its moment."""

    at: float
    days: dict[str, float]


class BalanceHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one account's credits. Times are Unix seconds.

    `since` is from when on no purchase can have been missed, `low_since` since when the balance has been below the
    threshold with nothing bought. `steps` wait for their verdict, `doubted` are those among them that looked like a
    purchase at the last usage read, `use` waits for a balance to go with it.
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


def advance(purse: BalanceHistory | None, read: ReadFinished, rules: PurchaseRules) -> Effect:
    """The purse after an account read, and what it adds to the counts."""
    if isinstance(read.figures, Organization) and read.figures.credit_balance is not None:
        return _see_balance(purse, read, read.figures.credit_balance, rules)
    if isinstance(read.figures, Usage) and purse is not None:
        return _see_usage(purse, read, read.figures, rules)
    return purse, []


def _see_balance(purse: BalanceHistory | None, read: ReadFinished, balance: float, rules: PurchaseRules) -> Effect:
    if purse is None:
        return _watch_threshold(BalanceHistory(balance=balance, at=read.at, since=read.at), rules.plan), []
    if 0 < purse.at - read.at < CLOCK_STEP:
        return purse, []  # came late: a newer one has been seen
    before, purse = purse, _watch_threshold(_move(purse, read.at, balance), rules.plan)
    account, increments = read.account, list[Increment]()
    if purse.use is not None:
        purse, increments = _pair(before, purse, purse.use, account, rules)
    late = [step for step in purse.steps if purse.at - step.at >= PATIENCE]
    if late:
        purse, more = _settle_by_size(purse, late, account, rules)
        unwatched = [step.at for step in late if step.is_long]
        purse, increments = replace(purse, since=max([purse.since, *unwatched])), increments + more
    return purse, increments


def _see_usage(purse: BalanceHistory, read: ReadFinished, usage: Usage, rules: PurchaseRules) -> Effect:
    days: dict[str, float] = {}
    for day in usage.days:
        days[day.date] = days.get(day.date, 0.0) + day.credits
    use = UsageReading(read.at, days)
    if abs(use.at - purse.at) <= TOGETHER:
        return _balance_books(purse, use, purse.at, purse.balance, read.account, rules)
    return replace(purse, use=use), []


def _pair(
    before: BalanceHistory, purse: BalanceHistory, use: UsageReading, account: str, rules: PurchaseRules
) -> tuple[BalanceHistory, list[Increment]]:
    """Put the usage together with the nearer of the two balances around it, if they can be compared.

    Where the balance has risen in between, only one read at the same moment can: nobody knows which side of the rise
    the usage is on.
    """
    nearest = min((purse, before), key=lambda one: abs(one.at - use.at))
    has_risen = bool(purse.steps) and purse.steps[-1].at == purse.at
    if abs(nearest.at - use.at) > (TOGETHER if has_risen else APART):
        return replace(purse, use=None), []
    return _balance_books(purse, use, nearest.at, nearest.balance, account, rules)


def _balance_books(
    purse: BalanceHistory, use: UsageReading, at: float, balance: float, account: str, rules: PurchaseRules
) -> tuple[BalanceHistory, list[Increment]]:
    """Judge the steps up to `at`, when the balance and the use were known."""
    fresh, books = Books(at, balance, use.days), purse.books
    used = None if books is None else _used(books, use)
    if books is None or used is None:
        purse, increments = _settle_by_size(purse, purse.steps, account, rules)
        return replace(purse, books=fresh, doubted=(), use=None), increments
    unexplained = balance - books.balance + used - books.bought
    judged = list(
        zip(purse.steps, by_usage(purse.steps, unexplained, rules.smallest_purchase, rules.plan), strict=True)
    )
    doubted = tuple(step for step, bought in judged if bought and step not in purse.doubted)
    purse, increments = _settle(purse, [(step, bought) for step, bought in judged if step not in doubted], account)
    return replace(purse, books=purse.books if doubted else fresh, doubted=doubted, use=None), increments


def _used(books: Books, use: UsageReading) -> float | None:
    """Net use between the two, over the days that both hold; None when they are too far apart."""
    newest = datetime.fromtimestamp(use.at, UTC).date()
    first = (newest - timedelta(days=USAGE_DAYS)).isoformat()
    if datetime.fromtimestamp(books.at, UTC).date().isoformat() < first:
        return None
    days = {day for day in books.days.keys() | use.days.keys() if day >= first}
    return sum(use.days.get(day, 0.0) - books.days.get(day, 0.0) for day in days)


def _move(purse: BalanceHistory, at: float, balance: float) -> BalanceHistory:
    """The purse at a new balance: a fall is burn, a rise and what nobody watched wait for their verdict."""
    start = min(purse.at, at)
    step = BalanceStep(start, at, purse.balance, balance - purse.balance)
    waits = step.change > 0 or step.is_long
    return replace(
        purse,
        balance=balance,
        at=at,
        steps=(*purse.steps, step) if waits else purse.steps,
        flows=trim(add_spend(purse.flows, start, at, 0.0 if waits else -step.change), at),
        since=min(purse.since, at),
        recharges=tuple(each for each in purse.recharges if each.at > at - SPEND_WINDOW),
    )


def _watch_threshold(purse: BalanceHistory, plan: AutobillingPlan | None) -> BalanceHistory:
    is_low = plan is not None and purse.balance < plan.threshold
    since = purse.at if purse.low_since is None else min(purse.low_since, purse.at)
    return replace(purse, low_since=since if is_low else None)


def _settle_by_size(
    purse: BalanceHistory, steps: Sequence[BalanceStep], account: str, rules: PurchaseRules
) -> tuple[BalanceHistory, list[Increment]]:
    judged = [(step, by_size(step, rules.smallest_purchase, rules.plan)) for step in steps]
    return _settle(purse, judged, account)


def _settle(
    purse: BalanceHistory, judged: Sequence[tuple[BalanceStep, tuple[float, ...]]], account: str
) -> tuple[BalanceHistory, list[Increment]]:
    """Book what each step turned out to be."""
    increments: list[Increment] = []
    for step, bought in judged:
        recharges = tuple(Recharge(step.at, credits_) for credits_ in bought)
        is_new_wait = recharges and purse.low_since is not None
        purse = replace(
            purse,
            flows=add_spend(purse.flows, step.start, step.at, sum(bought) - step.change),
            recharges=(*purse.recharges, *recharges),
            low_since=max(purse.low_since or 0.0, step.at) if is_new_wait else purse.low_since,
        )
        increments += _counts(account, step, bought)
    settled, books = {step for step, _ in judged}, purse.books
    if books is not None:
        books = replace(books, bought=books.bought + sum(sum(bought) for _, bought in judged))
    return replace(purse, steps=tuple(step for step in purse.steps if step not in settled), books=books), increments


def _counts(account: str, step: BalanceStep, bought: tuple[float, ...]) -> Iterator[Increment]:
    if bought:
        yield Increment(account, CounterSpec.RECHARGES, (), len(bought))
        yield Increment(account, CounterSpec.RECHARGED_CREDITS, (), sum(bought))
    refunded = step.change - sum(bought)
    if refunded >= LEAST_REFUND:
        yield Increment(account, CounterSpec.REFUNDS, ())
        yield Increment(account, CounterSpec.REFUNDED_CREDITS, (), refunded)
