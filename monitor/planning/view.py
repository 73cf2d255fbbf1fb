"""The answer in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.planning.answer import AcceptedBy, LimitAnswer, Moments, PlanAnswer, PlanVerdict, TierAnswer, TimeSpan
from monitor.planning.vendor import VENDOR
from monitor.views.formatting import UNKNOWN, amount, counted, dollars, duration, printable, words

FAINT = "dim"
STYLES = {PlanVerdict.YES: "green", PlanVerdict.MAYBE: "yellow", PlanVerdict.NO: "red", PlanVerdict.UNKNOWN: ""}
BINDS = {PlanVerdict.YES: "yellow", PlanVerdict.MAYBE: "yellow"}
GROUPS_SHOWN = 4
WIDE = 130


def view(answer: PlanAnswer, width: int) -> RenderableType:
    """The whole answer for a terminal of that many columns."""
    parts: list[RenderableType] = [
        Text(printable(_title(answer)), style="bold"),
        _section(_facts(answer)),
        _section(_limits(answer)),
    ]
    if answer.tiers:
        parts.append(_section(_tiers(answer, wide=width >= WIDE)))
    parts.append(_section(_notes(answer)))
    return Group(*parts)


def _section(table: Table) -> Padding:
    return Padding(table, (1, 0, 0, 2), expand=False)


def _title(answer: PlanAnswer) -> str:
    tasks = f"{counted(answer.count, 'task')} of {_seconds(answer.seconds)}"
    model = f" on {answer.model}" if answer.model else ""
    where = {
        "account": f"account {answer.account}, {_whose(answer)}",
        "tier": f"tier {answer.tier.tier} by the table of {answer.tier.date}" if answer.tier else "",
        "options": "the limits given",
    }[answer.origin]
    return f"{tasks}{model}: {where}"


def _whose(answer: PlanAnswer) -> str:
    if answer.provider != VENDOR.name:
        return f"without limits at {answer.provider}"
    return f"its live limits, {f'tier {answer.tier.tier}' if answer.tier else 'tier unknown'}"


def _facts(answer: PlanAnswer) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style=FAINT, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _fact_rows(answer):
        grid.add_row(name, value if isinstance(value, Text) else Text(printable(value)))
    return grid


def _fact_rows(answer: PlanAnswer) -> Iterator[tuple[str, str | Text]]:
    if answer.choice is not None:
        yield "model", f"{answer.model}: {answer.choice} (--model names another)"
    yield "takes", _span(answer.takes_seconds, _seconds)
    yield "done", _moments(answer.done, answer.at)
    if answer.by is not None:
        yield f"by {_moment(answer.by.at, answer.at)}", _by(answer)
    yield "held up by", ", ".join(_binding(answer)) or "nothing"
    yield "accepted", "; ".join(_accepted(answer))
    today = answer.today
    yield "today", f"{_of(today.accepted, answer.count)} accepted, {_of(today.finished, answer.count)} finished"
    yield "cost", _cost(answer)
    if answer.tiers:
        yield "tier", _lowest(answer)


def _binding(answer: PlanAnswer) -> Iterator[str]:
    verdicts = {limit.limit: limit.binds for limit in answer.limits}
    for limit in answer.binding:
        yield f"{'perhaps ' if verdicts[limit] is PlanVerdict.MAYBE else ''}{_limit_name(limit)}"


def _by(answer: PlanAnswer) -> Text:
    by = answer.by
    if by is None:
        return Text()
    done = "" if by.met is PlanVerdict.YES else f": {_of(by.finished, answer.count)} are done by then"
    return Text(f"{by.met}{done}", style=STYLES[by.met])


def _lowest(answer: PlanAnswer) -> str:
    what = "accepts all at once" if answer.by is None else "is done in time"
    lowest = next((tier for tier in answer.tiers if tier.tier == answer.lowest_tier), None)
    if lowest is None:
        return f"none {what} for sure: ask the provider for higher limits"
    yours = " (yours)" if _is_yours(answer, lowest) else ""
    return f"{lowest.tier}{yours} is the lowest that {what}: {_reach(answer, lowest)}"


def _is_yours(answer: PlanAnswer, tier: TierAnswer) -> bool:
    return answer.account is not None and answer.tier is not None and tier.tier == answer.tier.tier


def _accepted(answer: PlanAnswer) -> Iterator[str]:
    shown = answer.accepted if len(answer.accepted) <= GROUPS_SHOWN else answer.accepted[: GROUPS_SHOWN - 1]
    for group in shown:
        yield f"{amount(group.count)} {_group_at(group, answer.at)}"
    if len(shown) < len(answer.accepted):
        rest = sum(group.count for group in answer.accepted[len(shown) :])
        yield f"{amount(rest)} later, the last {_group_at(answer.accepted[-1], answer.at)}"


def _group_at(group: AcceptedBy, now: datetime) -> str:
    if group.at.latest == now:
        return "at once"
    if group.at.earliest == now:
        return f"between now and {_moment(group.at.latest, now)}"
    return _moments(group.at, now)


def _cost(answer: PlanAnswer) -> str:
    cost = answer.cost
    if cost.credits is None or cost.dollars is None or cost.credits_per_task is None:
        return f"{UNKNOWN}: {cost.source}"
    if not answer.has_credits:
        return f"{_span(cost.dollars, dollars)} ({_span(cost.credits_per_task, dollars)} a task; {cost.source})"
    each = f"{_span(cost.credits_per_task, amount)} a task"
    return f"{_span(cost.credits, amount)} credits, {_span(cost.dollars, dollars)} ({each}; {cost.source})"


def _limits(answer: PlanAnswer) -> Table:
    table = _table("limit", "allowed", "used", "needed", "enough for", "in the way")
    for limit in answer.limits:
        word = amount if answer.has_credits or limit.limit != "credit_balance" else dollars
        # Tasks need no certain concurrency, and of a balance nothing is used: it is what is left.
        needed = "" if limit.limit == "concurrency" else _span(limit.needed, word)
        used = "" if limit.limit == "credit_balance" else amount(limit.used)
        cells = (needed, _span(limit.enough_for, amount))
        way = Text(_way(limit), style=BINDS.get(limit.binds, ""))
        table.add_row(_limit_name(limit.limit), _allowed(limit, word), used, *cells, way)
    return table


def _allowed(limit: LimitAnswer, word: Callable[[float], str]) -> str:
    if limit.allowed is not None:
        return _span(limit.allowed, word)
    return "unlimited" if limit.limit in {"concurrency", "daily_generations"} else UNKNOWN


def _way(limit: LimitAnswer) -> str:
    if not limit.delay_seconds:
        return str(limit.binds)
    longer = "for ever" if limit.delay_seconds == math.inf else f"{_seconds(limit.delay_seconds)} longer"
    return f"{limit.binds}, {longer}"


def _tiers(answer: PlanAnswer, *, wide: bool) -> Table:
    enough = "all at once" if answer.by is None else f"by {_moment(answer.by.at, answer.at)}"
    table = _table(
        "tier", "concurrency", "in 24 h", "takes", *(("done", "spend in 30 d") if wide else ()), enough, "reached"
    )
    for tier in answer.tiers:
        more = (_moments(tier.done, answer.at), _price(tier.monthly_spend_dollars)) if wide else ()
        table.add_row(
            f"{tier.tier}{' (yours)' if _is_yours(answer, tier) else ''}",
            _span(tier.concurrency, amount),
            _span(tier.daily_generations, amount),
            _span(tier.takes_seconds, _seconds),
            *more,
            Text(tier.makes_it, style=STYLES[tier.makes_it]),
            _reach(answer, tier),
        )
    return table


def _reach(answer: PlanAnswer, tier: TierAnswer) -> str:
    if answer.account is not None and answer.tier is not None and tier.tier <= answer.tier.tier:
        return "reached"
    if tier.purchased_dollars is None or tier.wait_days is None:
        return UNKNOWN
    if not tier.purchased_dollars:
        return "from the start"
    wait = f"{tier.wait_days} d after" if tier.wait_days else "with"
    return f"{wait} {_price(tier.purchased_dollars)} bought"


def _price(value: float) -> str:
    return dollars(value).removesuffix(".00")


def _notes(answer: PlanAnswer) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column()
    grid.add_column(overflow="fold")
    for note in answer.notes:
        grid.add_row("-", Text(printable(note)))
    return grid


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=FAINT)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _limit_name(limit: str) -> str:
    return words(limit.removesuffix("_credits"))


def _of(some: TimeSpan, count: int) -> str:
    if some.least == count:
        return f"all {amount(count)}"
    return f"{_span(some, amount)} of {amount(count)}"


def _span(span: TimeSpan | None, word: Callable[[float], str]) -> str:
    if span is None:
        return UNKNOWN
    ends = [word(end) if end != math.inf else "never" for end in (span.least, span.most)]
    return " to ".join(dict.fromkeys(ends))


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 1 or seconds != round(seconds) else duration(seconds)


def _moments(moments: Moments, now: datetime) -> str:
    earliest, latest = moments.earliest, moments.latest
    first, last = _moment(earliest, now), _moment(latest, now)
    if earliest is not None and latest is not None and first != last and earliest.date() == latest.date():
        return f"{first.removesuffix(f' {earliest:%Z}')} to {latest:%H:%M %Z}"
    return " to ".join(dict.fromkeys((first, last)))


def _moment(at: datetime | None, now: datetime) -> str:
    """Local time and zone, with the day where it is not today's and the year where it is not this one."""
    if at is None:
        return "never"
    day = "" if at.date() == now.date() else "%a %-d %b "
    year = "" if at.year == now.year else "%Y "
    return at.strftime(f"{day}{year}%H:%M %Z")
