"""What a reader has to know to trust the figures rightly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.planning.answer import LimitAnswer, PlanVerdict, TierAnswer, TimeSpan
from monitor.planning.money import missing
from monitor.planning.request import Request
from monitor.planning.standing import Origin, PlanBasis
from monitor.planning.vendor import TIERS, VENDOR
from monitor.providers.tiers import Claim
from monitor.views.formatting import amount, counted, words


def notes(
    request: Request, standing: PlanBasis, limits: Sequence[LimitAnswer], tiers: Sequence[TierAnswer]
) -> Iterator[str]:
    """One sentence or two each, those about the figures first."""
    yield from _unsure(request, standing)
    yield from _money({limit.limit: limit for limit in limits}, standing)
    yield from _tier(standing)
    yield from _tables(standing, tiers)


def _unsure(request: Request, standing: PlanBasis) -> Iterator[str]:
    if not standing.has_tiers:
        yield _advised(request, standing)
    if standing.ageless and any(limits.daily_generations is not None for limits in standing.limits):
        passed = "" if not standing.expiries else " that did not pass through the monitor"
        yield (
            f"When the {counted(standing.ageless, 'generation')} of the last day{passed} will leave the rolling window "
            "is not known: at best at once, at worst in 24 h."
        )
    if not standing.used_known:
        yield "The provider's count of them is not known: these are the generations that passed through the monitor."
    if standing.ahead[1]:
        yield f"{amount(standing.ahead[1])} open tasks go first; each is taken to run as long as yours."
    if standing.origin is Origin.TIER and request.used is None:
        yield "Nothing is taken to be used of the daily limit; --used says otherwise."
    if standing.origin is Origin.OPTIONS:
        missing = [name for name in ("concurrency", "daily") if getattr(request, name) is None]
        yield from (f"--{name} is not given: no such limit is reckoned with." for name in missing)


def _advised(request: Request, standing: PlanBasis) -> str:
    if request.concurrency is not None:
        return f"{standing.provider} has no usage tiers and tells no limits: those given are reckoned with."
    at_once = counted(standing.limits[0].concurrency or 0, "task")
    return (
        f"{standing.provider} has no usage tiers and tells no limits: {at_once} at once is what the monitor recommends "
        f"for {standing.model} now; --concurrency says otherwise."
    )


def _money(limits: dict[str, LimitAnswer], standing: PlanBasis) -> Iterator[str]:
    needed = missing(limits["credit_balance"])
    if limits["credit_balance"].binds in {PlanVerdict.YES, PlanVerdict.MAYBE} and needed is not None:
        more = f"{_credits(needed)} credits" if standing.has_credits else f"${_credits(needed)}"
        yield f"The times hold once {more} more are there; without them, creates are refused."
    spend = limits.get("monthly_spend_credits")
    if needed is None or spend is None or spend.allowed is None or not needed.most:
        return
    allowed = max(0.0, spend.allowed.least - standing.bought_credits)
    left = allowed - needed.most
    if left < 0:
        yield (
            f"Of these {amount(needed.most)} credits no more than {amount(allowed)} can be bought now, by the limit of "
            "30 days: the rest has to be in the balance."
        )
    elif not standing.bought_known:
        known = f"besides the {amount(standing.bought_credits)} known " if standing.bought_credits else ""
        yield (
            f"They can be bought if no more than {amount(left)} credits {known}were bought in the last 30 days, which "
            "is not known."
        )


def _credits(needed: TimeSpan) -> str:
    return amount(needed.most) if needed.least == needed.most else f"{amount(needed.least)} to {amount(needed.most)}"


def _tier(standing: PlanBasis) -> Iterator[str]:
    """Where the newest table and the account's own answer differ: about this model, and how often elsewhere."""
    if standing.origin is Origin.ACCOUNT and standing.has_tiers and standing.match is None:
        yield "The account's limits are those of no known tier, or of several."
    if standing.match is None:
        return
    claims = standing.match.disagreements
    here = [claim for claim in claims if claim.model in {"", standing.model}]
    if claims:
        told = "; ".join(map(_claim, here))
        others = len(claims) - len(here)
        more = f"{counted(others, 'limit')} of other models" if others else ""
        yield (
            f"The newest table of tiers ({standing.match.newest.name}) disagrees with the account's own answer, which "
            f"holds: {'; '.join(filter(None, (told, more)))}."
        )


def _claim(claim: Claim) -> str:
    live = "unlimited" if claim.live is None else amount(claim.live)
    return f"{words(claim.limit)} {live}, not {' or '.join(map(amount, claim.table))}"


def _tables(standing: PlanBasis, tiers: Sequence[TierAnswer]) -> Iterator[str]:
    model = standing.model
    if not standing.has_tiers:
        return
    if not tiers:
        yield f"What {model} is allowed at a tier is not known: no tier is named."
        return
    if model is None:
        yield "Without --model, the limits of every kind of model are reckoned with."
    elif model not in VENDOR.models:
        yield f"{model} is not a known model: the limits of every kind of model are reckoned with."
    if standing.match is not None:
        yield (
            "Your tier is shown with your live limits. A lower tier is taken to allow no more than they do, a higher "
            "one no less."
        )
    yield f"Tiers: {TIERS.newest.name}. {TIERS.newest.doubt}"
