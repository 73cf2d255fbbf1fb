"""The capacity of an account's models, judged at each evaluation by the tasks that have ended since the last.

A task is judged ten seconds after its end, because an end that is inferred from polls arrives late. Later news says
nothing of the present. Each record keeps the time up to which tasks are in it, so that nothing counts twice after a
restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace
from sqlalchemy import Connection

from monitor.config import Account
from monitor.judgement.capacity import rows
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.capacity.pace import REACH_WINDOWS, CapacityRules
from monitor.judgement.capacity.record import CapacityRecord, News, RequestCounts, advance, fresh, outlook
from monitor.observations import Kind, Outcome
from monitor.providers import PROVIDERS
from monitor.tasks.counters import CounterSpec, Series
from monitor.tasks.models import ALWAYS_ALLOWED

LAG = 10.0
SAVE_SECONDS = 60.0
TURNED_AWAY = frozenset({Outcome.RATE_LIMITED, Outcome.OVERLOADED, Outcome.TIMEOUT, Outcome.CLIENT_GONE})
"""How a create ends that found no room, or whose client gave up waiting."""


class AccountCapacity:
    """What is known of the capacity of one account's models."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._name = name
        self._records = rows.load(connection, name)
        self._stored = dict(self._records)
        self._saved_at: float | None = None
        self._until: float | None = None
        self._now = 0.0

    def update(
        self, connection: Connection, request_counts: Mapping[str, RequestCounts], rules: CapacityRules, now: float
    ) -> tuple[ModelCapacity, ...]:
        """Every model's capacity. `request_counts` are the present counts of requests."""
        self._now, until = now, now - LAG
        after = self._after(rules, until)
        ended = rows.ended(connection, self._name, after, until)
        for model in (ended.keys() | request_counts.keys() | self._records.keys()) - ALWAYS_ALLOWED:
            news = News(ended.get(model, []), request_counts.get(model, RequestCounts()))
            before = self._records.get(model) or fresh(news.doors, rules, after)
            if self._until is None:  # the records have looked at some of it before the restart
                news = News([task for task in news.ended if task.ended > before.looked_at], news.doors)
                # The stopping gateway itself cut off what was under way, and counted it as given up.
                before = replace(before, doors=news.doors)
            if news.ended or news.doors != before.doors or before.slices:
                self._records[model] = advance(before, news, rules, until)
        self._until = until
        return tuple(outlook(model, record, rules) for model, record in sorted(self._records.items()))

    def _after(self, rules: CapacityRules, until: float) -> float:
        """From when on tasks are new. A clock that was set back starts over."""
        if self._until is not None:
            return min(self._until, until)
        known = [min(record.looked_at, until) for record in self._records.values()]
        return max(min(known, default=until), until - REACH_WINDOWS * rules.window)

    @property
    def is_changed(self) -> bool:
        """Whether a state or a recommendation has changed, or a minute has passed since the last save."""
        if self._saved_at is None or not 0 <= self._now - self._saved_at < SAVE_SECONDS:
            return self._records != self._stored
        return self._told(self._records) != self._told(self._stored)

    def save(self, connection: Connection) -> None:
        """Write the records that have changed."""
        news = {model: record for model, record in self._records.items() if record != self._stored.get(model)}
        rows.save(connection, self._name, news)

    def saved(self) -> None:
        """Note that what `save` wrote is committed."""
        self._stored, self._saved_at = dict(self._records), self._now

    def _told(self, records: Mapping[str, CapacityRecord]) -> dict[str, object]:
        return {model: (record.verdict.state, record.recommended) for model, record in records.items()}


def rules_of(account: Account) -> CapacityRules | None:
    """The rules for an account's models. None at a provider that has limits."""
    advice = PROVIDERS[account.provider].capacity
    if advice is None:
        return None
    return CapacityRules(
        window=account.capacity.window,
        min_samples=account.capacity.min_samples,
        healthy_seconds=advice.healthy_seconds,
        concurrency=advice.concurrency,
    )


def request_counts(series: Iterable[Series]) -> dict[str, RequestCounts]:
    """Requests for generations by model since counting began, and how many were turned away."""
    attempts: dict[str, int] = {}
    refused: dict[str, int] = {}
    for one in series:
        if one.counter is CounterSpec.REQUESTS and one["kind"] == Kind.CREATE:
            model = one["model"]
            attempts[model] = attempts.get(model, 0) + int(one.value)
            refused[model] = refused.get(model, 0) + (int(one.value) if one["outcome"] in TURNED_AWAY else 0)
    return {model: RequestCounts(count, refused[model]) for model, count in attempts.items()}
