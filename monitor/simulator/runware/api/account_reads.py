"""The task `accountManagement`: details and usage of an account. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from monitor.simulator.runware.errors import Refusal
from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.platform.ledger import Usage, sum_usage, usage_meta, usage_row

_LONGEST_DAYS = 30
_GROUPS = {"date": "timeseries", "model": "model", "apiKey": "apiKey"}
USAGE = frozenset({"getUsageActivity", "getUsagePerformance", "getUsageErrors"})
_EVER = date(2000, 1, 1)


def read(account: Account, fields: dict[str, Any], now: float) -> dict[str, Any]:
    """Return the answer to one `accountManagement` task, without its type and id.

    Raises:
        Refusal: the operation is unknown, or its dates are wrong.
    """
    operation = fields.get("operation")
    if operation == "getDetails":
        return {"operation": operation, **_details(account, now)}
    if operation not in USAGE:
        raise Refusal("invalidValue", "operation")
    first, last = _day(fields, "startDate"), _day(fields, "endDate")
    days = (last - first).days + 1
    if not 1 <= days <= _LONGEST_DAYS:
        raise Refusal("invalidValue", "endDate")
    span = {"startDate": first.isoformat(), "endDate": last.isoformat()}
    return {"operation": operation, **span, "usage": _usage(account, operation, fields, first, last)}


def _day(fields: dict[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(fields[name])
    except (KeyError, TypeError, ValueError):
        raise Refusal("invalidValue", name) from None


def _details(account: Account, now: float) -> dict[str, Any]:
    balance = round(account.balance, 6)
    is_object = account.settings.balance_shape == "object"
    owner = {"name": "Ada Example", "email": "ada@example.com", "roles": ["Owner"], "joinedAt": "2025-01-01T00:00:00Z"}
    return {
        "organizationUUID": "00000000-0000-4000-8000-000000000001",
        "organizationName": account.name,
        "balance": {"amount": balance, "freeBalance": 0, "currency": "USD"} if is_object else balance,
        "team": [owner],
        "apiKeys": [],
        "usage": _rolling(account, now),
    }


def _rolling(account: Account, now: float) -> dict[str, Any]:
    today = datetime.fromtimestamp(now, UTC).date()
    starts = {
        "today": today,
        "last7Days": today - timedelta(days=6),
        "last30Days": today - timedelta(days=29),
        "total": _EVER,
    }
    uses = {name: sum_usage(account.ledger.select(first, today).values()) for name, first in starts.items()}
    return {name: {"credits": round(use.spend, 6), "requests": use.count} for name, use in uses.items()}


def _usage(account: Account, operation: str, fields: dict[str, Any], first: date, last: date) -> dict[str, Any]:
    groups = fields.get("groupBy") or ["date"]
    if not isinstance(groups, list) or not set(groups) <= set(_GROUPS):
        raise Refusal("invalidValue", "groupBy")
    models = fields.get("models") or ()
    chosen = account.ledger.select(first, last, [one for one in models if isinstance(one, str)])
    meta = usage_meta(operation, sum_usage(chosen.values()), (last - first).days + 1)

    def rows(group: str) -> list[dict[str, Any]]:
        by: dict[str, list[Usage]] = {}
        for (day, model), use in chosen.items():
            name = {"date": day.isoformat(), "model": model, "apiKey": "default"}[group]
            by.setdefault(name, []).append(use)
        return [{group: name, **usage_row(operation, sum_usage(uses))} for name, uses in sorted(by.items())]

    return {_GROUPS[group]: {"data": rows(group), "meta": meta} for group in groups}
