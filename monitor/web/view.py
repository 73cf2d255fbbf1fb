"""An account's snapshot as the status page words it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.credits.outlook import AutobillingState
from monitor.judgement.figures import (
    LimitUse,
    RequestCount,
    Spend,
    Spending,
    limit_uses,
    recent_requests,
    requests,
    spending,
    unlimited_uses,
    unread,
)
from monitor.judgement.limits import LimitKind, LimitOutlook
from monitor.judgement.snapshot import AccountSnapshot
from monitor.observations import Organization, Reason, TaskStatus
from monitor.tasks.counters import CounterSpec
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.formatting import (
    AUTOBILLING,
    NONE,
    NOT_KNOWN_YET,
    NOT_READ,
    NOT_READ_TODAY,
    READ_ONCE,
    TOO_LITTLE_SEEN,
    UNKNOWN,
    amount,
    as_of,
    as_of_if_old,
    counted,
    dollars,
    duration,
    last_read,
    lately,
    more_unconfirmed,
    of_no_limit,
    percentage,
    share,
    tallied,
    their,
    usage_lags,
)
from monitor.views.until import daily_in_words, daily_outlook, spend_in_words, until_full
from monitor.views.urgency import URGENT, Urgency, urgency
from monitor.views.warnings import warnings
from monitor.web.capacity import LEVELS, CapacityView, capacity_view, worst

ENDS = (TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.LOST)
UNTIL_LEVELS = {LimitOutlook.EXPECTED: "warn", LimitOutlook.FULL: "bad"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure at the top of an account. `level` is a CSS class: good, warn, bad, soft, or nothing."""

    title: str
    value: str
    note: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """Use of a limit; `percent` is None where there is nothing to draw."""

    text: str
    percent: float | None = None
    level: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelView:
    """A row of the table of models."""

    model: str
    throttled: str
    pending: str
    running: str
    oldest: str
    drain: str
    orphaned: str
    concurrency: Bar
    daily: Bar
    full_in: str
    until_level: str
    capacity: CapacityView
    today: str
    month: str


@dataclass(frozen=True, slots=True)
class CountView:
    """A row of requests of one kind, or of ended tasks of one model; `lately` is of the last five minutes."""

    name: str
    figures: tuple[str, ...]
    lately: str
    causes: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class AccountView:
    """All that the page says of one account. `unused` counts the models that have limits and no use.

    The most urgent model comes first, and of the ended tasks the model with the most failures.
    Without `has_limits`, its models have a capacity that is judged.
    """

    name: str
    provider: str
    warnings: list[str]
    reads: list[Tile]
    tiles: list[Tile]
    models: list[ModelView]
    has_limits: bool
    unused: int
    requests: list[CountView]
    ended: list[CountView]


def account_view(account: AccountSnapshot, at: float) -> AccountView:
    """The account as of `at`, Unix seconds."""
    uses = {(use.model, use.limit): use for use in limit_uses(account)}
    spent = spending(account, at)
    models = _models_in_use(account, uses, spent)
    return AccountView(
        name=account.account,
        provider=account.provider,
        warnings=list(warnings(account, at)),
        reads=[_read(read) for read in account.reads],
        tiles=[
            *_money(account, spent, at),
            *_credits(account),
            *_purchases(account, uses, at),
            *(_throttled(account.tasks) if account.has_limits else _capacity(account)),
            *_task_tiles(account.tasks),
            *_tier(account),
            *_unseen(account),
        ],
        models=[_model(model, account, uses, spent, at) for model in models],
        has_limits=account.has_limits,
        unused=len({model for model, _ in uses if model} - set(models)),
        requests=list(_requests(account)),
        ended=list(_ended(account)),
    )


def _read(read: ReadState) -> Tile:
    level = "good" if read.up else "bad" if read.failed else "soft"
    return Tile(read.read, last_read(read.age_seconds, read.outcome, up=read.up), level=level)


