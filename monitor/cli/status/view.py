"""The figures as a terminal shows them: the same words as the status page, bars for the limits."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from monitor.cli.status.watch import Watch
from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.limits import LimitKind, LimitOutlook
from monitor.judgement.outcomes import judged
from monitor.views import wording
from monitor.views.figures import AccountFigures, ModelFigures
from monitor.views.formatting import (
    AUTOBILLING,
    NONE,
    NOT_KNOWN_YET,
    NOT_READ_TODAY,
    OLD_AFTER_SECONDS,
    READ_ONCE,
    TOO_LITTLE_SEEN,
    UNKNOWN,
    amount,
    dollars,
    duration,
    last_read,
    lately,
    moment,
    more_unconfirmed,
    percentage,
    printable,
    ratio,
    share,
    tallied,
    words,
)
from monitor.views.until import until_full

WIDE = 120
UNTIL = "limit\nreached in"
UNTIL_WIDTH, FULL_WIDTH = 10, 26
"""Of the answers to that: `none expected` takes two lines, what is said of a full limit three."""
SHORTEST_BAR, SHORTEST_NAME = 5, 8
CALM, GOOD, WARN, BAD, FAINT = "", "green", "yellow", "red", "dim"
LEVELS = {"": GOOD, "warn": WARN, "bad": BAD}
STATES = {QueueState.HEALTHY: GOOD, QueueState.APPROACHING: WARN, QueueState.SATURATED: BAD}


class View:
    """Everything, at `now` of the watch's clock. Taller than the terminal, it ends with a note of what is missing."""

    def __init__(self, watch: Watch, url: str, now: float) -> None:
        self._watch, self._url, self._now = watch, url, now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        content = Group(*self._head(), *self._accounts(options.max_width))
        lines = console.render_lines(content, options.update(height=None), pad=False)
        if options.height is not None and len(lines) > options.height:
            hidden = len(lines) - options.height + 1
            note = Text(f"{hidden} more lines: enlarge the window, or see one account with --account NAME", style=WARN)
            lines = [*lines[: options.height - 1], *console.render_lines(note, options.update(height=1), pad=False)]
        for line in lines:
            yield from line
            yield Segment.line()

    def _head(self) -> Iterator[RenderableType]:
        age = self._watch.age_seconds(self._now)
        evaluated = f"updated {duration(age)} ago ({moment(self._watch.figures.at)})"
        yield Text.assemble((printable(self._url), "bold"), ", ", evaluated)
        if self._watch.trouble:
            yield Text(f"{self._watch.trouble} - trying again", style=BAD)
        elif age > OLD_AFTER_SECONDS:
            yield Text("the daemon answers, but its figures are old: its log says why", style=WARN)
        if not self._watch.figures.accounts:
            yield Text("no account is configured")

    def _accounts(self, width: int) -> Iterator[RenderableType]:
        for account in self._watch.figures.accounts:
            yield Text()
            yield from account_view(account, self._watch.figures.at, width)


def account_view(account: AccountFigures, at: float, width: int) -> Iterator[RenderableType]:
    """One account as of `at`, Unix seconds, for a terminal of this width."""
    title = Text.assemble((printable(account.account), "bold"), (f" {printable(account.provider)}", FAINT))
    yield Rule(title, align="left", style=FAINT, characters="-")
    for warning in account.warnings:
        yield Text(f"! {printable(warning)}", style=WARN)
    yield Padding(_facts(account, at), (0, 0, 0, 2), expand=False)
    if account.requests:
        yield _section(_requests(account))
    waiting = [model for model in account.models if model.pending or model.throttled or model.running]
    if waiting:
        yield _section(_tasks(waiting))
    if account.models:
        yield _section((_models if account.has_limits else _capacity)(account.models, width))
    if account.unlisted_models:
        models = "model is" if account.unlisted_models == 1 else "models are"
        more = f"{account.unlisted_models} more {models} not in use; --all lists them"
        yield Padding(Text(more, style=FAINT), (0, 0, 0, 2), expand=False)


def _section(table: Table) -> Padding:
    return Padding(table, (1, 0, 0, 2), expand=False)


