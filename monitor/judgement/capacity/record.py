"""What is kept of one model's capacity, as a pure function of what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from monitor.judgement.capacity.baseline import Baseline, learn
from monitor.judgement.capacity.concurrency import ConcurrencyLimit, begin, begin_anew, follow, rest
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.capacity.pace import CapacityRules, Ended, Slice, add, pace, recent, slice_of
from monitor.judgement.capacity.published import Published, publish
from monitor.judgement.capacity.verdict import QueueVerdict, judge


class RequestCounts(msgspec.Struct, frozen=True, array_like=True):
    """Requests for generations since counting began, and those that were turned away or given up."""

    attempts: int = 0
    refused: int = 0

    def since(self, before: RequestCounts) -> RequestCounts:
        """What came after `before`. All of it if the counts started over."""
        if self.attempts < before.attempts or self.refused < before.refused:
            return self
        return RequestCounts(self.attempts - before.attempts, self.refused - before.refused)


class CapacityRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model. It includes tasks that ended up to `looked_at` and the requests in `doors`.

    `published` is None as long as the limit itself is recommended.
    """

    looked_at: float
    doors: RequestCounts
    limit: ConcurrencyLimit
    published: Published | None = None
    slices: tuple[Slice, ...] = ()
    baseline: Baseline | None = None
    verdict: QueueVerdict = QueueVerdict()

    @property
    def recommended(self) -> int:
        """The recommended concurrency."""
        return self.limit.whole if self.published is None else self.published.value


class News(NamedTuple):
    """What is new: tasks that ended since the last update, and the present counts of requests."""

    ended: Sequence[Ended] = ()
    doors: RequestCounts = RequestCounts()


def fresh(doors: RequestCounts, rules: CapacityRules, at: float) -> CapacityRecord:
    """The record of an unknown model. Earlier counts are not new."""
    return CapacityRecord(looked_at=at, doors=doors, limit=begin(rules, at))


def advance(before: CapacityRecord, news: News, rules: CapacityRules, now: float) -> CapacityRecord:
    """The record at `now`. `news.ended` are all tasks that ended since the last update."""
    if now < before.looked_at:
        before = _set_back(before, now)
    doors = news.doors.since(before.doors)
    at_door = Slice(now // rules.slice * rules.slice, attempts=doors.attempts, refused=doors.refused)
    new = [slice_of(task, rules) for task in news.ended] + ([at_door] if doors != RequestCounts() else [])
    slices = recent(add(before.slices, new) if new else before.slices, rules, now)
    seen = pace(slices)
    has_news = bool(slices) and any(task.is_well for task in news.ended)
    baseline = learn(before.baseline, seen, slices[0].start, rules, now) if has_news else before.baseline
    usual = None if baseline is None else baseline.level
    limit = follow(before.limit, news.ended, doors.refused, usual, rules, now) if new else before.limit
    is_learnt = baseline is not None and baseline.is_learnt(rules, now)
    verdict = judge(before.verdict, slices, baseline if is_learnt else None, rules, now)
    told = before.published or Published(before.limit.whole)
    published = publish(told, limit, verdict.state, rules, now)
    if published.value < told.value:
        limit = begin_anew(limit, now + rules.slice)
    return CapacityRecord(
        looked_at=now,
        doors=news.doors,
        limit=limit if slices else rest(limit, rules),
        published=published if slices else None,
        slices=slices,
        baseline=baseline,
        verdict=verdict,
    )


def _set_back(record: CapacityRecord, now: float) -> CapacityRecord:
    """The record after the clock was set back to `now`: nothing in it lies ahead, and the baseline stays learnt."""
    learnt, step = record.baseline, record.looked_at - now
    return replace(
        record,
        slices=tuple(one for one in record.slices if one.start <= now),
        baseline=None if learnt is None else replace(learnt, since=learnt.since - step, at=now),
        limit=begin_anew(record.limit, now),
        verdict=replace(record.verdict, since=min(record.verdict.since, now)),
    )


def outlook(model: str, record: CapacityRecord, rules: CapacityRules) -> ModelCapacity:
    """What is shown of the record."""
    seen, baseline = pace(record.slices), record.baseline
    is_learnt = baseline is not None and baseline.is_learnt(rules, record.looked_at)
    return ModelCapacity(
        model=model,
        state=record.verdict.state,
        recommended_concurrency=record.recommended,
        latency_seconds=exp(seen.mean) if seen.well else None,
        baseline_seconds=exp(baseline.level) if baseline is not None and is_learnt else None,
        failure_ratio=seen.failure_ratio if seen.tried else None,
    )
