"""What deserves attention, in words: the status page, the API and `genmedia-monitor status` tell the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.credits.outlook import AutobillingState
from monitor.judgement.figures import LimitUse, RequestCount, limit_uses, recent_requests
from monitor.judgement.limits import LimitKind, LimitOutlook
from monitor.judgement.snapshot import AccountSnapshot
from monitor.observations import TaskStatus
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.formatting import (
    AUTOBILLING,
    amount,
    counted,
    dollars,
    duration,
    last_read,
    percentage,
    share,
    tallied,
    their,
    words,
)
from monitor.views.until import daily_in_words, spend_in_words

LONG_WAIT_SECONDS = 300.0
FEWEST_FAILED, FAILED_RATIO = 5, 0.05
TROUBLE = frozenset({AutobillingState.OVERDUE, AutobillingState.CLIPPED, AutobillingState.STOPPED})
CAPACITY = {QueueState.APPROACHING: "approaching saturation", QueueState.SATURATED: "saturated"}
# A concurrency limit is meant to be full: what tells is how long tasks wait. The ledger is the daily limit once more.
SILENT = frozenset({LimitKind.CONCURRENCY, LimitKind.DAILY_GENERATIONS_LEDGER})


def warnings(account: AccountSnapshot, at: float) -> Iterator[str]:
    """Warnings of an account as of the Unix time `at`, most urgent first. Reads that were not tried yet yield none."""
    if account.is_old:
        yield "these figures are not updated: their evaluation fails; see evaluation.failed in the daemon's log"
    balance = account.organization.credit_balance if account.organization is not None else None
    if balance is not None and balance <= 0:
        yield "no credits are left: generations are refused"
    for count in recent_requests(account):
        yield from _requests(count)
    yield from _credits(account, at)
    for read in filter(lambda read: read.failed, account.reads):
        yield f"the read of {words(read.read)}: {last_read(read.age_seconds, read.outcome, up=read.up)}"
    for limit in sorted(limit_uses(account), key=lambda limit: -(limit.saturation or 0.0)):
        yield from _limit(limit)
    yield from _outlook(account, at)
    for tasks in account.tasks:
        yield from _throttled(tasks)
    yield from _orphaned(account.tasks)


def _requests(recent: RequestCount) -> Iterator[str]:
    if recent.failed >= FEWEST_FAILED and recent.failed >= FAILED_RATIO * recent.judged:
        seen = f"{counted(recent.total, 'request')} in the last 5 min, {share(recent.failed, recent.judged)} failed"
        yield f"{recent.kind}: {seen}: {tallied(recent.errors)}"


def _credits(account: AccountSnapshot, at: float) -> Iterator[str]:
    outlook = account.credits
    if outlook is None:
        return
    if outlook.runway_seconds is not None and 0 < outlook.runway_seconds < account.runway_thresholds.soft:
        pace = outlook.runway_credits_per_hour
        burn = "the current burn" if pace is None else f"{dollars(pace * account.dollars_per_credit)} an hour"
        yield f"the credits last {duration(outlook.runway_seconds)} at {burn}"
    if outlook.autobilling in TROUBLE:
        yield f"autobilling is {outlook.autobilling}: {AUTOBILLING[outlook.autobilling]}"
    if outlook.spend_free_seconds is not None:
        yield f"the purchase limit is {spend_in_words(outlook, at)}"
    elif outlook.spend_exhaustion_seconds is not None:
        yield f"the purchase limit will be reached in about {duration(outlook.spend_exhaustion_seconds)}"


def _outlook(account: AccountSnapshot, at: float) -> Iterator[str]:
    for daily in account.daily:
        if daily.exhaustion_seconds is not None:
            yield f"{daily.model}: the daily limit will be reached in about {duration(daily.exhaustion_seconds)}"
        elif daily.outlook is LimitOutlook.FULL and daily.limit:
            yield f"{daily.model}: the daily limit is {daily_in_words(daily, at)}"
    for one in sorted(account.capacity, key=lambda one: one.state is not QueueState.SATURATED):
        if one.state in {QueueState.APPROACHING, QueueState.SATURATED}:
            most = counted(one.recommended_concurrency, "task")
            yield f"{one.model}: {CAPACITY[one.state]}; keep at most {most} open"


def _limit(limit: LimitUse) -> Iterator[str]:
    saturation = limit.saturation or 0.0
    # A limit of zero was not used up: nothing was bought.
    if limit.allowed and limit.limit not in SILENT and saturation >= limit.soft:
        where = f"{limit.model}: " if limit.model else ""
        use = f"{amount(limit.used)} of {amount(limit.allowed)}"
        yield f"{where}{words(limit.limit)} at {percentage(saturation)}: {use}"


def _throttled(tasks: ModelTasks) -> Iterator[str]:
    throttled = tasks.open.get(TaskStatus.THROTTLED, 0)
    if throttled and tasks.throttled_oldest_age_seconds >= LONG_WAIT_SECONDS:
        yield f"{tasks.model}: {amount(throttled)} throttled, for up to {duration(tasks.throttled_oldest_age_seconds)}"


def _orphaned(tasks: Iterable[ModelTasks]) -> Iterator[str]:
    """One line, however many models are left alone: their client is one."""
    orphaned = {one.model: one.orphaned for one in tasks if one.orphaned}
    if orphaned:
        total = sum(orphaned.values())
        yield f"{counted(total, 'task')} orphaned, {their(total)} client stopped polling: {tallied(orphaned)}"
