"""Reads of the account: limits, use and balance; credits spent by day and model.

Each field is read on its own. Unusable fields are left out, and one `UnknownSeen` with the read's name reports them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from monitor.observations import AnyObservation, DaySpend, Figures, ModelLimits, Organization, Usage
from monitor.providers.account import MAX_MODELS, SchemaDrift, read_finished
from monitor.providers.http import Call, Exchange
from monitor.providers.lenient import count, is_day, is_model_id, json_object, nested, number
from monitor.providers.runway.exchange import outcome

MAX_USAGE_DAYS = 92
USAGE_DAYS = 30
LIMITS = {"concurrency": "maxConcurrentGenerations", "daily_generations": "maxDailyGenerations"}


class OrganizationRead:
    """`GET /v1/organization`: limits, use and balance. The configured interval alone sets its pace."""

    name = "organization"
    minimum_interval_seconds = 0.0

    def call(self, now: float) -> Call:  # noqa: ARG002
        return Call("GET", "/v1/organization")

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _read_finished(self.name, exchange, _organization)


class UsageRead:
    """`POST /v1/organization/usage` for the last 30 UTC days and today.

    Runway's default window ends yesterday. `beforeDate` is exclusive, so that today needs tomorrow's date (SDK 5.24.0).
    Runway does not state that it accepts a future date.
    """

    name = "usage"
    minimum_interval_seconds = 300.0

    def call(self, now: float) -> Call:
        today = datetime.fromtimestamp(now, tz=UTC).date()
        window = {"startDate": today - timedelta(days=USAGE_DAYS), "beforeDate": today + timedelta(days=1)}
        return Call("POST", "/v1/organization/usage", {name: day.isoformat() for name, day in window.items()})

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return _read_finished(self.name, exchange, _usage)


def _read_finished(
    read: str, exchange: Exchange, read_figures: Callable[[dict[str, object], SchemaDrift], Figures | None]
) -> list[AnyObservation]:
    document = json_object(exchange.body)
    return read_finished(read, exchange, outcome(exchange, document), lambda drift: read_figures(document or {}, drift))


def _organization(document: dict[str, object], drift: SchemaDrift) -> Organization | None:
    listed = _by_model(nested(document, "tier", "models"), drift)
    limits = {model: _limits(entry, drift) for model, entry in listed.items()}
    figures = Organization(
        credit_balance=drift.require(number(nested(document, "creditBalance"))),
        monthly_spend_credits=drift.require(count(nested(document, "tier", "maxMonthlyCreditSpend"))),
        limits=limits,
        daily_generations=_daily_generations(nested(document, "usage", "models"), limits, drift),
    )
    return figures if figures != Organization() else None


def _limits(entry: dict[str, object], drift: SchemaDrift) -> ModelLimits:
    """The limits of a model. `null` is unlimited (SDK 5.24.0). An absent or unreadable limit is unknown."""
    read = {limit: count(entry.get(key)) for limit, key in LIMITS.items()}
    unlimited = {limit for limit, key in LIMITS.items() if key in entry and entry[key] is None}
    unknown = tuple(limit for limit, value in read.items() if value is None and limit not in unlimited)
    drift.flag(bool(unknown))
    return ModelLimits(**read, unknown=unknown)


def _daily_generations(used: object, limits: dict[str, ModelLimits], drift: SchemaDrift) -> dict[str, int]:
    """Generations of each model in the past day. We assume 0 for a model with limits and without an entry."""
    if not isinstance(used, dict):
        drift.flag()
        return {}
    entries = _by_model(used, drift)
    read = {model: drift.require(count(entry.get("dailyGenerations"))) for model, entry in entries.items()}
    reported = {model: generations for model, generations in read.items() if generations is not None}
    unused = {model: 0 for model in limits if model not in used}
    return dict(islice((reported | unused).items(), MAX_MODELS))


def _by_model(value: object, drift: SchemaDrift) -> dict[str, dict[str, object]]:
    """The first 200 entries of a map that are objects under a valid model id."""
    if not isinstance(value, dict):
        drift.flag()
        return {}
    sound = ((model, entry) for model, entry in value.items() if is_model_id(model) and isinstance(entry, dict))
    kept = dict(islice(sound, MAX_MODELS))
    drift.flag(len(kept) < len(value))
    return kept


def _usage(document: dict[str, object], drift: SchemaDrift) -> Usage | None:
    """Net credits by UTC day and model. Days and models beyond the bounds are left out. An empty day adds nothing."""
    results = document.get("results")
    if not isinstance(results, list):
        return None
    drift.flag(len(results) > MAX_USAGE_DAYS)
    spent: dict[str, dict[str, float]] = {}
    for day, model, amount in _amounts(results[:MAX_USAGE_DAYS], drift):
        if model not in spent and len(spent) == MAX_MODELS:
            drift.flag()
            continue
        by_day = spent.setdefault(model, {})
        by_day[day] = by_day.get(day, 0.0) + amount
    return Usage(
        days=tuple(
            DaySpend(date=day, model=model, credits=amount)
            for model, by_day in spent.items()
            for day, amount in by_day.items()
        )
    )


def _amounts(results: list[object], drift: SchemaDrift) -> Iterator[tuple[str, str, float]]:
    for result in results:
        day, entries = nested(result, "date"), nested(result, "usedCredits")
        if not is_day(day) or not isinstance(entries, list):
            drift.flag()
            continue
        for entry in entries:
            model, amount = nested(entry, "model"), number(nested(entry, "amount"))
            if is_model_id(model) and amount is not None:
                yield day, model, amount
            else:
                drift.flag()
