"""From what is asked and what the tasks find to the answer.

Where a limit, the age of the window's generations or the rest of a run is not known, the plan is made twice: as good
and as bad as it can be. More of any of them never ends sooner, so the truth lies between.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import NamedTuple

from monitor.model import ModelLimits
from monitor.plan.answer import (
    Accepted,
    Answer,
    By,
    Disagreement,
    LimitAnswer,
    Moments,
    Span,
    TierAnswer,
    TierOf,
    Today,
    Verdict,
)
from monitor.plan.money import balance_limit, cost, spend_limit, tier_allows
from monitor.plan.notes import notes
from monitor.plan.request import Request, local
from monitor.plan.standing import Origin, Standing
from monitor.plan.vendor import TIERS
from monitor.providers.tiers import Tier
from monitor.state.plan import DAY, NEVER, Batch, Delays, Room, Schedule, delays


class Outlook(NamedTuple):
    """The tasks at their best and at their worst, as seconds from now."""

    best: Schedule
    worst: Schedule
    best_delays: Delays
    worst_delays: Delays

    @property
    def seconds(self) -> Span:
        """Until all is done."""
        return Span(self.best.seconds, self.worst.seconds)

    def done(self, now: float) -> Moments:
        """When that is."""
        return _moments(now + self.best.seconds, now + self.worst.seconds)

    def accepted_by(self, at: float) -> Span:
        """How many are accepted at that time."""
        return Span(self.worst.accepted_by(at), self.best.accepted_by(at))

    def finished_by(self, at: float) -> Span:
        """How many are finished at that time."""
        return Span(self.worst.finished_by(at), self.best.finished_by(at))


def _moments(earliest: float, latest: float) -> Moments:
    return Moments(*(None if at == NEVER else local(at) for at in (earliest, latest)))


def outlook(request: Request, standing: Standing, limits: tuple[ModelLimits, ...]) -> Outlook:
    """The tasks under one of these limits: at worst, all that is in the window was made just now."""
    least, most = standing.ahead
    used = (Batch(DAY, standing.used),) if standing.used else ()
    best = Room(_combined(limits, most=True), (), least)
    worst = Room(_combined(limits, most=False), used, most)
    return Outlook(
        Schedule(request.count, request.seconds, best),
        Schedule(request.count, request.seconds, worst),
        delays(request.count, request.seconds, best),
        delays(request.count, request.seconds, worst),
    )


def _combined(limits: tuple[ModelLimits, ...], *, most: bool) -> ModelLimits:
    chosen = max if most else min

    def limit(name: str) -> int | None:
        value = chosen(_values(limits, name))
        return None if value == NEVER else int(value)

    return ModelLimits(concurrency=limit("concurrency"), daily_generations=limit("daily_generations"))


def _values(limits: tuple[ModelLimits, ...], name: str) -> list[float]:
    return [NEVER if getattr(one, name) is None else getattr(one, name) for one in limits]


def _allowed(limits: tuple[ModelLimits, ...], name: str) -> Span | None:
    values = _values(limits, name)
    return None if min(values) == NEVER else Span(min(values), max(values))


def reckon(request: Request, standing: Standing, now: float) -> Answer:
    """The whole answer; `now` is Unix seconds."""
    view = outlook(request, standing, standing.limits)
    spent = cost(request, standing)
    limits = (
        *_model_limits(request, standing, view),
        balance_limit(spent, standing.balance_credits, request.count),
        spend_limit(spent, standing),
    )
    tiers = tuple(_tiers(request, standing, now))
    return Answer(
        at=local(now),
        count=request.count,
        seconds=request.seconds,
        origin=standing.origin,
        account=standing.account,
        model=standing.model,
        tier=_tier_of(standing),
        takes_seconds=view.seconds,
        done=view.done(now),
        binding=_binding(limits),
        limits=limits,
        accepted=_accepted(view, now),
        today=_today(view, now),
        by=None if request.by is None else _by(view, request.by, now),
        cost=spent,
        tiers=tiers,
        lowest_tier=next((tier.tier for tier in tiers if tier.makes_it is Verdict.YES), None),
        notes=tuple(notes(request, standing, limits, tiers)),
    )


def _model_limits(request: Request, standing: Standing, view: Outlook) -> tuple[LimitAnswer, LimitAnswer]:
    concurrency, daily = (_allowed(standing.limits, name) for name in ("concurrency", "daily_generations"))
    return (
        LimitAnswer(
            limit="concurrency",
            allowed=concurrency,
            used=standing.ahead[1] if standing.origin is Origin.ACCOUNT else None,
            needed=None,
            enough_for=concurrency
            and Span(*(min(request.count, limit) for limit in (concurrency.least, concurrency.most))),
            binds=_binds(view.best_delays.concurrency, view.worst_delays.concurrency),
            delay_seconds=view.worst_delays.concurrency,
        ),
        LimitAnswer(
            limit="daily_generations",
            allowed=daily,
            used=standing.used,
            needed=Span(request.count, request.count),
            enough_for=daily and view.accepted_by(0.0),
            binds=_binds(view.best_delays.daily_generations, view.worst_delays.daily_generations),
            delay_seconds=view.worst_delays.daily_generations,
        ),
    )


def _binds(best: float, worst: float) -> Verdict:
    if min(best, worst) > 0:
        return Verdict.YES
    return Verdict.MAYBE if max(best, worst) > 0 else Verdict.NO


def _binding(limits: tuple[LimitAnswer, ...]) -> tuple[str, ...]:
    """What is surely in the way first; among those, missing money before time, and more time before less."""

    def hardness(limit: LimitAnswer) -> tuple[bool, float]:
        return limit.binds is Verdict.YES, NEVER if limit.delay_seconds is None else limit.delay_seconds

    found = (limit for limit in limits if limit.binds in {Verdict.YES, Verdict.MAYBE})
    return tuple(limit.limit for limit in sorted(found, key=hardness, reverse=True))


def _accepted(view: Outlook, now: float) -> tuple[Accepted, ...]:
    """The tasks in groups that come in together at the worst; at best, a group is complete with its last task."""
    groups: list[Accepted] = []
    place = 0
    for batch in view.worst.accepted:
        place += batch.count
        at = _moments(now + view.best.accepted_at(place), now + batch.at)
        groups.append(Accepted(batch.count, at))
    return tuple(groups)


def _today(view: Outlook, now: float) -> Today:
    tomorrow = local(now).date() + timedelta(days=1)
    until = datetime.combine(tomorrow, time()).astimezone()
    left = until.timestamp() - now
    return Today(until, view.accepted_by(left), view.finished_by(left))


def _by(view: Outlook, by: float, now: float) -> By:
    return By(local(by), _within(view.seconds, by - now), view.finished_by(by - now))


def _within(seconds: Span, limit: float) -> Verdict:
    if seconds.most <= limit:
        return Verdict.YES
    return Verdict.MAYBE if seconds.least <= limit else Verdict.NO


def _tiers(request: Request, standing: Standing, now: float) -> list[TierAnswer]:
    table = TIERS.newest
    rows = ((tier, TIERS.limits(table, tier, standing.model or "")) for tier in table.tiers)
    return [_tier(request, standing, now, tier, limits) for tier, limits in rows if limits]


def _tier(request: Request, standing: Standing, now: float, tier: Tier, limits: tuple[ModelLimits, ...]) -> TierAnswer:
    view = outlook(request, standing, limits)
    in_time = _at_once(view) if request.by is None else _within(view.seconds, request.by - now)
    paid = tier_allows(tier, cost(request, standing), standing)
    at_once, a_day = _allowed(limits, "concurrency"), _allowed(limits, "daily_generations")
    return TierAnswer(
        tier=tier.number,
        concurrency=at_once or Span(NEVER, NEVER),
        daily_generations=a_day or Span(NEVER, NEVER),
        monthly_spend_dollars=tier.monthly_spend_dollars,
        purchased_dollars=tier.purchased_dollars,
        wait_days=tier.wait_days,
        takes_seconds=view.seconds,
        done=view.done(now),
        makes_it=max(in_time, paid, key=(Verdict.YES, Verdict.MAYBE, Verdict.NO).index),
    )


def _at_once(view: Outlook) -> Verdict:
    """Whether the daily limit lets every task in at once."""
    accepted = view.accepted_by(0.0)
    if accepted.least >= view.worst.count:
        return Verdict.YES
    return Verdict.MAYBE if accepted.most >= view.worst.count else Verdict.NO


def _tier_of(standing: Standing) -> TierOf | None:
    if standing.tier is None:
        return None
    match = standing.match
    table = match.table if match else TIERS.newest
    claims = match.disagreements if match else ()
    return TierOf(
        tier=standing.tier,
        table=table.name,
        date=table.date,
        source=table.source,
        disagreements=tuple(Disagreement(claim.model, claim.limit, claim.live, claim.table) for claim in claims),
    )
