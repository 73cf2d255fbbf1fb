"""Reads of the account: balance, spend, inference times and errors, all by Runware's own count.

Each read is a task of type `accountManagement`, which generates nothing (docs `models-api/account-management`, October
2026; SDK 1.8.0). Runware states neither what such a task costs nor how late its figures are. Names, team and keys in
the answer to `getDetails` are not read.
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
"""How many days before today each window starts. The API accepts at most 30 days, both ends included (docs, October
2026)."""

ACCOUNT = ""
MAX_ROWS = 31 * MAX_MODELS


class DetailsRead:
    """`getDetails`: the balance, and requests and spend of the whole account."""

    name = "details"
    minimum_interval_seconds = 0.0

    def call(self, now: float) -> Call:
        return Call("POST", TASKS, [_task("getDetails", now)])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _read_finished(self.name, exchange, _details)


class ActivityRead:
    """`getUsageActivity`: today by model, and 30 days by model and day. These are two tasks in one request."""

    name = "activity"
    minimum_interval_seconds = USAGE_SECONDS

    def call(self, now: float) -> Call:
        wanted = {"today": ("model",), "30d": ("date", "model")}
        return Call("POST", TASKS, [_usage_task("getUsageActivity", name, now, *by) for name, by in wanted.items()])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _read_finished(self.name, exchange, _activity)


class PerformanceRead:
    """`getUsagePerformance`: inference times of today by model."""

    name = "performance"
    minimum_interval_seconds = USAGE_SECONDS

    def call(self, now: float) -> Call:
        return Call("POST", TASKS, [_usage_task("getUsagePerformance", "today", now)])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _read_finished(self.name, exchange, _performance)


class ErrorsRead:
    """`getUsageErrors`: errors of today by model."""

    name = "errors"
    minimum_interval_seconds = USAGE_SECONDS

    def call(self, now: float) -> Call:
        return Call("POST", TASKS, [_usage_task("getUsageErrors", "today", now)])

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _read_finished(self.name, exchange, _errors)


def _task(operation: str, now: float, window: str = "") -> dict[str, object]:
    """One task. Its id has the form of a random UUID, but derives from the arguments, so that this stays pure."""
    seed = hashlib.sha256(f"{operation} {window} {now!r}".encode()).digest()
    task = UUID(bytes=seed[:16], version=4)
    return {"taskType": "accountManagement", "taskUUID": str(task), "operation": operation}


def _usage_task(operation: str, window: str, now: float, *by: str) -> dict[str, object]:
    today = datetime.fromtimestamp(now, tz=UTC).date()
    first = today - timedelta(days=WINDOWS[window])
    days = {"startDate": first.isoformat(), "endDate": today.isoformat()}
    return {**_task(operation, now, window), **days, "groupBy": [*(by or ("model",))]}


Element = dict[str, object]
ReadFigures = Callable[[list[Element], SchemaDrift], Figures | None]


def _read_finished(read: str, exchange: Exchange, read_figures: ReadFigures) -> list[AnyObservation]:
    document = json_value(exchange.body)
    elements = nested(document, "data")
    found = [element for element in elements if isinstance(element, dict)] if isinstance(elements, list) else []
    return read_finished(read, exchange, _outcome(exchange, document), lambda drift: read_figures(found, drift))


def _outcome(exchange: Exchange, document: object) -> Outcome:
    """The outcome of a read. One error among the answers fails the whole read."""
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


def _details(elements: list[Element], drift: SchemaDrift) -> Organization | None:
    """The balance in US dollars. It is a number or an object with `amount`; the docs of 2025 and of 2026 disagree."""
    balance = next((element["balance"] for element in elements if "balance" in element), None)
    amount = drift.require(number(nested(balance, "amount") if isinstance(balance, dict) else balance))
    return None if amount is None else Organization(credit_balance=amount)


def _activity(elements: list[Element], drift: SchemaDrift) -> Usage | None:
    """Requests, and spend in US dollars, by model and window. The two answers come in any order."""
    if len(elements) != len(WINDOWS):
        return None
    spans = dict(zip(WINDOWS, sorted(elements, key=_span), strict=True))
    totals = [total for window, element in spans.items() for total in _totals(element, window, drift)]
    return Usage(days=tuple(_days(spans["30d"])), totals=tuple(totals))


def _days(element: Element) -> Iterator[DaySpend]:
    """Spend by day: of the model that a row names, else of the whole account."""
    rows = nested(element, "usage", "timeseries", "data")
    for row in rows[:MAX_ROWS] if isinstance(rows, list) else []:
        day, model, spent = nested(row, "date"), nested(row, "model"), number(nested(row, "spend"))
        if is_day(day) and spent is not None:
            yield DaySpend(date=day, model=model if is_model_id(model) else ACCOUNT, credits=spent)


def _span(element: Element) -> tuple[bool, str]:
    """Sort key that puts the window of one day before the window of 30 days."""
    start, end = element.get("startDate"), element.get("endDate")
    return start != end, str(start)


def _totals(element: Element, window: str, drift: SchemaDrift) -> Iterator[SpendTotal]:
    """Totals by model. The total of the account appears only without any model, so that a sum counts nothing twice."""
    rows = _rows(element, drift)
    for model, row in rows.items():
        spent, requests = number(row.get("spend")), count(row.get("count"))
        drift.flag(spent is None or requests is None)
        yield SpendTotal(model=model, window=window, credits=spent, requests=requests)
    meta = nested(element, "usage", "model", "meta")
    spent, requests = number(nested(meta, "totalSpend")), count(nested(meta, "totalRequests"))
    if not rows and (spent is not None or requests is not None):
        yield SpendTotal(model=ACCOUNT, window=window, credits=spent, requests=requests)


def _performance(elements: list[Element], drift: SchemaDrift) -> Performance | None:
    """Inference times in seconds, null for a model without inferences (docs, October 2026).

    Runware reports the median of the whole account only.
    """
    if not elements:
        return None
    models = {model: _inference(row) for model, row in _rows(elements[0], drift).items()}
    meta = nested(elements[0], "usage", "model", "meta")
    if isinstance(meta, dict):
        models[ACCOUNT] = _inference(meta)
    return Performance(models={model: times for model, times in models.items() if times != Inference()})


def _inference(row: Mapping[str, object]) -> Inference:
    names = {"mean": "avg", "p50": "p50", "p90": "p90", "p99": "p99"}
    return Inference(**{name: number(row.get(f"{prefix}InferenceTime")) for name, prefix in names.items()})


def _errors(elements: list[Element], drift: SchemaDrift) -> ProviderErrors | None:
    if not elements:
        return None
    rows = _rows(elements[0], drift)
    counts = {
        model: ErrorCount(client=count(row.get("clientErrors")), server=count(row.get("serverErrors")))
        for model, row in rows.items()
    }
    return ProviderErrors(models=counts)


def _rows(element: Element, drift: SchemaDrift) -> dict[str, Element]:
    """The first 200 rows with a valid model, by model."""
    rows = nested(element, "usage", "model", "data")
    if not isinstance(rows, list):
        drift.flag()
        return {}
    sound = ((row["model"], row) for row in rows if isinstance(row, dict) and is_model_id(row.get("model")))
    kept = dict(islice(sound, MAX_MODELS))
    drift.flag(len(kept) < len(rows))
    return kept
