"""Endpoints that read the account: organization, usage, and the pages of a linked web-app workspace. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from monitor.simulator.runway.api.messages import Call, Reply, ok, page
from monitor.simulator.runway.catalog import MODELS
from monitor.simulator.runway.errors import invalid, issue, refuse
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import timestamp

_LONGEST = timedelta(days=90)
_DEFAULT = timedelta(days=30)


def read_organization(organization: Organization, call: Call, _: str) -> Reply:
    """GET /v1/organization: the limits of every model, and the daily count of every model that was ever used."""
    names = [*MODELS, *(name for name in organization.settings.limits if name not in MODELS)]
    limits = {name: organization.limit(name) for name in names}
    return ok(
        {
            "creditBalance": organization.ledger.balance,
            "tier": {
                "maxMonthlyCreditSpend": organization.monthly_credits,
                "models": {
                    name: {"maxConcurrentGenerations": limit.concurrency, "maxDailyGenerations": limit.daily}
                    for name, limit in limits.items()
                },
            },
            "usage": {
                "models": {
                    name: {"dailyGenerations": queue.daily(call.now)} for name, queue in organization.queues.items()
                }
            },
        }
    )


def read_usage(organization: Organization, call: Call, _: str) -> Reply:
    """POST /v1/organization/usage: net credits per UTC day and model."""
    start, before = _dates(call)
    used = organization.ledger.used
    days = [(start + timedelta(days=n)).isoformat() for n in range((before - start).days)]
    rows: dict[str, Mapping[str, int]] = {day: used.get(day, {}) for day in days}
    results = [
        {"date": day, "usedCredits": [{"model": model, "amount": amount} for model, amount in row.items()]}
        for day, row in rows.items()
    ]
    return ok({"results": results, "models": sorted({model for row in rows.values() for model in row})})


def _dates(call: Call) -> tuple[date, date]:
    today = datetime.fromtimestamp(call.now, UTC).date()
    start = _date(call, "startDate") or today - _DEFAULT
    before = _date(call, "beforeDate") or min(start, date.max - _DEFAULT) + _DEFAULT
    if not timedelta(0) < before - start <= _LONGEST:
        raise invalid([issue("beforeDate", "Expected 1 to 90 days after startDate")])
    return start, before


def _date(call: Call, name: str) -> date | None:
    text = call.fields.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise invalid([issue(name, "Invalid date", "invalid_string")]) from None


def _member(organization: Organization) -> dict[str, Any]:
    return {"workspaceId": 1, "workspaceName": organization.name}


def list_webapp_usage(organization: Organization, call: Call, _: str) -> Reply:
    """GET /v1/organization/webapp/usage."""
    row = {
        "timestamp": timestamp(organization.created_at),
        "type": "charge",
        "credits": 5,
        "tool": "gen4_turbo",
        "email": "member@example.com",
        **_member(organization),
    }
    return page(call, [row], "from", "to")


def _audit_events(organization: Organization) -> list[dict[str, Any]]:
    event = {
        "eventId": "event-1",
        "timestamp": timestamp(organization.created_at),
        "action": "UserLogin",
        "actorEmail": "member@example.com",
        "actorUsername": "member",
        "actorDeleted": False,
        **_member(organization),
    }
    return [event]


def list_audit_logs(organization: Organization, call: Call, _: str) -> Reply:
    """GET /v1/organization/webapp/audit_logs."""
    return page(call, _audit_events(organization))


def read_audit_log(organization: Organization, _: Call, event_id: str) -> Reply:
    """GET /v1/organization/webapp/audit_logs/{event_id}."""
    for event in _audit_events(organization):
        if event["eventId"] == event_id:
            return ok({**event, "metadata": {}, "clientIpAddress": "203.0.113.1"})
    raise refuse("not_found")
