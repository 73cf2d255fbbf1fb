from __future__ import annotations

import pytest

from monitor.judgement.daily_limit.forecast import estimate
from monitor.judgement.daily_limit.ledger import DAY, HOUR
from monitor.judgement.daily_limit.replay import exhaustions, replay, uses

START = 1_793_577_600.0


def every(seconds: float, start: float, count: int) -> list[float]:
    return [start + k * seconds for k in range(count)]


def run_after_a_quiet_day(limit: int, hours: float) -> list[float]:
    return every(2 * HOUR, START - 2 * DAY, 24) + every(hours * HOUR / limit, START, limit)


@pytest.mark.parametrize("limit", [200, 1000, 5000])
@pytest.mark.parametrize("hours", [4, 6, 8, 12])
def test_a_steady_run_into_the_cap_is_announced_an_hour_ahead(limit: int, hours: float) -> None:
    found = replay(run_after_a_quiet_day(limit, hours), limit)
    (hit,) = found.exhaustions
    (warning,) = found.warnings
    assert hit - warning.raised_at > HOUR
    assert abs(warning.expected_at - hit) < 0.3 * (hit - warning.raised_at)
    assert hit < warning.promised_at


@pytest.mark.parametrize("limit", [1000, 5000])
@pytest.mark.parametrize("hours", [5, 6, 8, 12])
def test_in_the_last_hour_the_expected_time_of_a_steady_run_is_within_a_fifth(limit: int, hours: float) -> None:
    accepted = run_after_a_quiet_day(limit, hours)
    (hit,) = exhaustions(accepted, limit)
    checked = 0
    for use, now in uses(accepted):
        if 5 * 60 < hit - now <= HOUR:
            found = estimate(use, limit, now)
            assert found is not None
            assert found.expected == pytest.approx(hit - now, rel=0.2)
            checked += 1
    assert checked >= 50


def test_a_run_that_ends_below_the_cap_and_below_its_pace_is_not_announced() -> None:
    assert replay(run_after_a_quiet_day(200, 8)[:-80], 200).warnings == ()


def test_a_steady_level_below_the_cap_is_never_announced() -> None:
    assert replay(every(90, START, 3000), 1000).warnings == ()


def test_a_cap_that_stays_full_is_one_exhaustion() -> None:
    full = [at + day * DAY for day in range(3) for at in every(DAY / 100, START, 100)]
    assert list(exhaustions(full, 100)) == [full[99]]


def test_a_cap_that_empties_below_ninety_percent_can_be_hit_again() -> None:
    burst = every(60, START, 100)
    again = [at + DAY + 2 * HOUR for at in burst]
    assert list(exhaustions([*burst, *again], 100)) == [burst[-1], again[-1]]


def test_a_history_of_nothing_has_nothing() -> None:
    assert replay([], 10).warnings == replay([], 10).exhaustions == ()
