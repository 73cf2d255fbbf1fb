from __future__ import annotations

import pytest
from msgspec.structs import replace

from monitor.judgement.tiers.advice import LEAST_WATCHED, Demand, advise
from monitor.judgement.tiers.outlook import AdviceVerdict, TierState, WindowAdvice
from monitor.judgement.tiers.peaks import Peak, PeakWindow
from monitor.observations import ModelLimits, Organization
from monitor.providers.runway.tiers import AUTUMN_2026, TIERS

AT_3 = TierState(table=AUTUMN_2026.name, inferred=3, compared=3, mismatches=())
LIMITS = Organization(
    monthly_spend_credits=200_000,
    limits=dict.fromkeys(("gen4.5", "veo3.1"), ModelLimits(concurrency=5, daily_generations=1000)),
)


def advised(
    spent: float | None = 0.0,
    *,
    state: TierState = AT_3,
    live: Organization | None = LIMITS,
    watched: float = 1.0,
    **peaks: tuple[int, int],
) -> WindowAdvice:
    models = {model.replace("gen45", "gen4.5"): Peak(*peak) for model, peak in peaks.items()}
    advice = advise(TIERS, state, live, Demand((PeakWindow("7d", watched, models),), spent))
    assert (advice.table, advice.table_date) == (AUTUMN_2026.name, AUTUMN_2026.date)
    (found,) = advice.windows
    return found


@pytest.mark.parametrize(
    ("generations", "concurrency", "spent", "tier"),
    [
        (0, 0, 0, 1),
        (50, 1, 10_000, 1),
        (51, 1, 0, 2),
        (500, 3, 50_000, 2),
        (1, 4, 0, 3),
        (1000, 5, 200_000, 3),
        (1001, 1, 0, 4),
        (1, 1, 200_001, 4),
        (25_000, 20, 10_000_000, 5),
    ],
)
def test_the_lowest_tier_that_allows_all_is_advised(
    generations: int, concurrency: int, spent: float, tier: int
) -> None:
    found = advised(spent, gen45=(generations, concurrency))
    assert (found.verdict, found.tier) == (AdviceVerdict.ADVISED, tier)
    row = AUTUMN_2026.tier(tier)
    assert (found.purchased_dollars, found.wait_days) == (row.purchased_dollars, row.wait_days)


def test_each_limit_tells_its_own_tier() -> None:
    found = advised(60_000.0, gen45=(501, 2), gen4_image=(900, 12))
    assert [(one.model, one.generations_tier, one.concurrency_tier) for one in found.models] == [
        ("gen4.5", 3, 2),
        ("gen4_image", 2, 5),
    ]
    assert (found.spent_tier, found.tier) == (3, 5)


def test_beyond_every_tier_there_is_no_advice_but_what_is_too_much() -> None:
    found = advised(gen45=(40, 200))
    assert (found.verdict, found.tier, found.purchased_dollars) == (AdviceVerdict.BEYOND_EVERY_TIER, None, None)
    assert (found.models[0].generations_tier, found.models[0].concurrency_tier) == (1, None)
    assert advised(1e9).verdict is AdviceVerdict.BEYOND_EVERY_TIER


def test_what_is_not_known_is_not_advised_on() -> None:
    assert advised(watched=LEAST_WATCHED - 0.01).verdict is AdviceVerdict.TOO_LITTLE_WATCHED
    assert advised(watched=LEAST_WATCHED).verdict is AdviceVerdict.ADVISED
    assert advised(live=None).verdict is AdviceVerdict.LIMITS_UNKNOWN
    assert advised(None).verdict is AdviceVerdict.SPEND_UNKNOWN
    assert {found.tier for found in (advised(watched=0), advised(live=None), advised(None))} == {None}


def test_where_the_table_is_in_doubt_the_smallest_limit_counts() -> None:
    """An image model may stand in the second column or the third, an unknown one in any."""
    assert advised(gen4_image=(200, 2)).tier == 1
    assert advised(brand_new=(200, 1)).tier == 2


def test_models_that_the_table_does_not_hold_are_named() -> None:
    found = advised(ruby=(9999, 99), other=(9999, 99), unknown=(1, 1), gen45=(1, 1))
    assert found.unjudged == ("other", "ruby", "unknown")
    assert ([one.model for one in found.models], found.tier) == (["gen4.5"], 1)


@pytest.mark.parametrize(
    ("daily", "wanted", "tier"),
    [
        (1500, 1400, 3),  # negotiated: the account's own tier allows it
        (None, 1_000_000, 3),  # unlimited
        (400, 450, 4),  # the account's own tier allows less than the table, so a lower one does not allow more
        (400, 400, 2),
        (0, 1, 4),
        (0, 0, 1),
    ],
)
def test_at_the_accounts_own_tier_the_live_limits_hold(daily: int | None, wanted: int, tier: int) -> None:
    live = replace(LIMITS, limits={"gen4.5": ModelLimits(concurrency=5, daily_generations=daily)})
    assert advised(live=live, gen45=(wanted, 1)).tier == tier


def test_without_a_tier_of_its_own_the_table_holds() -> None:
    nowhere = TierState(table=AUTUMN_2026.name)
    generous = Organization(limits={"gen4.5": ModelLimits(concurrency=50, daily_generations=None)})
    assert advised(state=nowhere, live=generous, gen45=(501, 1)).tier == 3


def test_a_configured_tier_is_the_accounts_own() -> None:
    configured = replace(AT_3, configured=4)
    assert advised(state=configured, gen45=(3000, 1), live=LIMITS).tier == 5
    assert advised(state=configured, gen45=(1000, 1), live=LIMITS).tier == 3
