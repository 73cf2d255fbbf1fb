"""The JSON API: the snapshot, for programs. Described in `docs/reference/api.md`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from monitor.judgement.figures import RequestCount, limit_uses, requests, retries, spending, unlimited_uses
from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.runtime.clock import Clock
from monitor.runtime.logs import redact
from monitor.tasks.counters import Series
from monitor.views.warnings import warnings

Figures = dict[str, object]


class Api:
    """Handlers of `/api/v1/accounts`."""

    def __init__(self, snapshot: Callable[[], Snapshot | None], clock: Clock) -> None:
        self._snapshot = snapshot
        self._clock = clock

    async def accounts(self, _: web.Request) -> web.Response:
        """Every account."""
        snapshot = self._snapshot()
        if snapshot is None:
            return _not_yet()
        return _json({**self._time(snapshot), "accounts": [_account(one, snapshot.at) for one in snapshot.accounts]})

    async def account(self, request: web.Request) -> web.Response:
        """One account by its name."""
        return self._of_one(request, _account)

    async def advice(self, request: web.Request) -> web.Response:
        """What to do about the limits of one account: its usage tier, or the concurrency of each model."""
        return self._of_one(request, _advice)

    def _of_one(self, request: web.Request, tell: Callable[[AccountSnapshot, float], Figures]) -> web.Response:
        snapshot = self._snapshot()
        if snapshot is None:
            return _not_yet()
        name = request.match_info["account"]
        found = next((account for account in snapshot.accounts if account.account == name), None)
        if found is None:
            return _json({"error": redact(f"no account is named {name!r}")}, status=404)
        return _json({**self._time(snapshot), **tell(found, snapshot.at)})

    def _time(self, snapshot: Snapshot) -> Figures:
        return {"at": snapshot.at, "age_seconds": max(0.0, self._clock.now() - snapshot.at)}


def _advice(account: AccountSnapshot, _: float) -> Figures:
    told: Figures = msgspec.to_builtins(account)
    return {name: told[name] for name in ("account", "provider", "tier", "advice", "capacity")}


def _account(account: AccountSnapshot, at: float) -> Figures:
    """The account's figures with what follows from them, and its counts with their labels' names."""
    shown: Figures = msgspec.to_builtins(account)
    del shown["series"]
    limits = [{**msgspec.to_builtins(use), "saturation_ratio": use.saturation} for use in limit_uses(account)]
    return {
        **shown,
        "warnings": list(warnings(account, at)),
        "limits": limits,
        "unlimited": [msgspec.to_builtins(use) for use in unlimited_uses(account)],
        "spent": _spent(account, at),
        "requests": [_requests(count) for count in requests(account)],
        "retries": retries(account),
        "counts": [_count(series) for series in account.series],
    }


def _spent(account: AccountSnapshot, at: float) -> list[dict[str, object]] | None:
    known = spending(account, at)
    if known is None:
        return None
    return [
        {"model": model, "today_credits": one.today, "month_credits": one.month} for model, one in known.models.items()
    ]


def _requests(count: RequestCount) -> dict[str, object]:
    return {"kind": count.kind, "total": count.total, "failed": count.failed, "outcomes": count.outcomes}


def _count(series: Series) -> dict[str, object]:
    labels = dict(zip(series.counter.labels, series.labels, strict=True))
    return {"name": series.counter.value, "labels": labels, "value": series.value}


def _not_yet() -> web.Response:
    return _json({"error": "the first evaluation has not ended yet"}, status=503)


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
