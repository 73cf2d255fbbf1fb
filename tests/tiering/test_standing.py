from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from structlog.testing import capture_logs

from monitor.judgement.tiers.outlook import Mismatch
from monitor.judgement.tiers.standing import TierTracker, tier_state
from monitor.observations import ModelLimits, Organization
from monitor.providers.runway.tiers import TIERS

TIER_3 = Organization(
    monthly_spend_credits=200_000,
    limits={model: ModelLimits(concurrency=5, daily_generations=1000) for model in ("gen4.5", "veo3.1", "wan3")},
)
TIER_4 = Organization(
    monthly_spend_credits=2_000_000,
    limits={model: ModelLimits(concurrency=10, daily_generations=5000) for model in ("gen4.5", "veo3.1", "wan3")},
)


def negotiated(live: Organization = TIER_3, **limits: int | None) -> Organization:
    return replace(live, limits=live.limits | {"gen4.5": replace(live.limits["gen4.5"], **limits)})


def logged(standing: TierTracker, *looks: tuple[int | None, Organization | None]) -> list[dict[str, Any]]:
    with capture_logs() as lines:
        for configured, live in looks:
            standing.update(configured, live)
    return lines


def standing() -> TierTracker:
    return TierTracker("production", TIERS)


def test_the_tier_is_inferred_and_the_table_agrees() -> None:
    state = standing().update(None, TIER_3)
    assert (state.configured, state.inferred, state.number, state.compared, state.mismatches) == (None, 3, 3, 3, ())


def test_a_configured_tier_is_what_is_reckoned_with_and_compared() -> None:
    state = standing().update(4, TIER_3)
    assert (state.configured, state.inferred, state.number, state.compared) == (4, 3, 4, 4)
    assert state.mismatches is not None
    assert len(state.mismatches) == 7


def test_a_limit_that_the_table_has_otherwise_is_named() -> None:
    assert standing().update(None, negotiated(daily_generations=1200)).mismatches == (
        Mismatch("gen4.5", "daily_generations", 1200, (1000,)),
    )


def test_an_unlimited_and_a_zero_limit_differ_from_the_table() -> None:
    found = standing().update(None, negotiated(daily_generations=None, concurrency=0)).mismatches
    assert found == (
        Mismatch("gen4.5", "concurrency", 0, (5,)),
        Mismatch("gen4.5", "daily_generations", None, (1000,)),
    )


def test_limits_of_no_tier_are_compared_with_the_nearest() -> None:
    """A table that is wrong throughout must not hide that it is."""
    strange = Organization(
        monthly_spend_credits=200_000,
        limits={model: ModelLimits(concurrency=7, daily_generations=1400) for model in ("gen4.5", "veo3.1")},
    )
    state = standing().update(None, strange)
    assert (state.inferred, state.number, state.compared) == (None, None, 3)
    assert state.mismatches is not None
    assert {(one.model, one.limit) for one in state.mismatches} == {
        (model, limit) for model in ("gen4.5", "veo3.1") for limit in ("concurrency", "daily_generations")
    }


def test_nothing_is_compared_where_the_table_speaks_of_nothing() -> None:
    for live in (Organization(credit_balance=5), Organization(limits={"ruby": ModelLimits(concurrency=1)})):
        state = standing().update(2, live)
        assert (state.configured, state.inferred, state.mismatches) == (2, None, None)


def test_unknown_limits_leave_only_what_is_configured() -> None:
    assert tier_state(TIERS, None, None).number is None
    state = tier_state(TIERS, 2, None)
    assert (state.number, state.inferred, state.compared, state.mismatches) == (2, None, None, None)


def test_the_log_tells_each_change_once() -> None:
    one, other = negotiated(daily_generations=1200), negotiated(daily_generations=1300)
    balance = replace(one, credit_balance=5.0, daily_generations={"gen4.5": 7})
    lines = logged(standing(), (None, one), (None, balance), (None, None), (None, one), (None, other), (None, TIER_3))
    assert [(line["event"], line["log_level"], line["account"], line["tier"]) for line in lines] == [
        ("tier.changed", "info", "production", 3),
        ("tier.table_disagrees", "warning", "production", 3),
        ("tier.table_disagrees", "warning", "production", 3),
        ("tier.table_agrees", "info", "production", 3),
    ]
    assert lines[1]["limits"] == ["gen4.5 daily_generations: live 1200, table 1000"]
    assert lines[2]["limits"] == ["gen4.5 daily_generations: live 1300, table 1000"]


def test_the_log_names_every_kind_of_limit() -> None:
    live = replace(negotiated(concurrency=None, daily_generations=1_234_567), monthly_spend_credits=5.0)
    live = replace(live, limits=live.limits | {"gen4_image": ModelLimits(concurrency=5, daily_generations=1000)})
    (line,) = [line for line in logged(standing(), (3, live)) if line["event"] == "tier.table_disagrees"]
    assert line["table"] == "docs, autumn 2026"
    assert line["limits"] == [
        "monthly_spend_credits: live 5, table 200000",
        "gen4.5 concurrency: live unlimited, table 5",
        "gen4.5 daily_generations: live 1234567, table 1000",
        "gen4_image daily_generations: live 1000, table 2000",
    ]


def test_a_change_of_tier_is_logged_and_the_table_still_agrees() -> None:
    lines = logged(standing(), (None, TIER_3), (None, TIER_4))
    assert [(line["event"], line["before"], line["tier"]) for line in lines] == [
        ("tier.changed", None, 3),
        ("tier.changed", 3, 4),
    ]


def test_a_purchase_limit_that_is_not_told_is_the_tables() -> None:
    untold = replace(TIER_3, monthly_spend_credits=None)
    known = standing()
    known.update(None, untold)
    completed = known.completed(untold)
    assert completed == TIER_3
    assert known.completed(replace(TIER_3, monthly_spend_credits=7)) == replace(TIER_3, monthly_spend_credits=7)
    assert known.completed(None) is None
    unknown = standing()
    unknown.update(None, Organization(credit_balance=1))
    assert unknown.completed(Organization(credit_balance=1)) == Organization(credit_balance=1)
