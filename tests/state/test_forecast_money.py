from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.state.forecast.money import Burn, Purchase, purchased, runway_seconds, spend_cap_seconds
from monitor.state.ledger import DAY, HOUR

NOW = 1_793_577_600.0
HUNDRED_AN_HOUR = Burn(credits=100, seconds=HOUR, charges=20)
SLOWER = Burn(credits=480, seconds=24 * HOUR, charges=20)


@pytest.mark.parametrize(
    ("balance", "short", "long", "expected"),
    [
        (1000, HUNDRED_AN_HOUR, HUNDRED_AN_HOUR, 10 * HOUR),
        (1000, HUNDRED_AN_HOUR, SLOWER, 50 * HOUR),  # the calmer pace is believed
        (1000, SLOWER, HUNDRED_AN_HOUR, 50 * HOUR),
        (0, HUNDRED_AN_HOUR, HUNDRED_AN_HOUR, 0),
        (-5, Burn(0, 0, 0), Burn(0, 0, 0), 0),  # overdrawn is empty, whatever the pace
        (1000, Burn(0, HOUR, 0), HUNDRED_AN_HOUR, None),  # the burn has ended
        (1000, Burn(100, HOUR, 4), HUNDRED_AN_HOUR, None),  # four charges are no pace
        (1000, Burn(100, 60, 20), HUNDRED_AN_HOUR, None),  # nor is a minute
        (1000, Burn(-50, HOUR, 20), HUNDRED_AN_HOUR, None),  # refunds outweigh charges
    ],
)
def test_the_balance_lasts_as_long_as_the_calmer_of_two_paces_says(
    balance: float, short: Burn, long: Burn, expected: float | None
) -> None:
    assert runway_seconds(balance, short, long) == expected


def test_purchases_count_for_thirty_days() -> None:
    bought = [Purchase(NOW - 30 * DAY, 1), Purchase(NOW - 30 * DAY + 1, 2), Purchase(NOW, 4), Purchase(NOW + 1, 8)]
    assert purchased(bought, NOW) == 6


@pytest.mark.parametrize(
    ("purchases", "expected"),
    [
        ([], 100 * HOUR),
        ([Purchase(NOW - DAY, 9_000)], 10 * HOUR),
        ([Purchase(NOW - 30 * DAY + 5 * HOUR, 4_000), Purchase(NOW - DAY, 5_000)], 50 * HOUR),  # frees in time
        ([Purchase(NOW - 30 * DAY + 11 * HOUR, 4_000), Purchase(NOW - DAY, 5_000)], 10 * HOUR),  # frees too late
        ([Purchase(NOW - DAY, 10_000)], 0),
        ([Purchase(NOW - DAY, 12_000)], 0),
    ],
)
def test_the_spend_cap_is_hit_when_purchases_at_the_present_burn_fill_what_is_left(
    purchases: list[Purchase], expected: float
) -> None:
    assert spend_cap_seconds(purchases, 10_000, HUNDRED_AN_HOUR, HUNDRED_AN_HOUR, NOW) == pytest.approx(expected)


def test_a_burn_that_the_cap_bears_predicts_nothing() -> None:
    calm = Burn(credits=1, seconds=HOUR, charges=10)
    assert spend_cap_seconds([Purchase(NOW - DAY, 5_000)], 10_000, calm, calm, NOW) is None
    idle = Burn(credits=0, seconds=HOUR, charges=0)
    assert spend_cap_seconds([Purchase(NOW - DAY, 9_999)], 10_000, idle, idle, NOW) is None


@given(
    st.lists(st.builds(Purchase, st.floats(NOW - 35 * DAY, NOW), st.integers(1, 5_000)), max_size=8),
    st.integers(0, 20_000),
    st.floats(1, 2_000),
)
def test_the_cap_is_full_when_it_is_said_to_be(purchases: list[Purchase], cap: int, hourly: float) -> None:
    burn = Burn(credits=hourly, seconds=HOUR, charges=10)
    left = spend_cap_seconds(purchases, cap, burn, burn, NOW)
    if left:
        then = NOW + left
        still = sum(each.credits for each in purchases if each.at > max(NOW - 30 * DAY, then - 30 * DAY - 1))
        assert still + burn.pace * left >= cap - 1e-3
