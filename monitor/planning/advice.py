"""The advice of a daemon, as data and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.tiers.outlook import Advice, AdviceVerdict, ModelAdvice, TierState, WindowAdvice
from monitor.views.formatting import TOO_LITTLE_SEEN, amount, counted, dollars, duration, percentage, printable, ratio
from monitor.views.replies import AccountAdvice, AccountReply, Reply, account_advice

FAINT = "dim"
WHY_NOT = {
    AdviceVerdict.TOO_LITTLE_WATCHED: "no advice: too little of this window was watched",
    AdviceVerdict.LIMITS_UNKNOWN: "no advice: the account's limits are unknown",
    AdviceVerdict.SPEND_UNKNOWN: "no advice: the provider's usage is unknown",
    AdviceVerdict.BEYOND_EVERY_TIER: "no tier would have been enough",
}


class AdviceReply(msgspec.Struct, frozen=True):
    """The advice of some accounts at the evaluation of `at`, Unix seconds, which was `age_seconds` ago."""

    at: float
    age_seconds: float
    accounts: tuple[AccountAdvice, ...]


def as_data(reply: Reply, accounts: Iterable[AccountReply]) -> AdviceReply:
    """The advice of these accounts of a daemon's answer."""
    return AdviceReply(reply.at, reply.age_seconds, tuple(map(account_advice, accounts)))


def view(account: AccountReply) -> RenderableType:
    """One account for a terminal."""
    title = f"{account.account} ({account.provider}): {_standing(account.tier)}"
    parts: list[RenderableType] = [Text(printable(title), style="bold")]
    if account.advice is not None:
        for window in account.advice.windows:
            parts.append(Padding(Text(printable(_sentence(window, account.tier))), (1, 0, 0, 2)))
            if table := _peaks(window):
                parts.append(Padding(table, (0, 0, 0, 4), expand=False))
        parts.append(Padding(Text(printable(_source(account.advice)), style=FAINT), (1, 0, 1, 2)))
    if account.capacity:
        parts.append(Padding(_capacity(account.capacity), (1, 0, 1, 2), expand=False))
    return Group(*parts)


def _capacity(models: tuple[ModelCapacity, ...]) -> Table:
    """How each model's queue stands, and how much to ask of it."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style=FAINT)
    for name in ("model", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("recommended\nparallel tasks", "task\ntime", "usual\ntime", "rejected\n(no capacity)"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in models:
        cells = (
            one.model,
            one.state.value if one.state is not None else TOO_LITTLE_SEEN,
            amount(one.recommended_concurrency),
            duration(one.latency_seconds),
            duration(one.baseline_seconds),
            ratio(one.failure_ratio),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _standing(tier: TierState | None) -> str:
    if tier is None:
        return "the provider has no usage tiers"
    if tier.number is None:
        return "tier unknown"
    origin = "inferred from its live limits" if tier.configured is None else "as configured"
    differs = tier.configured is not None and tier.inferred not in {None, tier.configured}
    return f"tier {tier.number}, {origin}" + (f"; its live limits are those of tier {tier.inferred}" if differs else "")


def _sentence(window: WindowAdvice, tier: TierState | None) -> str:
    days = f"last {window.window.removesuffix('d')} days, {percentage(window.watched)} watched"
    if window.tier is None:
        return f"{days}: {WHY_NOT[window.verdict]}"
    return f"{days}: tier {window.tier} would have been enough{_way(window, tier.number if tier else None)}"


def _way(window: WindowAdvice, current: int | None) -> str:
    """What it takes to get to the tier from the one there is."""
    if current is not None and window.tier is not None and window.tier <= current:
        return ", the account's current tier" if window.tier == current else f"; the account is at tier {current}"
    if window.purchased_dollars is None:
        return "; how to reach it is unknown"
    wait = f", then a wait of {counted(window.wait_days, 'day')}" if window.wait_days else ""
    return f"; reaching it takes {dollars(window.purchased_dollars)} of purchases in total{wait}"


def _peaks(window: WindowAdvice) -> Table | None:
    """What was wanted, as far as anything was seen."""
    rows = list(_rows(window))
    if not rows:
        return None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style=FAINT)
    table.add_column("peak demand", no_wrap=True)
    for name in ("in 24 h", "needs", "parallel", "needs"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def _rows(window: WindowAdvice) -> Iterator[tuple[str, ...]]:
    for one in window.models:
        yield _row(one)
    for model in window.unjudged:
        yield model or "no model", "", "not in the table", "", "not in the table"
    if window.spent_credits is not None:
        yield f"credits in 30 days: {amount(window.spent_credits)}", "", _needs(window.spent_tier), "", ""


def _row(one: ModelAdvice) -> tuple[str, ...]:
    generations, at_once = amount(one.generations), amount(one.concurrency)
    return one.model, generations, _needs(one.generations_tier), at_once, _needs(one.concurrency_tier)


def _needs(tier: int | None) -> str:
    return "beyond every tier" if tier is None else f"tier {tier}"


def _source(advice: Advice) -> str:
    return (
        f"Limits of tiers come from the table of {advice.table_date} ({advice.table_source}), those of the account's "
        f"own tier from its live limits. {advice.table_doubt} Parallel tasks include throttled ones, which may wait."
    )
