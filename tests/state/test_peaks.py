from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judgement.daily_limit.ledger import DAY, HOUR
from monitor.judgement.tiers.peaks import Peak, PeakDay, day_of, highest, raised, started, window

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
peaks = st.dictionaries(
    st.sampled_from(["gen4.5", "veo3", "other"]), st.builds(Peak, st.integers(0, 9), st.integers(0, 9)), max_size=3
)


def back(days: int) -> str:
    return day_of(NOON - days * DAY)


def test_a_day_is_a_utc_day() -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert day_of(midnight.timestamp()) == "2026-11-22"
    assert day_of((midnight - timedelta(microseconds=1)).timestamp()) == "2026-11-21"
    assert started("2026-11-22") == midnight.timestamp()


@given(st.lists(peaks, max_size=5))
def test_the_highest_is_the_maximum_of_each_figure(days: list[dict[str, Peak]]) -> None:
    models = {model for day in days for model in day}
    assert highest(*days) == {
        model: Peak(
            max(day[model].generations for day in days if model in day),
            max(day[model].concurrency for day in days if model in day),
        )
        for model in models
    }


@given(peaks, peaks, st.floats(0, DAY), st.floats(0, DAY))
def test_a_day_only_grows_and_the_order_does_not_matter(
    one: dict[str, Peak], other: dict[str, Peak], early: float, late: float
) -> None:
    forth = raised(raised(PeakDay(), one, early), other, late)
    assert forth == raised(raised(PeakDay(), other, late), one, early) == raised(forth, one, early)


def test_a_window_holds_its_days_and_no_other() -> None:
    days = {back(n): PeakDay(HOUR, {"gen4.5": Peak(n, 100 - n)}) for n in range(-1, 10)}
    assert window("7d", days, 7, NOON).models == {"gen4.5": Peak(6, 100)}
    assert window("1d", days, 1, NOON).models == {"gen4.5": Peak(0, 100)}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({}, 0.0),
        ({back(0): PeakDay(12 * HOUR)}, 0.5 / 6.5),
        ({back(n): PeakDay(DAY) for n in range(7)}, 1.0),  # more than there was of today counts as all
        ({back(n): PeakDay(DAY / 2) for n in range(7)}, 3.5 / 6.5),
        ({back(7): PeakDay(DAY)}, 0.0),
    ],
)
def test_the_share_watched_is_of_the_time_that_has_passed(days: dict[str, PeakDay], expected: float) -> None:
    assert window("7d", days, 7, NOON).watched == pytest.approx(expected)
