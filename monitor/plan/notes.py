"""What a reader has to know to trust the figures rightly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.plan.answer import LimitAnswer, Span, TierAnswer, Verdict
from monitor.plan.request import Request
from monitor.plan.standing import Origin, Standing
from monitor.plan.vendor import TIERS, VENDOR
from monitor.providers.tiers import Claim
from monitor.wording import amount, counted, words


def notes(
    request: Request, standing: Standing, limits: Sequence[LimitAnswer], tiers: Sequence[TierAnswer]
) -> Iterator[str]:
    """One sentence or two each, those about the figures first."""
    yield from _unsure(request, standing)
    yield from _money({limit.limit: limit for limit in limits})
    yield from _tier(standing)
    yield from _tables(standing, tiers)


def _unsure(request: Request, standing: Standing) -> Iterator[str]:
    if standing.used:
        yield (
            f"When the {amount(standing.used)} generations of the last day leave the rolling window is not known: "
            "at best at once, at worst in 24 h."
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


def _money(limits: dict[str, LimitAnswer]) -> Iterator[str]:
    balance, spend = limits["credit_balance"], limits["monthly_spend_credits"]
    if balance.binds in {Verdict.YES, Verdict.MAYBE} and spend.needed is not None:
        yield f"The times hold once {_credits(spend.needed)} credits more are there; without them, creates are refused."
    if spend.needed is None or spend.allowed is None or not spend.needed.most:
        return
    left = spend.allowed.least - spend.needed.most
    if left < 0:
        yield (
            f"Of these {amount(spend.needed.most)} credits no more than {amount(spend.allowed.least)} can be bought in "
            "30 days: the rest has to be in the balance."
        )
    else:
        yield f"They can be bought if no more than {amount(left)} credits were in the last 30 days, which is not known."


def _credits(needed: Span) -> str:
    return amount(needed.most) if needed.least == needed.most else f"{amount(needed.least)} to {amount(needed.most)}"


def _tier(standing: Standing) -> Iterator[str]:
    """Where the newest table and the account's own answer differ: about this model, and how often elsewhere."""
    if standing.origin is Origin.ACCOUNT and standing.match is None:
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


def _tables(standing: Standing, tiers: Sequence[TierAnswer]) -> Iterator[str]:
    model = standing.model
    if not tiers:
        yield f"What {model} is allowed at a tier is not known: no tier is named."
        return
    if model is None:
        yield "Without --model, the limits of every kind of model are reckoned with."
    elif model not in VENDOR.models:
        yield f"{model} is not a known model: the limits of every kind of model are reckoned with."
    yield f"Tiers: {TIERS.newest.name}. {TIERS.newest.doubt}"