def _money(account: AccountSnapshot, spent: Spending | None, at: float) -> Iterator[Tile]:
    price = account.dollars_per_credit
    balance = account.organization.credit_balance if account.organization is not None else None
    missing = NOT_READ if unread(account.reads) else UNKNOWN
    if balance is None:
        yield Tile("Balance", missing)
    else:
        notes = [f"{amount(balance)} credits" if account.has_credits else "", as_of_if_old(account.organization_at, at)]
        yield Tile("Balance", dollars(balance * price), ", ".join(filter(None, notes)), "bad" if balance <= 0 else "")
    if spent is None:
        yield Tile("Spent today", missing)
        return
    today, month = (None if one is None else one * price for one in (spent.total.today, spent.total.month))
    left = account.credits.left_today_credits if account.credits is not None else None
    notes = [f"{dollars(month)} in 30 days", as_of(account.usage_at, at)]
    lags = usage_lags(today, None if left is None else left * price)
    yield Tile(
        "Spent today",
        NOT_READ_TODAY if today is None else dollars(today),
        "; ".join([", ".join(filter(None, notes)), *lags]),
    )


def _capacity(account: AccountSnapshot) -> Iterator[Tile]:
    """The worst of the models' states, and which they are."""
    found = worst(account.capacity)
    if found is None:
        yield Tile("Capacity", UNKNOWN, TOO_LITTLE_SEEN)
        return
    state, models = found
    others = f" and {len(models) - 1} more" if len(models) > 1 else ""
    note = "every model that is in use" if state is QueueState.HEALTHY else f"{models[0]}{others}"
    yield Tile("Capacity", state.value, note, LEVELS[state])


def _throttled(tasks: tuple[ModelTasks, ...]) -> Iterator[Tile]:
    throttled = sum(one.open.get(TaskStatus.THROTTLED, 0) for one in tasks)
    yield Tile("Throttled tasks", amount(throttled), _wait(tasks) if throttled else "no task is waiting")


def _task_tiles(tasks: tuple[ModelTasks, ...]) -> Iterator[Tile]:
    running, pending = (
        sum(one.open.get(status, 0) for one in tasks) for status in (TaskStatus.RUNNING, TaskStatus.PENDING)
    )
    unconfirmed = sum(one.unconfirmed for one in tasks)
    doubt = f", {amount(unconfirmed)} unconfirmed" if unconfirmed else ""
    yield Tile("Running tasks", amount(running), f"{amount(pending)} pending{doubt}")
    orphaned = sum(one.orphaned for one in tasks)
    note = f"{their(orphaned)} client stopped polling" if orphaned else "every open task is polled or has a webhook"
    yield Tile("Orphaned tasks", amount(orphaned), note, "warn" if orphaned else "")


def _wait(tasks: tuple[ModelTasks, ...]) -> str:
    """How long the throttled have waited, and how long it may still take."""
    waiting = [one for one in tasks if one.open.get(TaskStatus.THROTTLED, 0)]
    oldest = duration(max(one.throttled_oldest_age_seconds for one in waiting))
    drains = [one.throttled_drain_seconds for one in waiting if one.throttled_drain_seconds is not None]
    if not drains:
        return f"oldest {oldest}, time to clear unknown"
    about = "about" if len(drains) == len(waiting) else "at least"
    return f"oldest {oldest}, queue clears in {about} {duration(max(drains))}"


def _credits(account: AccountSnapshot) -> Iterator[Tile]:
    """How fast the balance falls, how long it lasts, and whether more is bought."""
    outlook, price = account.credits, account.dollars_per_credit
    if outlook is None or account.organization is None:
        return
    if not outlook.burn:
        yield Tile("Burn", NOT_KNOWN_YET, READ_ONCE)
    else:
        (hour, first), (day, whole) = (
            (dollars(outlook.burn[window] * price), lately(window, outlook.burn_seconds.get(window)))
            for window in ("1h", "24h")
        )
        yield Tile(f"Burn in {first}", hour, f"{day} in {whole}" if whole != first else "no longer history yet")
    runway, wanted = outlook.runway_seconds, account.runway_thresholds
    if runway is None:
        early = not outlook.burn or any(outlook.burn.values())
        yield Tile(
            "Credit runway",
            "too early" if early else "none expected",
            "not enough history yet" if early else "no spending",
        )
    elif not runway:
        yield Tile("Credit runway", "none left", "generations are refused", "bad")
    else:
        level = "bad" if runway < wanted.hard else "warn" if runway < wanted.soft else ""
        pace = outlook.runway_credits_per_hour
        burn = "" if pace is None else f"at {dollars(pace * price)} an hour, "
        yield Tile("Credit runway", duration(runway), f"{burn}if nothing is bought", level)
    if outlook.autobilling is not None:
        state = outlook.autobilling
        level = {"ok": "good", "due": ""}.get(state, "warn" if state is AutobillingState.CLIPPED else "bad")
        yield Tile("Autobilling", state.value, AUTOBILLING[state], level)