def _table(*titles: str) -> Table:
    """Columns of these titles, the first for a name, the others for figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=FAINT)
    name, *figures = titles
    table.add_column(name, overflow="fold", min_width=SHORTEST_NAME)
    for title in figures:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _facts(account: AccountFigures, at: float) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style=FAINT, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("balance", _balance(account, at))
    grid.add_row("spent", _spent(account, at))
    if account.balance_dollars is not None and account.purchase_coverage_ratio is not None:
        grid.add_row("burn", _burn(account))
    if account.autobilling is not None:
        grid.add_row("autobilling", Text(f"{account.autobilling}: {AUTOBILLING[account.autobilling]}"))
    for limit in account.limits:
        until = f"; {until_full(account.spend_until)}" if limit.limit == LimitKind.MONTHLY_SPEND_CREDITS else ""
        grid.add_row(words(printable(limit.limit)), Text(f"{wording.use(limit)}{until}"))
    grid.add_row("tasks", _open(account))
    grid.add_row("requests", _totals(account))
    grid.add_row("account reads", Text(", ").join(_reads(account)))
    return grid


def _balance(account: AccountFigures, at: float) -> Text:
    if account.balance_dollars is None:
        return Text(wording.missing(account))
    style = BAD if account.balance_dollars <= 0 else CALM
    parts = (dollars(account.balance_dollars), wording.balance_notes(account, at))
    return Text(", ".join(filter(None, parts)), style=style)


def _spent(account: AccountFigures, at: float) -> Text:
    if not wording.is_spend_known(account):
        return Text(wording.missing(account))
    spent = account.spent_today_dollars
    today = f"today: {NOT_READ_TODAY}" if spent is None else f"{dollars(spent)} today"
    return Text(f"{today}, {wording.spend_notes(account, at)}")


def _burn(account: AccountFigures) -> Text:
    if account.burn_1h_dollars is None:
        return Text(f"{NOT_KNOWN_YET}: {READ_ONCE}")
    windows = {
        lately("24h", account.burn_24h_seconds): account.burn_24h_dollars,
        lately("1h", account.burn_1h_seconds): account.burn_1h_dollars,
    }
    told = ", ".join(f"{dollars(burn)} in {window}" for window, burn in reversed(windows.items()))
    if account.runway_seconds is None:
        return Text(told)
    if not account.runway_seconds:
        return Text(f"{told}; no balance is left")
    pace = account.runway_burn_dollars_per_hour
    at_pace = "" if pace is None else f" at {dollars(pace)} an hour"
    return Text(f"{told}; the balance lasts {duration(account.runway_seconds)}{at_pace}")


def _open(account: AccountFigures) -> Text:
    """Totals of the listed models, which are all that have an open task."""
    named = ("throttled", "pending", "running", "orphaned")
    told = [f"{amount(sum(getattr(model, name) for model in account.models))} {name}" for name in named]
    if unconfirmed := sum(model.unconfirmed for model in account.models):
        told.append(f"{amount(unconfirmed)} unconfirmed")
    return Text(", ".join(told))


def _totals(account: AccountFigures) -> Text:
    total = sum(requests.total for requests in account.requests)
    if not total:
        return Text("none yet")
    wrong = sum(requests.failed for requests in account.requests)
    tried = sum(judged(requests.outcomes) for requests in account.requests)
    return Text(
        f"{amount(total)}, {amount(wrong)} failed ({share(wrong, tried)}), {amount(account.retries)} were retries"
    )


def _reads(account: AccountFigures) -> Iterator[Text]:
    for read in account.reads:
        told = last_read(read.age_seconds, read.outcome, up=read.up)
        style = GOOD if read.up else BAD if read.failed else FAINT
        yield Text(f"{words(printable(read.read))} {told}", style=style)


def _requests(account: AccountFigures) -> Table:
    table = _table("requests", "total", "failed", "rate", "last 5 min")
    table.add_column("causes", overflow="fold")
    for requests in account.requests:
        table.add_row(
            Text(printable(requests.kind)),
            Text(amount(requests.total)),
            Text(amount(requests.failed)),
            Text(share(requests.failed, judged(requests.outcomes))),
            Text(wording.recent(requests.recent), style=WARN if wording.errors(requests.recent) else CALM),
            Text(tallied(wording.errors(requests.outcomes))),
        )
    return table


def _tasks(models: list[ModelFigures]) -> Table:
    table = _table("open tasks", "throttled", "oldest", "queue\nclears in", "pending", "running", "orphaned")
    for model in models:
        waits = (duration(model.throttled_oldest_age_seconds), duration(model.throttled_drain_seconds))
        table.add_row(
            Text(printable(wording.model_name(model.model))),
            amount(model.throttled),
            *(waits if model.throttled else (NONE, NONE)),
            amount(model.pending),
            amount(model.running),
            Text(amount(model.orphaned), style=WARN if model.orphaned else CALM),
        )
    return table


def _models(models: tuple[ModelFigures, ...], width: int) -> Table:
    table = _table("limits")
    table.expand = True
    for title in ("concurrency", "in 24 h"):
        table.add_column(title, justify="right", no_wrap=True)
        table.add_column(ratio=1, min_width=SHORTEST_BAR)
        table.add_column(justify="right", no_wrap=True)
    if width >= WIDE:
        is_full = any(model.daily_outlook is LimitOutlook.FULL for model in models)
        widest = {UNTIL: FULL_WIDTH if is_full else UNTIL_WIDTH}
        for title in ("typical\ntime", UNTIL, "seen\nhere", "spent\ntoday", "30 days"):
            table.add_column(title, justify="right", no_wrap=title not in widest, max_width=widest.get(title))
    for model in models:
        spent = (dollars(model.spent_today_dollars), dollars(model.spent_30d_dollars))
        table.add_row(
            Text(printable(wording.model_name(model.model))),
            *_concurrency(model),
            *_limit(model, LimitKind.DAILY_GENERATIONS),
            *((_takes(model), _full_in(model), amount(model.accepted_24h), *spent) if width >= WIDE else ()),
        )
    return table


def _capacity(models: tuple[ModelFigures, ...], width: int) -> Table:
    """How the queues stand at a provider without limits."""
    table = _table(
        "capacity", "state", "recommended\nparallel\ntasks", "task\ntime", "usual\ntime", "rejected\n(no\ncapacity)"
    )
    if width >= WIDE:
        for title in ("spent\ntoday", "30 days"):
            table.add_column(title, justify="right", no_wrap=True)
    for model in models:
        spent = (dollars(model.spent_today_dollars), dollars(model.spent_30d_dollars))
        table.add_row(
            Text(printable(wording.model_name(model.model))), *_queue(model.capacity), *(spent if width >= WIDE else ())
        )
    return table


def _queue(capacity: ModelCapacity | None) -> Iterator[Text]:
    state = None if capacity is None else capacity.state
    yield Text(TOO_LITTLE_SEEN, style=FAINT) if state is None else Text(state.value, style=STATES[state])
    if capacity is None:
        yield from (Text(UNKNOWN) for _ in range(4))
        return
    yield Text(amount(capacity.recommended_concurrency))
    yield Text(duration(capacity.latency_seconds))
    yield Text(duration(capacity.baseline_seconds))
    yield Text(ratio(capacity.failure_ratio))


def _takes(model: ModelFigures) -> Text:
    seconds = model.recent_task_seconds
    return Text(NONE if seconds is None else duration(seconds))


def _full_in(model: ModelFigures) -> Text:
    is_calm = model.daily_outlook not in {LimitOutlook.EXPECTED, LimitOutlook.FULL}
    return Text(printable(model.daily_until), style=CALM if is_calm else WARN)


def _concurrency(model: ModelFigures) -> tuple[RenderableType, RenderableType, RenderableType]:
    used, bar, full = _limit(model, LimitKind.CONCURRENCY)
    more = more_unconfirmed(model.unconfirmed)
    return Text(f"{used},\n{more}" if more else f"{used}"), bar, full


def _limit(model: ModelFigures, kind: LimitKind) -> tuple[RenderableType, RenderableType, RenderableType]:
    limit = model.limit(kind)
    if limit is None:
        return Text(wording.no_limit(model, kind)), Text(), Text()
    ratio = limit.saturation_ratio
    if ratio is None:
        return Text(wording.use(limit)), Text(), Text()
    style = LEVELS[wording.level(limit)]
    bar = ProgressBar(1.0, ratio, style=FAINT, complete_style=style, finished_style=style)
    return Text(wording.use(limit)), bar, Text(percentage(ratio), style=style)
