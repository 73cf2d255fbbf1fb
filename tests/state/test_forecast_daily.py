from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judgement.daily_limit.forecast import ANNOUNCED, HORIZON, STEP, ModelUse, crossing, estimate
from monitor.judgement.daily_limit.ledger import DAY, HOUR, REACH, Ledger, Span

NOW = 1_793_577_600.0
ALWAYS = (Span(NOW - 2 * REACH, NOW),)
MINUTE = 60.0


def every(seconds: float, start: float, end: float) -> list[float]:
    return [start + k * seconds for k in range(round((end - start) / seconds))]


def announced(use: ModelUse, limit: int) -> bool:
    found = estimate(use, limit, NOW)
    return found is not None and found.latest is not None


def test_a_run_that_yesterday_did_not_have_is_announced_more_than_an_hour_ahead() -> None:
    fresh = ModelUse(Ledger(every(36, NOW - 7 * HOUR, NOW)), (Span(NOW - 7 * HOUR, NOW),))
    found = estimate(fresh, 800, NOW)
    assert found is not None
    assert found.expected == pytest.approx(HOUR, rel=0.02)
    assert found.latest is not None
    assert found.expected < found.latest <= ANNOUNCED


@pytest.mark.parametrize("left", [0.25, 0.5, 0.75, 1.0])
def test_at_constant_pace_the_expected_time_is_exact(left: float) -> None:
    use = ModelUse(Ledger(every(10, NOW - 6 * HOUR, NOW)), (Span(NOW - 6 * HOUR, NOW),))
    found = estimate(use, round(360 * (6 + left)), NOW)
    assert found is not None
    assert found.expected == pytest.approx(left * HOUR, rel=0.02)


def test_a_pace_that_only_replaces_what_expires_predicts_nothing() -> None:
    ledger = Ledger(every(60, NOW - REACH, NOW))
    assert estimate(ModelUse(ledger, ALWAYS), 1500, NOW) is None


def test_expiring_entries_make_room_for_new_ones() -> None:
    usual = [*every(30, NOW - DAY - HOUR, NOW - DAY), *every(30, NOW - HOUR, NOW)]
    rush_now, rush_later = (every(10, NOW - DAY + late, NOW - DAY + late + 4 * HOUR) for late in (0, 8 * HOUR))
    assert not announced(ModelUse(Ledger([*usual, *rush_now]), ALWAYS), 1600)
    assert announced(ModelUse(Ledger([*usual, *rush_later]), ALWAYS), 1600)


def test_a_burst_of_minutes_is_not_announced() -> None:
    quiet, burst = every(300, NOW - REACH, NOW), every(6, NOW - 5 * MINUTE, NOW)
    assert not announced(ModelUse(Ledger(quiet + burst), ALWAYS), 400)


def test_a_run_that_has_stopped_is_not_announced() -> None:
    assert not announced(ModelUse(Ledger(every(10, NOW - 5 * HOUR, NOW - 40 * MINUTE)), ALWAYS), 1600)


@pytest.mark.parametrize(
    ("accepted", "limit"),
    [
        ([], 50),
        (every(600, NOW - 4 * HOUR, NOW), 50),  # less than half the cap
        (every(60, NOW - 12 * HOUR, NOW - 11.5 * HOUR), 31),  # nothing new for hours
        ([NOW - HOUR, NOW - MINUTE], 3),  # two entries are no pace
    ],
)
def test_too_little_evidence_predicts_nothing(accepted: list[float], limit: int) -> None:
    assert estimate(ModelUse(Ledger(accepted), ALWAYS), limit, NOW) is None


@pytest.mark.parametrize("limit", [0, 10])
def test_at_the_limit_no_time_is_left(limit: int) -> None:
    found = estimate(ModelUse(Ledger(every(60, NOW - 10 * MINUTE, NOW)), ALWAYS), limit, NOW)
    assert found is not None
    assert (found.expected, found.latest) == (0, 0)


def test_a_provider_that_counts_more_brings_the_limit_nearer() -> None:
    ledger = Ledger(every(36, NOW - 6 * HOUR, NOW))
    alone, more = (estimate(ModelUse(ledger, ALWAYS, provider), 750, NOW) for provider in (None, 700))
    assert more is not None
    assert alone is None or alone.expected > more.expected


def test_a_step_of_the_providers_rounded_figure_is_no_pace() -> None:
    idle = Ledger(every(HOUR, NOW - REACH, NOW))
    for provider in range(40, 50):
        assert estimate(ModelUse(idle, ALWAYS, provider), 50, NOW) is None


@pytest.mark.parametrize(("hours", "speaks"), [(0.9, False), (1.1, True)])
def test_a_young_daemon_measures_the_pace_of_what_it_watched(hours: float, *, speaks: bool) -> None:
    since = NOW - hours * HOUR
    use = ModelUse(Ledger(every(36, since, NOW)), (Span(since, NOW),), provider=800)
    found = estimate(use, 850, NOW)
    assert (found is not None) == speaks
    if found is not None:
        assert found.expected == pytest.approx(50 / (100 - 690 / 24) * HOUR, rel=0.05)


def test_use_from_before_we_watched_expires_evenly() -> None:
    ours = Ledger(every(36, NOW - 4 * HOUR, NOW))
    found = estimate(ModelUse(ours, (Span(NOW - 4 * HOUR, NOW),), provider=800), 860, NOW)
    assert found is not None
    assert found.expected == pytest.approx(60 / (100 - 400 / 24) * HOUR, rel=0.03)


def test_use_that_never_came_past_us_goes_on() -> None:
    ledger = Ledger([*every(600, NOW - REACH, NOW), *every(36, NOW - 3 * HOUR, NOW)])
    ours = ModelUse(ledger, ALWAYS)
    both = ModelUse(ledger, ALWAYS, provider=ours.total(NOW) + 200)
    alone, beside = estimate(ours, 480, NOW), estimate(both, 680, NOW)
    assert alone is not None
    assert beside is not None
    assert beside.expected == pytest.approx(alone.expected, rel=0.1)


@given(
    st.lists(st.floats(NOW - REACH, NOW), max_size=300),
    st.integers(0, 250),
    st.one_of(st.none(), st.integers(0, 250)),
    st.floats(0, REACH),
)
def test_an_estimate_is_never_negative_nor_beyond_the_horizon(
    accepted: list[float], limit: int, provider: int | None, watched: float
) -> None:
    use = ModelUse(Ledger(accepted), (Span(NOW - watched, NOW),), provider)
    found = estimate(use, limit, NOW)
    if found is None:
        return
    assert 0 <= found.expected <= HORIZON
    assert (found.expected == 0) == (use.total(NOW) >= limit)
    assert found.latest is None or 0 <= found.latest <= ANNOUNCED


@given(st.lists(st.floats(NOW - REACH, NOW), max_size=300), st.integers(1, 250), st.integers(1, 50))
def test_a_higher_limit_is_never_hit_sooner(accepted: list[float], limit: int, more: int) -> None:
    use = ModelUse(Ledger(accepted), ALWAYS)
    low, high = estimate(use, limit, NOW), estimate(use, limit + more, NOW)
    if low is not None and high is not None and high.latest is not None and low.latest is not None:
        assert high.latest >= low.latest - 1e-6


def test_a_crossing_lies_in_proportion_within_its_step() -> None:
    assert crossing([0, 1, 3], [2, 2, 2]) == pytest.approx(1.5 * STEP)
    assert crossing([0, 1, 1], [2, 2, 2]) is None
    assert crossing([0, 1], [0, 2]) == 0