def _purchases(account: AccountSnapshot, uses: dict[tuple[str, LimitKind], LimitUse], at: float) -> Iterator[Tile]:
    use, price = uses.get(("", LimitKind.MONTHLY_SPEND_CREDITS)), account.dollars_per_credit
    if use is None:
        return
    if use.saturation is None:
        yield Tile("Purchase limit", dollars(use.allowed * price), "in 30 days")
        return
    coverage = account.credits.coverage if account.credits is not None else None
    known = f"of {dollars(use.allowed * price)}"
    if coverage is not None and coverage < 1:
        known += f", as far as known: {percentage(coverage)} of the 30 days"
    level = "bad" if use.saturation >= use.hard else "warn" if use.saturation >= use.soft else ""
    until = "" if account.credits is None else f"; {until_full(spend_in_words(account.credits, at))}"
    yield Tile("Bought in 30 days", dollars((use.used or 0.0) * price), f"{known}{until}", level)


def _tier(account: AccountSnapshot) -> Iterator[Tile]:
    tier = account.tier
    if tier is None:
        return
    count = len(tier.mismatches or ())
    differs = f"{counted(count, 'limit differs', 'limits differ')} from the newest table" if count else ""
    advised = [one for one in account.advice.windows if one.tier is not None] if account.advice is not None else []
    needed = [
        f"tier {one.tier} would have been enough for the last {one.window.removesuffix('d')} days" for one in advised
    ]
    level = "warn" if any(tier.number is not None and (one.tier or 0) > tier.number for one in advised) else ""
    yield Tile(
        "Usage tier",
        UNKNOWN if tier.number is None else str(tier.number),
        "; ".join(filter(None, [*needed, differs])),
        level,
    )


def _unseen(account: AccountSnapshot) -> Iterator[Tile]:
    """The share of generations that did not pass through us, of the model that has most of them for sure."""
    known = [(one.unseen.low * one.generations, one.model, one.unseen) for one in account.reconciled if one.unseen]
    if known:
        _, model, unseen = max(known, key=lambda one: one[0])
        bounds = f"{share(unseen.low, 1)} to {share(unseen.high, 1)} of {model}" if unseen.low else "possibly none"
        yield Tile("Unseen generations", share(unseen.expected, 1), bounds, "warn" if unseen.low else "")


def _models_in_use(
    account: AccountSnapshot, uses: dict[tuple[str, LimitKind], LimitUse], spent: Spending | None
) -> list[str]:
    used = {use.model for use in uses.values() if use.used and use.model}
    used |= {use.model for use in unlimited_uses(account) if use.used}
    judged = {one.model for one in account.capacity if one.state is not None}
    paid = {model for model, cost in spent.models.items() if cost.today or cost.month} if spent else set()
    names = used | judged | paid | {tasks.model for tasks in account.tasks}
    return sorted(names, key=lambda model: (_urgency(model, account, uses), model))


def _urgency(model: str, account: AccountSnapshot, uses: dict[tuple[str, LimitKind], LimitUse]) -> Urgency:
    tasks = _tasks(model, account)
    waiting = tasks.throttled_oldest_age_seconds if tasks.open.get(TaskStatus.THROTTLED, 0) else None
    saturations = [uses[model, limit].saturation for limit in URGENT if (model, limit) in uses]
    state = next((one.state for one in account.capacity if one.model == model), None)
    return urgency(waiting, saturations, state)


def _tasks(model: str, account: AccountSnapshot) -> ModelTasks:
    return next((one for one in account.tasks if one.model == model), ModelTasks(model=model, open={}))


