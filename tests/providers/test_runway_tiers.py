from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from monitor.observations import ModelLimits, Organization
from monitor.providers.runway.models import MODALITIES, MODELS
from monitor.providers.runway.prices import PRICES
from monitor.providers.runway.tiers import AUTUMN_2026, BEFORE_LATE_2025, LATE_2025, TIERS, UNTABLED
from monitor.providers.tiers import Claim, Tier, TierTable
from monitor.simulator.runway.catalog import MODELS as SIMULATED_MODELS
from monitor.simulator.runway.catalog import TIERS as SIMULATED_TIERS

ROWS = [(table, tier) for table in TIERS.tables for tier in table.tiers]
VIDEO = ("gen4.5", "veo3.1", "gen4_turbo", "aleph2", "wan3")


def account(limits: ModelLimits, spend: float | None, models: tuple[str, ...] = VIDEO) -> Organization:
    return Organization(limits=dict.fromkeys(models, limits), monthly_spend_credits=spend)


def name(value: object) -> str:
    return value.name if isinstance(value, TierTable) else str(getattr(value, "number", value))


@pytest.mark.parametrize(("table", "tier"), ROWS, ids=name)
def test_an_account_that_is_as_a_table_says_is_of_that_tier(table: TierTable, tier: Tier) -> None:
    limits = table.limits(tier, "video")[0]
    match = TIERS.infer(account(limits, TIERS.monthly_spend_credits(tier)))
    assert match is not None
    assert match.tier.number == tier.number
    assert match.table.limits(match.tier, "video")[0] == limits


@pytest.mark.parametrize("number", SIMULATED_TIERS)
def test_the_tier_of_a_whole_account_is_found(number: int) -> None:
    row = SIMULATED_TIERS[number]
    limits = {
        model: ModelLimits(concurrency=row.limits[entry.modality][0], daily_generations=row.limits[entry.modality][1])
        for model, entry in SIMULATED_MODELS.items()
    }
    match = TIERS.infer(Organization(limits=limits, monthly_spend_credits=row.monthly_credits))
    assert match is not None
    assert (match.tier.number, match.table, match.disagreements) == (number, AUTUMN_2026, ())


def test_a_negotiated_limit_is_named_and_does_not_hide_the_tier() -> None:
    live = account(ModelLimits(concurrency=5, daily_generations=1_000), 200_000)
    match = TIERS.infer(
        replace(live, limits=live.limits | {"gen4.5": ModelLimits(concurrency=None, daily_generations=7)})
    )
    assert match is not None
    assert match.tier.number == 3
    assert match.disagreements == (
        Claim("gen4.5", "concurrency", None, (5,)),
        Claim("gen4.5", "daily_generations", 7, (1_000,)),
    )


def test_limits_of_an_old_table_say_where_the_newest_disagrees() -> None:
    match = TIERS.infer(account(ModelLimits(concurrency=4, daily_generations=1_000), 500_000, ("gen4.5",)))
    assert match is not None
    assert (match.tier.number, match.table, match.newest) == (4, BEFORE_LATE_2025, AUTUMN_2026)
    assert match.disagreements == (
        Claim("", "monthly_spend_credits", 500_000, (2_000_000,)),
        Claim("gen4.5", "concurrency", 4, (10,)),
        Claim("gen4.5", "daily_generations", 1_000, (5_000,)),
    )


def test_a_table_in_doubt_claims_every_limit_it_may_have() -> None:
    match = TIERS.infer(account(ModelLimits(concurrency=2, daily_generations=50), 10_000, ("product_ad", "workflow")))
    assert match is not None
    assert match.tier.number == 1
    assert match.disagreements == ()


@pytest.mark.parametrize(
    "live",
    [
        Organization(),
        account(ModelLimits(concurrency=None, daily_generations=None), None),
        account(ModelLimits(concurrency=0, daily_generations=0), 10_000),
        account(ModelLimits(concurrency=50, daily_generations=90_000), 10_000_000),
        # 20,000 dollars and nothing else: tier 5 before late 2025, tier 4 since
        account(ModelLimits(concurrency=7, daily_generations=7), 2_000_000, tuple(UNTABLED)),
        # half of it tier 2, half of it tier 3
        Organization(
            limits={
                "gen4.5": ModelLimits(concurrency=3, daily_generations=500),
                "veo3.1": ModelLimits(concurrency=5, daily_generations=1_000),
            }
        ),
    ],
)
def test_limits_of_no_tier_or_of_several_tell_none(live: Organization) -> None:
    assert TIERS.infer(live) is None


def test_the_newest_table_wins_where_two_are_equally_right() -> None:
    match = TIERS.infer(account(ModelLimits(concurrency=2, daily_generations=200), 50_000, ("gen4.5",)))
    assert match is not None
    assert match.table is LATE_2025


@pytest.mark.parametrize("table", TIERS.tables, ids=name)
def test_no_tier_of_a_table_is_below_the_one_before(table: TierTable) -> None:
    assert [tier.number for tier in table.tiers] == [1, 2, 3, 4, 5]
    for below, above in itertools.pairwise(table.tiers):
        assert len(below.columns) == len(above.columns)
        assert below.monthly_spend_dollars < above.monthly_spend_dollars
        for less, more in zip(below.columns, above.columns, strict=True):
            assert less.concurrency < more.concurrency
            assert less.daily_generations < more.daily_generations
    assert table.date
    assert table.source
    assert table.doubt


def test_only_known_models_have_a_modality_or_a_price() -> None:
    assert set(MODALITIES) | UNTABLED | set(PRICES) <= MODELS
    assert not UNTABLED & set(MODALITIES)


@pytest.mark.parametrize(
    ("model", "seconds", "expected"),
    [
        ("gen4.5", 10, (120, 120)),
        ("gen4.5", None, None),
        ("veo3.1", 8, (160, 320)),
        ("aleph2", 1, (56, 56)),
        ("seedance2_5", 2, (80, 136)),
        ("enhance_frame_rate", 5, (2, 3)),
        ("gen4_image", None, (5, 8)),
        ("gen4_image_turbo", 10, (2, 2)),
    ],
)
def test_a_price_is_by_the_second_or_by_the_piece(
    model: str, seconds: float | None, expected: tuple[float, float] | None
) -> None:
    assert PRICES[model].credits(seconds) == expected
