"""An account's snapshot as the status page words it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.credits.outlook import AutobillingState
from monitor.judgement.limits import LimitKind, LimitOutlook
from monitor.judgement.outcomes import judged
from monitor.judgement.snapshot import AccountSnapshot
from monitor.observations import Reason, TaskStatus
from monitor.tasks.counters import CounterSpec
from monitor.tasks.open_tasks import ModelTasks
from monitor.views import wording
from monitor.views.figures import AccountFigures, ModelFigures, account_figures
from monitor.views.formatting import (
    AUTOBILLING,
    NONE,
    NOT_KNOWN_YET,
    NOT_READ_TODAY,
    READ_ONCE,
    TOO_LITTLE_SEEN,
    UNKNOWN,
    amount,
    counted,
    dollars,
    duration,
    last_read,
    lately,
    more_unconfirmed,
    percentage,
    share,
    tallied,
    their,
)
from monitor.views.replies import AccountReply, account_reply
from monitor.views.until import until_full
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
    reply = account_reply(account, at)
    figures = account_figures(reply, at)
    return AccountView(
        name=account.account,
        provider=account.provider,
        warnings=list(reply.warnings),
        reads=[_read(read) for read in account.reads],
        tiles=[
            *_money(figures, at),
            *_credits(reply),
            *_purchases(reply, figures),
            *(_throttled(account.tasks) if account.has_limits else _capacity(reply)),
            *_task_tiles(account.tasks),
            *_tier(reply),
            *_unseen(reply),
        ],
        models=[_model(model) for model in figures.models],
        has_limits=account.has_limits,
        unused=len({limit.model for limit in reply.limits if limit.model} - {model.model for model in figures.models}),
        requests=list(_requests(figures)),
        ended=list(_ended(reply)),
    )


def _read(read: ReadState) -> Tile:
    level = "good" if read.up else "bad" if read.failed else "soft"
    return Tile(read.read, last_read(read.age_seconds, read.outcome, up=read.up), level=level)


def _money(account: AccountFigures, at: float) -> Iterator[Tile]:
    if account.balance_dollars is None:
        yield Tile("Balance", wording.missing(account))
    else:
        level = "bad" if account.balance_dollars <= 0 else ""
        yield Tile("Balance", dollars(account.balance_dollars), wording.balance_notes(account, at), level)
    if not wording.is_spend_known(account):
        yield Tile("Spent today", wording.missing(account))
        return
    spent = account.spent_today_dollars
    today = NOT_READ_TODAY if spent is None else dollars(spent)
    yield Tile("Spent today", today, wording.spend_notes(account, at))


def _capacity(account: AccountReply) -> Iterator[Tile]:
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


def _credits(account: AccountReply) -> Iterator[Tile]:
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
        yield Tile(f"Burn in {first}", hour, f"{day} in {whole}" if whole != first else "no older history yet")
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


def _purchases(account: AccountReply, figures: AccountFigures) -> Iterator[Tile]:
    purchases = next((limit for limit in figures.limits if limit.limit == LimitKind.MONTHLY_SPEND_CREDITS), None)
    if purchases is None:
        return
    allowed = dollars(purchases.allowed * account.dollars_per_credit)
    if purchases.saturation_ratio is None:
        yield Tile("Purchase limit", allowed, "in 30 days")
        return
    coverage = figures.purchase_coverage_ratio
    part = coverage is not None and coverage < 1
    known = f", as far as known: {percentage(coverage)} of the 30 days" if part and coverage is not None else ""
    until = "" if account.credits is None else f"; {until_full(figures.spend_until)}"
    bought = dollars((purchases.used or 0.0) * account.dollars_per_credit)
    yield Tile("Bought in 30 days", bought, f"of {allowed}{known}{until}", wording.level(purchases))


def _tier(account: AccountReply) -> Iterator[Tile]:
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


def _unseen(account: AccountReply) -> Iterator[Tile]:
    """The share of generations that did not pass through us, of the model that has most of them for sure."""
    known = [(one.unseen.low * one.generations, one.model, one.unseen) for one in account.reconciled if one.unseen]
    if known:
        _, model, unseen = max(known, key=lambda one: one[0])
        bounds = f"{share(unseen.low, 1)} to {share(unseen.high, 1)} of {model}" if unseen.low else "possibly none"
        yield Tile("Unseen generations", share(unseen.expected, 1), bounds, "warn" if unseen.low else "")


def _model(model: ModelFigures) -> ModelView:
    capacity = CapacityView() if model.capacity is None else capacity_view(model.capacity)
    concurrency = _bar(model, LimitKind.CONCURRENCY)
    return ModelView(
        model=wording.model_name(model.model),
        throttled=amount(model.throttled),
        pending=amount(model.pending),
        running=amount(model.running),
        oldest=duration(model.throttled_oldest_age_seconds) if model.throttled else NONE,
        drain=duration(model.throttled_drain_seconds) if model.throttled else NONE,
        orphaned=amount(model.orphaned),
        concurrency=replace(concurrency, note=more_unconfirmed(model.unconfirmed)),
        daily=_daily(model),
        full_in=model.daily_until,
        until_level=UNTIL_LEVELS.get(model.daily_outlook, "soft"),
        capacity=capacity,
        today=dollars(model.spent_today_dollars),
        month=dollars(model.spent_30d_dollars),
    )


def _bar(model: ModelFigures, kind: LimitKind) -> Bar:
    """The bar of one limit. Without a finite limit there is nothing to draw."""
    limit = model.limit(kind)
    if limit is None:
        return Bar(wording.no_limit(model, kind))
    ratio = limit.saturation_ratio
    return Bar(wording.use(limit), None if ratio is None else min(100.0, 100 * ratio))


def _daily(model: ModelFigures) -> Bar:
    bar = _bar(model, LimitKind.DAILY_GENERATIONS)
    theirs, ours = model.limit(LimitKind.DAILY_GENERATIONS), model.limit(LimitKind.DAILY_GENERATIONS_LEDGER)
    if theirs is None or bar.percent is None:
        return bar
    drift = "" if ours is None or ours.used == theirs.used else f"{amount(ours.used)} seen here"
    return replace(bar, level=wording.level(theirs), note=drift)


def _requests(account: AccountFigures) -> Iterator[CountView]:
    for one in account.requests:
        figures = (amount(one.total), amount(one.failed), share(one.failed, judged(one.outcomes)))
        level = "warn" if wording.errors(one.recent) else ""
        causes = tallied(wording.errors(one.outcomes))
        yield CountView(one.kind, figures, wording.recent(one.recent), causes, level)


def _ended(account: AccountReply) -> Iterator[CountView]:
    ends: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for count in account.counts:
        if count.name == CounterSpec.TASKS_FINISHED.value:
            labels = count.labels
            ends[labels["model"]][labels["outcome"], labels["reason"]] += int(count.value)
    for model, counts in sorted(ends.items(), key=lambda one: (-_ended_as(one[1], TaskStatus.FAILED), one[0])):
        figures = tuple(amount(_ended_as(counts, status)) for status in ENDS)
        reasons = {reason: count for (_, reason), count in counts.items() if reason != Reason.NONE}
        seconds = account.recent.task_seconds.get(model)
        lately = NONE if seconds is None else duration(seconds)
        yield CountView(wording.model_name(model), figures, lately, tallied(reasons))


def _ended_as(counts: Counter[tuple[str, str]], status: TaskStatus) -> int:
    return sum(count for (end, _), count in counts.items() if end == status)
