"""An account's figures as page and terminal show them; `status --json` prints them.

`docs/reference/status.md` promises their shape.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime

import msgspec

from monitor.errors import DaemonError
from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.limits import LimitOutlook
from monitor.judgement.outcomes import judged
from monitor.observations import MODEL_LIMITS, Organization, TaskStatus
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.replies import AccountReply, LimitFigures, LimitReply, Reply, RequestsReply, SpentReply
from monitor.views.until import daily_in_words, daily_outlook, spend_in_words
from monitor.views.urgency import URGENT, Urgency, urgency


class ModelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One model. A limit that is in neither `limits` nor `unknown_limits` is unlimited.

    `throttled_oldest_age_seconds` is None where nothing is throttled, `throttled_drain_seconds` also where it cannot
    be estimated; `recent_task_seconds` is the mean of the tasks that ended in the last five minutes, None where none
    did; `daily_until` words what is foreseen of the daily limit, `daily_exhaustion_seconds` is None where no hit is
    expected, `daily_free_seconds` where the limit is not full or the time is not known; `capacity` is None
    where the provider has limits, and of a model that was never used here; the dollars are None while the account's
    spend is unknown.
    """

    model: str
    pending: int
    throttled: int
    running: int
    unconfirmed: int
    orphaned: int
    throttled_oldest_age_seconds: float | None
    throttled_drain_seconds: float | None
    accepted_24h: int
    recent_task_seconds: float | None
    daily_outlook: LimitOutlook
    daily_until: str
    daily_exhaustion_seconds: float | None
    daily_free_seconds: float | None
    daily_next_free_seconds: float | None
    unknown_limits: tuple[str, ...]
    limits: tuple[LimitFigures, ...]
    unlimited_used: dict[str, float]
    capacity: ModelCapacity | None
    spent_today_dollars: float | None
    spent_30d_dollars: float | None

    @property
    def urgency(self) -> Urgency:
        """Where it stands among the models: the smallest first."""
        saturations = [limit.saturation_ratio for limit in self.limits if limit.limit in URGENT]
        state = None if self.capacity is None else self.capacity.state
        return urgency(self.throttled_oldest_age_seconds, saturations, state)

    def limit(self, name: str) -> LimitFigures | None:
        """One of its finite limits."""
        return next((limit for limit in self.limits if limit.limit == name), None)


class RequestFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one kind since counting began; `error_ratio` is None where none was judged.

    `recent` are the outcomes of the last five minutes.
    """

    kind: str
    total: int
    failed: int
    error_ratio: float | None
    outcomes: dict[str, int]
    recent: dict[str, int]


class AccountFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One account; None is unknown. `balance_at` and `spent_at` are when those were read, Unix seconds.

    `limits` are those of the whole account, `unlisted_models` left out of `models`.
    """

    account: str
    provider: str
    has_limits: bool
    warnings: tuple[str, ...]
    balance_credits: float | None
    balance_dollars: float | None
    balance_at: float | None
    spent_today_dollars: float | None
    spent_30d_dollars: float | None
    spent_at: float | None
    left_today_dollars: float | None
    burn_1h_dollars: float | None
    burn_1h_seconds: float | None
    burn_24h_dollars: float | None
    burn_24h_seconds: float | None
    runway_seconds: float | None
    runway_burn_dollars_per_hour: float | None
    autobilling: str | None
    purchase_coverage_ratio: float | None
    spend_outlook: LimitOutlook
    spend_until: str
    spend_exhaustion_seconds: float | None
    spend_free_seconds: float | None
    limits: tuple[LimitFigures, ...]
    reads: tuple[ReadState, ...]
    requests: tuple[RequestFigures, ...]
    retries: int
    models: tuple[ModelFigures, ...]
    unlisted_models: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The evaluation of `at`, Unix seconds, which was `age_seconds` old when it was asked for."""

    at: float
    age_seconds: float
    accounts: tuple[AccountFigures, ...]


def figures(reply: Reply, names: Collection[str], *, every_model: bool) -> Figures:
    """The accounts of these names, all without one; only models in use unless `every_model`.

    Raises:
        DaemonError: there is no account of such a name.
    """
    known = [account.account for account in reply.accounts]
    for name in names:
        if name not in known:
            raise DaemonError(reply.no_account(name))
    chosen = (account for account in reply.accounts if not names or account.account in names)
    return Figures(
        at=reply.at,
        age_seconds=reply.age_seconds,
        accounts=tuple(account_figures(account, reply.at, every_model=every_model) for account in chosen),
    )


def account_figures(account: AccountReply, at: float, *, every_model: bool = False) -> AccountFigures:
    """The figures of one account as of `at`, Unix seconds; only models in use unless `every_model`."""
    price = account.dollars_per_credit
    balance = account.organization.credit_balance if account.organization is not None else None
    credits_, unspent = account.credits or CreditOutlook(), _unspent(account, at)
    spent = [unspent, *account.spent] if account.spent is not None else []
    used = _models_in_use(account)
    models = {limit.model for limit in account.limits if limit.model} | {one.model for one in account.capacity} | used
    if account.organization is not None:
        models |= account.organization.limits.keys()
    listed = models if every_model else used
    rows = [_model(model, account, unspent, at) for model in sorted(listed)]
    return AccountFigures(
        account=account.account,
        provider=account.provider,
        has_limits=account.has_limits,
        warnings=account.warnings,
        balance_credits=balance if account.has_credits else None,
        balance_dollars=_dollars(balance, price),
        balance_at=account.organization_at,
        spent_today_dollars=_dollars(_sum([one.today_credits for one in spent]), price),
        spent_30d_dollars=_dollars(_sum([one.month_credits for one in spent]), price),
        spent_at=account.usage_at,
        left_today_dollars=_dollars(credits_.left_today_credits, price),
        burn_1h_dollars=_dollars(credits_.burn.get("1h"), price),
        burn_1h_seconds=credits_.burn_seconds.get("1h"),
        burn_24h_dollars=_dollars(credits_.burn.get("24h"), price),
        burn_24h_seconds=credits_.burn_seconds.get("24h"),
        runway_seconds=credits_.runway_seconds,
        runway_burn_dollars_per_hour=_dollars(credits_.runway_credits_per_hour, price),
        autobilling=credits_.autobilling,
        purchase_coverage_ratio=credits_.coverage,
        spend_outlook=credits_.spend_outlook,
        spend_until=spend_in_words(credits_, at),
        spend_exhaustion_seconds=credits_.spend_exhaustion_seconds,
        spend_free_seconds=credits_.spend_free_seconds,
        limits=_limits("", account.limits),
        reads=account.reads,
        requests=tuple(_requests(one, account.recent.requests.get(one.kind, {})) for one in account.requests),
        retries=account.retries,
        models=tuple(sorted(rows, key=lambda row: (row.model not in used, row.urgency))),
        unlisted_models=len(models - listed),
    )


def _unspent(account: AccountReply, at: float) -> SpentReply:
    """What a model has cost of which no spend is told: nothing, as far as the usage says anything."""
    spent, read_at = account.spent or (), account.usage_at
    is_of_today = read_at is None or _day(read_at) >= _day(at)
    today = 0.0 if is_of_today and all(one.today_credits is not None for one in spent) else None
    return SpentReply("", today, 0.0 if all(one.month_credits is not None for one in spent) else None)


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _sum(values: list[float | None]) -> float | None:
    """None where there is nothing, or one of them is unknown."""
    return None if not values or None in values else sum(value for value in values if value is not None)


def _models_in_use(account: AccountReply) -> set[str]:
    used = {limit.model for limit in account.limits if limit.model and limit.used}
    used |= {use.model for use in account.unlimited if use.used}
    judged = {one.model for one in account.capacity if one.state is not None}
    paid = {spent.model for spent in account.spent or () if spent.today_credits or spent.month_credits}
    return used | judged | paid | {tasks.model for tasks in account.tasks}


def _model(model: str, account: AccountReply, unspent: SpentReply, at: float) -> ModelFigures:
    tasks = next((one for one in account.tasks if one.model == model), ModelTasks(model=model, open={}))
    throttled = tasks.open.get(TaskStatus.THROTTLED, 0)
    spent = None
    if account.spent is not None:
        spent = next((one for one in account.spent if one.model == model), unspent)
    told = account.organization or Organization()
    daily = daily_outlook(model, account.daily, account.organization)
    return ModelFigures(
        model=model,
        pending=tasks.open.get(TaskStatus.PENDING, 0),
        throttled=throttled,
        running=tasks.open.get(TaskStatus.RUNNING, 0),
        unconfirmed=tasks.unconfirmed,
        orphaned=tasks.orphaned,
        throttled_oldest_age_seconds=tasks.throttled_oldest_age_seconds if throttled else None,
        throttled_drain_seconds=tasks.throttled_drain_seconds if throttled else None,
        accepted_24h=tasks.accepted_24h,
        recent_task_seconds=account.recent.task_seconds.get(model),
        daily_outlook=daily.outlook,
        daily_until=daily_in_words(daily, at),
        daily_exhaustion_seconds=daily.exhaustion_seconds,
        daily_free_seconds=daily.free_seconds,
        daily_next_free_seconds=daily.next_free_seconds,
        unknown_limits=tuple(name for name in MODEL_LIMITS if not told.knows(model, name)),
        limits=_limits(model, account.limits) if model else (),
        unlimited_used={use.limit: use.used for use in account.unlimited if use.model == model},
        capacity=next((one for one in account.capacity if one.model == model), None),
        spent_today_dollars=_dollars(None if spent is None else spent.today_credits, account.dollars_per_credit),
        spent_30d_dollars=_dollars(None if spent is None else spent.month_credits, account.dollars_per_credit),
    )


def _limits(model: str, limits: tuple[LimitReply, ...]) -> tuple[LimitFigures, ...]:
    own = (limit for limit in limits if limit.model == model)
    return tuple(msgspec.convert(limit, LimitFigures, from_attributes=True) for limit in own)


def _requests(requests: RequestsReply, recent: dict[str, int]) -> RequestFigures:
    return RequestFigures(
        kind=requests.kind,
        total=requests.total,
        failed=requests.failed,
        error_ratio=requests.failed / tried if (tried := judged(requests.outcomes)) else None,
        outcomes=requests.outcomes,
        recent=recent,
    )


def _dollars(credits_: float | None, price: float) -> float | None:
    return None if credits_ is None else round(credits_ * price, 6)
