"""The lowest usage tier that the peaks of a window would have fitted in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from monitor.judgement.tiers.outlook import Advice, AdviceVerdict, ModelAdvice, TierState, WindowAdvice
from monitor.judgement.tiers.peaks import PeakWindow
from monitor.observations import Organization
from monitor.providers.tiers import Tier, TierTables
from monitor.tasks.models import ALWAYS_ALLOWED

LEAST_WATCHED = 0.9
"""Share of a window that must be watched. With less, a peak may have gone unseen; of seven days, less than one may
be missing.
"""


class Demand(NamedTuple):
    """What was needed: the peaks of each window, and the credits spent in 30 days, None where unknown."""

    windows: tuple[PeakWindow, ...]
    spent_credits: float | None


def advise(tables: TierTables, state: TierState, live: Organization | None, demand: Demand) -> Advice:
    """The advice of every window. `live` are the account's limits, which hold at its own tier."""
    ladder = Ladder(tables, state.number, live or Organization())
    newest = tables.newest
    return Advice(
        table=newest.name,
        table_date=newest.date,
        table_source=newest.source,
        table_doubt=newest.doubt,
        windows=tuple(_window(ladder, one, demand.spent_credits, knows=live is not None) for one in demand.windows),
    )


class Ladder:
    """The tiers of the newest table from the lowest up, corrected by the account's live limits.

    At the account's own tier its live limits hold. No lower tier is assumed to allow more than they do.
    """

    def __init__(self, tables: TierTables, current: int | None, live: Organization) -> None:
        self._tables = tables
        self._current = current
        self._live = live

    def judges(self, model: str) -> bool:
        """Whether the table holds the limits of this model. A name for several models or none is not judged."""
        lowest = self._tables.newest.tiers[0]
        return model not in ALWAYS_ALLOWED and bool(self._tables.limits(self._tables.newest, lowest, model))

    def for_model(self, model: str, limit: str, wanted: int) -> int | None:
        """The lowest tier at which a limit of the model allows this much for sure. None if no tier does."""
        live = [getattr(self._live.limits[model], limit)] if self._live.knows(model, limit) else []

        def table(tier: Tier) -> Iterable[float | None]:
            return (getattr(one, limit) for one in self._tables.limits(self._tables.newest, tier, model))

        return self._lowest(wanted, live, table)

    def for_spend(self, credits_: float) -> int | None:
        """The lowest tier at which this many credits may be bought in 30 days. None if no tier allows it."""
        told = self._live.monthly_spend_credits
        return self._lowest(
            credits_, [] if told is None else [told], lambda tier: [self._tables.monthly_spend_credits(tier)]
        )

    def tier(self, number: int) -> Tier:
        """A tier by its number."""
        return self._tables.newest.tier(number)

    def _lowest(
        self, wanted: float, live: list[float | None], table: Callable[[Tier], Iterable[float | None]]
    ) -> int | None:
        for tier in self._tables.newest.tiers:
            at_own = bool(live) and tier.number == self._current
            below = self._current is not None and tier.number < self._current
            allowed = live if at_own else [*table(tier), *(live if below else [])]
            if all(limit is None or wanted <= limit for limit in allowed):
                return tier.number
        return None


def _window(ladder: Ladder, window: PeakWindow, spent: float | None, *, knows: bool) -> WindowAdvice:
    models = tuple(
        ModelAdvice(
            model=model,
            generations=peak.generations,
            concurrency=peak.concurrency,
            generations_tier=ladder.for_model(model, "daily_generations", peak.generations),
            concurrency_tier=ladder.for_model(model, "concurrency", peak.concurrency),
        )
        for model, peak in sorted(window.models.items())
        if ladder.judges(model)
    )
    seen = WindowAdvice(
        window=window.name,
        watched=window.watched,
        verdict=AdviceVerdict.ADVISED,
        spent_credits=spent,
        spent_tier=None if spent is None else ladder.for_spend(spent),
        models=models,
        unjudged=tuple(sorted(model for model in window.models if not ladder.judges(model))),
    )
    return _judged(ladder, seen, knows=knows)


def _judged(ladder: Ladder, seen: WindowAdvice, *, knows: bool) -> WindowAdvice:
    """The window's advice with its verdict, and with the tier if there is one to name."""
    if seen.watched < LEAST_WATCHED:
        return replace(seen, verdict=AdviceVerdict.TOO_LITTLE_WATCHED)
    if not knows:
        return replace(seen, verdict=AdviceVerdict.LIMITS_UNKNOWN)
    if seen.spent_credits is None:
        return replace(seen, verdict=AdviceVerdict.SPEND_UNKNOWN)
    needed = [
        seen.spent_tier,
        *(number for one in seen.models for number in (one.generations_tier, one.concurrency_tier)),
    ]
    numbers = [number for number in needed if number is not None]
    if len(numbers) < len(needed):
        return replace(seen, verdict=AdviceVerdict.BEYOND_EVERY_TIER)
    tier = ladder.tier(max(numbers))
    return replace(seen, tier=tier.number, purchased_dollars=tier.purchased_dollars, wait_days=tier.wait_days)
