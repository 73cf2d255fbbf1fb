"""From what is asked and what the tasks find to the answer.

Where a limit, the age of the window's generations or the rest of a run is not known, the plan is made twice: as good
and as bad as it can be. More of any of them never ends sooner, so the truth lies between.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import NamedTuple

from monitor.observations import ModelLimits
from monitor.planning.answer import (
    AcceptedBy,
    By,
    Disagreement,
    LimitAnswer,
    Moments,
    PlanAnswer,
    PlanVerdict,
    TierAnswer,
    TierOf,
    TimeSpan,
    Today,
)
from monitor.planning.money import balance_limit, cost, payable, spend_limit
from monitor.planning.notes import notes
from monitor.planning.request import Request, local
from monitor.planning.schedule import DAY, NEVER, Batch, BatchSchedule, Delays, Room, delays
from monitor.planning.standing import PlanBasis
from monitor.planning.vendor import TIERS
from monitor.providers.tiers import Tier


class PlanOutlook(NamedTuple):
    """The tasks at their best and at their worst, as seconds from now."""

    best: BatchSchedule
    worst: BatchSchedule
    best_delays: Delays
    worst_delays: Delays

    @property
    def seconds(self) -> TimeSpan:
        """Until all is done."""
        return TimeSpan(self.best.seconds, self.worst.seconds)

    def done(self, now: float) -> Moments:
        """When that is."""
        return _moments(now + self.best.seconds, now + self.worst.seconds)

    def accepted_by(self, at: float) -> TimeSpan:
        """How many are accepted at that time."""
        return TimeSpan(self.worst.accepted_by(at), self.best.accepted_by(at))

    def finished_by(self, at: float) -> TimeSpan:
        """How many are finished at that time."""
        return TimeSpan(self.worst.finished_by(at), self.best.finished_by(at))


def _moments(earliest: float, latest: float) -> Moments:
    return Moments(*(None if at == NEVER else local(at) for at in (earliest, latest)))


def outlook(request: Request, standing: PlanBasis, limits: tuple[ModelLimits, ...]) -> PlanOutlook:
    """The tasks under one of these limits: at worst, what is of unknown age in the window was made just now."""
    least, most = standing.ahead
    early = tuple(Batch(expiry.first_seconds, expiry.count) for expiry in standing.expiries)
    late = tuple(Batch(expiry.last_seconds, expiry.count) for expiry in standing.expiries)
    ageless = (Batch(DAY, standing.ageless),) if standing.ageless else ()
    best = Room(_combined(limits, most=True), early, least)
    worst = Room(_combined(limits, most=False), late + ageless, most)
    return PlanOutlook(
        BatchSchedule(request.count, request.seconds, best),
        BatchSchedule(request.count, request.seconds, worst),
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


def _allowed(limits: tuple[ModelLimits, ...], name: str) -> TimeSpan | None:
    values = _values(limits, name)
    return None if min(values) == NEVER else TimeSpan(min(values), max(values))


def estimate(request: Request, standing: PlanBasis, now: float) -> PlanAnswer:
    """The whole answer; `now` is Unix seconds."""
    view = outlook(request, standing, standing.limits)
    spent = cost(request, standing)
    limits = (
        *_model_limits(request, standing, view),
        balance_limit(spent, standing.balance_credits, request.count),
        *([spend_limit(spent, standing)] if standing.has_tiers else []),
    )
    tiers = tuple(_tiers(request, standing, now))
    return PlanAnswer(
        at=local(now),
        count=request.count,
        seconds=request.seconds,
        origin=standing.origin,
        account=standing.account,
        provider=standing.provider if standing.account is not None else None,
        model=standing.model,
        choice=standing.choice,
        tier=_tier_of(standing),
        takes_seconds=view.seconds,
        done=view.done(now),
        binding=_binding(limits),
        limits=limits,
        accepted=_accepted(view, now),
        today=_today(view, now),
        by=None if request.by is None else _by(request, standing, view, request.by, now),
        cost=spent,
        has_credits=standing.has_credits,
        tiers=tiers,
        lowest_tier=next((tier.tier for tier in tiers if tier.makes_it is PlanVerdict.YES), None),
        notes=tuple(notes(request, standing, limits, tiers)),
    )


def _model_limits(request: Request, standing: PlanBasis, view: PlanOutlook) -> tuple[LimitAnswer, LimitAnswer]:
    concurrency, daily = (_allowed(standing.limits, name) for name in ("concurrency", "daily_generations"))
    return (
        LimitAnswer(
            limit="concurrency",
            allowed=concurrency,
            used=standing.running,
            needed=None,
            enough_for=concurrency
            and TimeSpan(*(min(request.count, limit) for limit in (concurrency.least, concurrency.most))),
            binds=_binds(view.best_delays.concurrency, view.worst_delays.concurrency),
            delay_seconds=view.worst_delays.concurrency,
        ),
        LimitAnswer(
            limit="daily_generations",
            allowed=daily,
            used=standing.used,
            needed=TimeSpan(request.count, request.count),
            enough_for=daily and view.accepted_by(0.0),
            binds=_binds(view.best_delays.daily_generations, view.worst_delays.daily_generations),
            delay_seconds=view.worst_delays.daily_generations,
        ),
    )


def _binds(best: float, worst: float) -> PlanVerdict:
    if min(best, worst) > 0:
        return PlanVerdict.YES
    return PlanVerdict.MAYBE if max(best, worst) > 0 else PlanVerdict.NO


def _binding(limits: tuple[LimitAnswer, ...]) -> tuple[str, ...]:
    """What is surely in the way first; among those, missing money before time, and more time before less."""

    def hardness(limit: LimitAnswer) -> tuple[bool, float]:
        return limit.binds is PlanVerdict.YES, NEVER if limit.delay_seconds is None else limit.delay_seconds

    found = (limit for limit in limits if limit.binds in {PlanVerdict.YES, PlanVerdict.MAYBE})
    return tuple(limit.limit for limit in sorted(found, key=hardness, reverse=True))


def _accepted(view: PlanOutlook, now: float) -> tuple[AcceptedBy, ...]:
    """The tasks in groups that come in together at the worst; at best, a group is complete with its last task."""
    groups: list[AcceptedBy] = []
    place = 0
    for batch in view.worst.accepted:
        place += batch.count
        at = _moments(now + view.best.accepted_at(place), now + batch.at)
        groups.append(AcceptedBy(batch.count, at))
    return tuple(groups)


def _today(view: PlanOutlook, now: float) -> Today:
    tomorrow = local(now).date() + timedelta(days=1)
    until = datetime.combine(tomorrow, time()).astimezone()
    left = until.timestamp() - now
    return Today(until, view.accepted_by(left), view.finished_by(left))


def _by(request: Request, standing: PlanBasis, view: PlanOutlook, by: float, now: float) -> By:
    paid = payable(request, cost(request, standing), standing, standing.monthly_spend_credits)
    done = view.finished_by(by - now)
    finished = TimeSpan(min(done.least, paid.least), min(done.most, paid.most))
    return By(local(by), _all(finished, request.count), finished)


def _all(some: TimeSpan, count: int) -> PlanVerdict:
    """Whether it is all of the tasks."""
    if some.least >= count:
        return PlanVerdict.YES
    return PlanVerdict.MAYBE if some.most >= count else PlanVerdict.NO


def _tiers(request: Request, standing: PlanBasis, now: float) -> list[TierAnswer]:
    if not standing.has_tiers:
        return []
    table = TIERS.newest
    rows = ((tier, TIERS.limits(table, tier, standing.model or "")) for tier in table.tiers)
    return [_tier(request, _at_tier(standing, tier, limits), now, tier) for tier, limits in rows if limits]


def _at_tier(standing: PlanBasis, tier: Tier, limits: tuple[ModelLimits, ...]) -> PlanBasis:
    """What the tasks find at a tier: at their own the limits they find now, whatever the table says.

    A lower tier is taken to allow no more than that and a higher one no less, so that limits of the account's own do
    not make a lower tier look better.
    """
    spend = float(TIERS.monthly_spend_credits(tier))
    if standing.tier is None:
        return replace(standing, limits=limits, monthly_spend_credits=spend)
    if tier.number == standing.tier:
        return standing
    higher = tier.number > standing.tier
    own = _combined(standing.limits, most=not higher)
    live = spend if standing.monthly_spend_credits is None else standing.monthly_spend_credits
    return replace(
        standing,
        limits=tuple(_combined((own, one), most=higher) for one in limits),
        monthly_spend_credits=max(spend, live) if higher else min(spend, live),
    )


def _tier(request: Request, there: PlanBasis, now: float, tier: Tier) -> TierAnswer:
    view = outlook(request, there, there.limits)
    in_time = view.accepted_by(0.0) if request.by is None else view.finished_by(request.by - now)
    paid = payable(request, cost(request, there), there, there.monthly_spend_credits)
    at_once, a_day = _allowed(there.limits, "concurrency"), _allowed(there.limits, "daily_generations")
    spend = there.monthly_spend_credits
    return TierAnswer(
        tier=tier.number,
        concurrency=at_once or TimeSpan(NEVER, NEVER),
        daily_generations=a_day or TimeSpan(NEVER, NEVER),
        monthly_spend_dollars=tier.monthly_spend_dollars if spend is None else spend * there.dollars_per_credit,
        purchased_dollars=tier.purchased_dollars,
        wait_days=tier.wait_days,
        takes_seconds=view.seconds,
        done=view.done(now),
        makes_it=_all(TimeSpan(min(in_time.least, paid.least), min(in_time.most, paid.most)), request.count),
    )


def _tier_of(standing: PlanBasis) -> TierOf | None:
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
