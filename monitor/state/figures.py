"""Figures that follow from a snapshot alone, so that the exposition and the pages cannot disagree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from monitor.model import Kind, Organization, TaskStatus, Usage
from monitor.state.outcomes import failed, judged
from monitor.state.snapshot import AccountSnapshot, ModelTasks, Thresholds
from monitor.state.tally import Tally

SPEND_DAYS = 30
SPEND_OF = {"today": "today", "30d": "month"}


class Limit(StrEnum):
    """What an account can run into. The ledger is the daily limit measured with our own count.

    The balance has no ratio: it is judged by its runway.
    """

    CONCURRENCY = "concurrency"
    DAILY_GENERATIONS = "daily_generations"
    DAILY_GENERATIONS_LEDGER = "daily_generations_ledger"
    MONTHLY_SPEND_CREDITS = "monthly_spend_credits"
    CREDIT_BALANCE = "credit_balance"


class LimitUse(msgspec.Struct, frozen=True):
    """One finite limit and how much of it is used, in the limit's own unit; `used` is None where unknown.

    `soft` and `hard` are the shares of it from which on that deserves attention, and action.
    """

    model: str
    limit: Limit
    allowed: float
    used: float | None
    soft: float
    hard: float

    @property
    def saturation(self) -> float | None:
        """Used over allowed; 1 for a limit of zero, which leaves no room whatever is used."""
        if self.used is None:
            return None
        return self.used / self.allowed if self.allowed else 1.0


def limit_uses(account: AccountSnapshot) -> list[LimitUse]:
    """Every known finite limit; the unlimited and the unknown are left out."""
    organization = account.organization
    if organization is None:
        return []
    found = list(_model_uses(organization, {tasks.model: tasks for tasks in account.tasks}))
    if organization.monthly_spend_credits is not None:
        bought = account.credits.bought_credits if account.credits is not None else None
        found.append(("", Limit.MONTHLY_SPEND_CREDITS, organization.monthly_spend_credits, bought))
    levels = {limit: thresholds(account, limit) for limit in Limit}
    return [
        LimitUse(model, limit, allowed, used, levels[limit].soft, levels[limit].hard)
        for model, limit, allowed, used in found
    ]


def thresholds(account: AccountSnapshot, limit: Limit) -> Thresholds:
    """The levels of a limit; the ledger's are those of the daily limit, which it measures."""
    name = Limit.DAILY_GENERATIONS if limit is Limit.DAILY_GENERATIONS_LEDGER else limit
    return account.thresholds.get(name, Thresholds())


def _model_uses(
    organization: Organization, tasks: dict[str, ModelTasks]
) -> Iterator[tuple[str, Limit, float, float | None]]:
    for model, limits in organization.limits.items():
        ours = tasks.get(model)
        if limits.concurrency is not None:
            yield model, Limit.CONCURRENCY, limits.concurrency, _admitted(ours)
        if limits.daily_generations is None:
            continue
        theirs = organization.daily_generations.get(model)
        yield model, Limit.DAILY_GENERATIONS, limits.daily_generations, theirs
        if ours is not None:
            yield model, Limit.DAILY_GENERATIONS_LEDGER, limits.daily_generations, ours.accepted_24h


def _admitted(tasks: ModelTasks | None) -> int:
    """Open tasks that take up concurrency: all but the throttled."""
    if tasks is None:
        return 0
    return tasks.open.get(TaskStatus.RUNNING, 0) + tasks.open.get(TaskStatus.PENDING, 0)


class Spend(msgspec.Struct):
    """Net credits of one model on the current UTC day, and on the last 30 including it."""

    today: float = 0.0
    month: float = 0.0


def spend(usage: Usage, at: float) -> dict[str, Spend]:
    """What each model has cost as of `at`, Unix seconds; a model without spend in 30 days is left out.

    Where the vendor has summed it up itself, its days are not added to that.
    """
    today = datetime.fromtimestamp(at, UTC).date()
    first, last = (today - timedelta(days=SPEND_DAYS - 1)).isoformat(), today.isoformat()
    spent: defaultdict[str, Spend] = defaultdict(Spend)
    for day in () if usage.totals else usage.days:
        if first <= day.date <= last:
            spent[day.model].month += day.credits
            spent[day.model].today += day.credits if day.date == last else 0.0
    for total in usage.totals:
        if total.credits is not None:
            setattr(spent[total.model], SPEND_OF[total.window], total.credits)
    return dict(spent)


class RequestCount(msgspec.Struct, frozen=True):
    """Requests of one kind, by how they ended."""

    kind: Kind
    outcomes: dict[str, int]

    @property
    def total(self) -> int:
        """All of them, attempts included."""
        return sum(self.outcomes.values())

    @property
    def judged(self) -> int:
        """Those that an error rate divides by: all but those whose client hung up."""
        return judged(self.outcomes)

    @property
    def errors(self) -> dict[str, int]:
        """Those that went wrong."""
        return {outcome: count for outcome, count in self.outcomes.items() if failed(outcome)}

    @property
    def failed(self) -> int:
        """How many went wrong."""
        return sum(self.errors.values())


def requests(account: AccountSnapshot) -> list[RequestCount]:
    """What the application has asked for since counting began; a kind that was never seen is left out."""
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for series in account.series:
        if series.tally is Tally.REQUESTS:
            _, kind, _, _, outcome = series.labels
            outcomes[kind][outcome] += int(series.value)
    return [RequestCount(kind, dict(outcomes[kind])) for kind in Kind if kind in outcomes]


def recent_requests(account: AccountSnapshot) -> list[RequestCount]:
    """What the application has asked for in the last five minutes; a kind that was not seen is left out."""
    seen = account.recent.requests
    return [RequestCount(kind, seen[kind]) for kind in Kind if kind in seen]


def retries(account: AccountSnapshot) -> int:
    """How many requests the client marked as repeating another."""
    return int(sum(series.value for series in account.series if series.tally is Tally.REQUEST_RETRIES))
