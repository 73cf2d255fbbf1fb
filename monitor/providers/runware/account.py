"""Reads of the account: balance, spend, inference times and errors as the vendor counts them.

All are tasks of type `accountManagement` (docs `models-api/account-management`, October 2026; SDK 1.8.0): they
generate nothing. What they cost and how late their figures are is not stated anywhere. Names, team and keys in the
answer to `getDetails` are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from monitor.observations import (
    AnyObservation,
    DaySpend,
    ErrorCount,
    Figures,
    Inference,
    Kind,
    Organization,
    Outcome,
    Performance,
    ProviderErrors,
    SpendTotal,
    Usage,
)
from monitor.providers.account import MAX_MODELS, SchemaDrift, read_finished
from monitor.providers.http import FAILURE_OUTCOMES, FIRST_ERROR_STATUS, SUCCESSES, Call, Exchange, is_redirected
from monitor.providers.lenient import count, is_day, is_model_id, json_value, nested, number
from monitor.providers.runware.errors import status_outcome, taskless_outcome
from monitor.providers.runware.messages import parse_answers
from monitor.providers.runware.paths import TASKS

USAGE_SECONDS = 300.0
WINDOWS = {"today": 0, "30d": 29}
"""Days before today where each window starts; the API takes 30 days at most, both ends included (October 2026)."""

ACCOUNT = ""
MAX_ROWS = 31 * MAX_MODELS


class DetailsRead:
    """`getDetails`: the balance, and requests and spend of the whole account."""

    name = "details"
    minimum_interval_seconds = 0.0

    def call(self, now: float) -> Call:
        return Call("POST", TASKS, [_task("getDetails", now)])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _finished(self.name, exchange, _details)


class ActivityRead:
    """`getUsageActivity` by model, of today and of 30 days, and of these by day: two tasks in one request."""

    name = "activity"
    minimum_interval_seconds = USAGE_SECONDS

    def call(self, now: float) -> Call:
        wanted = {"today": ("model",), "30d": ("date", "model")}
        return Call("POST", TASKS, [_usage_task("getUsageActivity", name, now, *by) for name, by in wanted.items()])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _finished(self.name, exchange, _activity)


class PerformanceRead:
    """`getUsagePerformance` of today by model."""

    name = "performance"
    minimum_interval_seconds = USAGE_SECONDS

    def call(self, now: float) -> Call:
        return Call("POST", TASKS, [_usage_task("getUsagePerformance", "today", now)])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _finished(self.name, exchange, _performance)


class ErrorsRead:
    """`getUsageErrors` of today by model."""

    name = "errors"
    minimum_interval_seconds = USAGE_SECONDS

    def call(self, now: float) -> Call:
        return Call("POST", TASKS, [_usage_task("getUsageErrors", "today", now)])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _finished(self.name, exchange, _errors)


def _task(operation: str, now: float, window: str = "") -> dict[str, object]:
    """One task; its id is that of a random UUID in form, made from what it asks and when."""
    seed = hashlib.sha256(f"{operation} {window} {now!r}".encode()).digest()
    task = UUID(bytes=seed[:16], version=4)
    return {"taskType": "accountManagement", "taskUUID": str(task), "operation": operation}


def _usage_task(operation: str, window: str, now: float, *by: str) -> dict[str, object]:
    today = datetime.fromtimestamp(now, tz=UTC).date()
    first = today - timedelta(days=WINDOWS[window])
    days = {"startDate": first.isoformat(), "endDate": today.isoformat()}
    return {**_task(operation, now, window), **days, "groupBy": [*(by or ("model",))]}


Item = dict[str, object]
FiguresOf = Callable[[list[Item], SchemaDrift], Figures | None]


def _finished(read: str, exchange: Exchange, figures_of: FiguresOf) -> list[AnyObservation]:
    document = json_value(exchange.body)
    items = nested(document, "data")
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return read_finished(read, exchange, _outcome(exchange, document), lambda drift: figures_of(found, drift))


def _outcome(exchange: Exchange, document: object) -> Outcome:
    """How the read ended: any error among the answers spoils it."""
    status = exchange.status
    if is_redirected(exchange, Kind.ACCOUNT):
        return Outcome.REDIRECTED
    error = next((answer.error for answer in parse_answers(document) if answer.error is not None), None)
    if status is not None and (error is not None or status >= FIRST_ERROR_STATUS):
        return status_outcome(status) if error is None else taskless_outcome(error, status)
    if exchange.failure is not None:
        return FAILURE_OUTCOMES[exchange.failure]
    if status is None:
        return Outcome.UNREACHABLE
    return Outcome.SUCCESS if status in SUCCESSES and document is not None else Outcome.TRUNCATED


def _details(items: list[Item], drift: SchemaDrift) -> Organization | None:
    """The balance: a plain number, or an object with `amount` (docs of 2025 and of 2026 disagree)."""
    balance = next((item["balance"] for item in items if "balance" in item), None)
    amount = drift.require(number(nested(balance, "amount") if isinstance(balance, dict) else balance))
    return None if amount is None else Organization(credit_balance=amount)


def _activity(items: list[Item], drift: SchemaDrift) -> Usage | None:
    """Requests and spend, in US dollars, of each model and window; the answers come in any order."""
    if len(items) != len(WINDOWS):
        return None
    spans = dict(zip(WINDOWS, sorted(items, key=_span), strict=True))
    totals = [total for window, item in spans.items() for total in _totals(item, window, drift)]
    return Usage(days=tuple(_days(spans["30d"])), totals=tuple(totals))


def _days(item: Item) -> Iterator[DaySpend]:
    """Spend of the whole account by day, or of each model where a row names one."""
    rows = nested(item, "usage", "timeseries", "data")
    for row in rows[:MAX_ROWS] if isinstance(rows, list) else []:
        day, model, spent = nested(row, "date"), nested(row, "model"), number(nested(row, "spend"))
        if is_day(day) and spent is not None:
            yield DaySpend(date=day, model=model if is_model_id(model) else ACCOUNT, credits=spent)


def _span(item: Item) -> tuple[bool, str]:
    """Sorts the window that starts latest first."""
    start, end = item.get("startDate"), item.get("endDate")
    return start != end, str(start)


def _totals(item: Item, window: str, drift: SchemaDrift) -> Iterator[SpendTotal]:
    """What each model did; the account as a whole only where no model is told, so that a sum counts nothing twice."""
    rows = _rows(item, drift)
    for model, row in rows.items():
        spent, requests = number(row.get("spend")), count(row.get("count"))
        drift.flag(spent is None or requests is None)
        yield SpendTotal(model=model, window=window, credits=spent, requests=requests)
    meta = nested(item, "usage", "model", "meta")
    spent, requests = number(nested(meta, "totalSpend")), count(nested(meta, "totalRequests"))
    if not rows and (spent is not None or requests is not None):
        yield SpendTotal(model=ACCOUNT, window=window, credits=spent, requests=requests)


def _performance(items: list[Item], drift: SchemaDrift) -> Performance | None:
    """Seconds; null where a model had none (October 2026). The median is told of the whole account only."""
    if not items:
        return None
    models = {model: _inference(row) for model, row in _rows(items[0], drift).items()}
    meta = nested(items[0], "usage", "model", "meta")
    if isinstance(meta, dict):
        models[ACCOUNT] = _inference(meta)
    return Performance(models={model: times for model, times in models.items() if times != Inference()})


def _inference(row: Mapping[str, object]) -> Inference:
    names = {"mean": "avg", "p50": "p50", "p90": "p90", "p99": "p99"}
    return Inference(**{name: number(row.get(f"{said}InferenceTime")) for name, said in names.items()})


def _errors(items: list[Item], drift: SchemaDrift) -> ProviderErrors | None:
    if not items:
        return None
    rows = _rows(items[0], drift)
    counts = {
        model: ErrorCount(client=count(row.get("clientErrors")), server=count(row.get("serverErrors")))
        for model, row in rows.items()
    }
    return ProviderErrors(models=counts)


def _rows(item: Item, drift: SchemaDrift) -> dict[str, Item]:
    """The rows by model, as far as they name one, 200 at most."""
    rows = nested(item, "usage", "model", "data")
    if not isinstance(rows, list):
        drift.flag()
        return {}
    sound = ((row["model"], row) for row in rows if isinstance(row, dict) and is_model_id(row.get("model")))
    kept = dict(islice(sound, MAX_MODELS))
    drift.flag(len(kept) < len(rows))
    return kept