def _model(
    model: str,
    account: AccountSnapshot,
    uses: dict[tuple[str, LimitKind], LimitUse],
    spent: Spending | None,
    at: float,
) -> ModelView:
    tasks = _tasks(model, account)
    throttled = tasks.open.get(TaskStatus.THROTTLED, 0)
    cost = Spend(None, None) if spent is None else spent.of(model)
    told = account.organization or Organization()
    daily = daily_outlook(model, account.daily, account.organization)
    unlimited = {use.limit: use.used for use in unlimited_uses(account) if use.model == model}
    return ModelView(
        model=model or "no model",
        throttled=amount(throttled),
        pending=amount(tasks.open.get(TaskStatus.PENDING, 0)),
        running=amount(tasks.open.get(TaskStatus.RUNNING, 0)),
        oldest=duration(tasks.throttled_oldest_age_seconds) if throttled else NONE,
        drain=duration(tasks.throttled_drain_seconds) if throttled else NONE,
        orphaned=amount(tasks.orphaned),
        concurrency=replace(
            _bar(
                uses.get((model, LimitKind.CONCURRENCY)),
                unlimited.get(LimitKind.CONCURRENCY),
                known=told.knows(model, LimitKind.CONCURRENCY),
            ),
            note=more_unconfirmed(tasks.unconfirmed),
        ),
        daily=_daily(
            model,
            uses,
            unlimited.get(LimitKind.DAILY_GENERATIONS),
            known=told.knows(model, LimitKind.DAILY_GENERATIONS),
        ),
        full_in=daily_in_words(daily, at),
        until_level=UNTIL_LEVELS.get(daily.outlook, "soft"),
        capacity=next((capacity_view(one) for one in account.capacity if one.model == model), CapacityView()),
        today=dollars(None if cost.today is None else cost.today * account.dollars_per_credit),
        month=dollars(None if cost.month is None else cost.month * account.dollars_per_credit),
    )


def _bar(use: LimitUse | None, unlimited: float | None, *, known: bool) -> Bar:
    """The bar of one limit; one that is known and not finite is unlimited, with what is used of it."""
    if use is None:
        return Bar(of_no_limit(unlimited, "unlimited" if known else UNKNOWN))
    if use.saturation is None:
        return Bar(f"{UNKNOWN} of {amount(use.allowed)}")
    return Bar(f"{amount(use.used)} of {amount(use.allowed)}", min(100.0, 100 * use.saturation))


def _daily(model: str, uses: dict[tuple[str, LimitKind], LimitUse], unlimited: float | None, *, known: bool) -> Bar:
    theirs, ours = uses.get((model, LimitKind.DAILY_GENERATIONS)), uses.get((model, LimitKind.DAILY_GENERATIONS_LEDGER))
    bar = _bar(theirs, unlimited, known=known)
    if theirs is None or theirs.saturation is None:
        return bar
    level = "bad" if theirs.saturation >= theirs.hard else "warn" if theirs.saturation >= theirs.soft else ""
    drift = ours is not None and ours.used != theirs.used
    return Bar(bar.text, bar.percent, level, f"{amount(ours.used)} seen here" if ours is not None and drift else "")


def _requests(account: AccountSnapshot) -> Iterator[CountView]:
    recent = {count.kind: count for count in recent_requests(account)}
    for count in requests(account):
        figures = (amount(count.total), amount(count.failed), share(count.failed, count.judged))
        lately = recent.get(count.kind, RequestCount(count.kind, {}))
        wrong = f", {amount(lately.failed)} failed ({share(lately.failed, lately.judged)})" if lately.failed else ""
        level = "warn" if lately.failed else ""
        yield CountView(count.kind, figures, f"{amount(lately.total)}{wrong}", tallied(count.errors), level)


def _ended(account: AccountSnapshot) -> Iterator[CountView]:
    ends: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for series in account.series:
        if series.counter is CounterSpec.TASKS_FINISHED:
            ends[series["model"]][series["outcome"], series["reason"]] += int(series.value)
    for model, counts in sorted(ends.items(), key=lambda one: (-_ended_as(one[1], TaskStatus.FAILED), one[0])):
        figures = tuple(amount(_ended_as(counts, status)) for status in ENDS)
        reasons = {reason: count for (_, reason), count in counts.items() if reason != Reason.NONE}
        seconds = account.recent.task_seconds.get(model)
        lately = NONE if seconds is None else duration(seconds)
        yield CountView(model or "no model", figures, lately, tallied(reasons))


def _ended_as(counts: Counter[tuple[str, str]], status: TaskStatus) -> int:
    return sum(count for (end, _), count in counts.items() if end == status)
