import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judgement.daily_limit.ledger import DAY, HOUR, Ledger, Span
from monitor.judgement.daily_limit.reconcile import DELAY, SKEW, Unseen, is_comparable, reconcile

NOW = 1_793_577_600.0
ALL = (Span(NOW - 2 * DAY, NOW),)


def even(count: int) -> Ledger:
    """So many acceptances, evenly over the day before now and far from its ends."""
    return Ledger(NOW - HOUR - 22 * HOUR * (place + 0.5) / count for place in range(count))


def unseen(theirs: int, ledger: Ledger, watched: tuple[Span, ...] = ALL, unassigned: int = 0) -> Unseen:
    found = reconcile("gen4.5", theirs, ledger, watched, NOW, unassigned)
    assert (found.generations, found.drift) == (theirs, theirs - ledger.used(NOW))
    assert found.unseen is not None
    return found.unseen


def test_nothing_is_unseen_where_both_count_the_same() -> None:
    found = unseen(1000, even(1000))
    assert (found.low, found.expected) == (0, 0)
    assert found.high < 0.01


def test_a_third_that_goes_its_own_way_is_found() -> None:
    found = unseen(300, even(200))
    assert found.expected == pytest.approx(1 / 3)
    assert 0.28 < found.low < 1 / 3 < found.high < 0.39


def test_a_model_that_only_a_stranger_uses_is_all_unseen() -> None:
    assert unseen(500, Ledger()) == Unseen(pytest.approx(0.992, abs=1e-3), 1.0, 1.0)


@pytest.mark.parametrize(("theirs", "low", "high"), [(1, 0.2065, 1.0), (10, 0.7225, 1.0)])
def test_small_numbers_say_little(theirs: int, low: float, high: float) -> None:
    """Wilson's interval for all of so many draws: n / (n + z squared)."""
    found = unseen(theirs, Ledger())
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), high)


def test_the_newest_may_not_be_counted_yet() -> None:
    young = Ledger([NOW - DELAY + 1] * 50)
    assert unseen(50, young) == Unseen(0.0, 0.0, 1.0)
    assert unseen(50, Ledger([NOW - DELAY] * 50)).high < 0.08


@pytest.mark.parametrize("at", [NOW - DAY - SKEW + 1, NOW + SKEW])
def test_clocks_may_differ_at_the_ends_of_the_window(at: float) -> None:
    """What we counted just outside may be inside for the provider: it is not unseen for sure."""
    found = unseen(50, Ledger([at] * 50))
    assert (found.low, found.expected) == (0, 1)


def test_what_passed_unwatched_is_allowed_for() -> None:
    gap = (Span(NOW - DAY, NOW - 800), Span(NOW, NOW))
    assert is_comparable(gap, NOW)
    assert unseen(1009, even(1000)).expected == pytest.approx(9 / 1009)
    found = unseen(1009, even(1000), gap)
    assert found.expected < 1e-3
    assert found.low == 0


def test_generations_of_no_known_model_may_be_of_this_one() -> None:
    found = unseen(100, Ledger(), unassigned=100)
    assert (found.low, found.expected) == (0, 1)


def test_no_share_of_nothing() -> None:
    assert reconcile("gen4.5", 0, even(3), ALL, NOW).unseen is None


@pytest.mark.parametrize(
    ("watched", "told_at", "expected"),
    [
        (ALL, NOW, True),
        (ALL, NOW - HOUR, True),
        ((Span(NOW - DAY, NOW),), NOW - 0.02 * DAY, False),  # the day before the figure began unwatched
        ((Span(NOW - 0.98 * DAY, NOW),), NOW, False),
        ((), NOW, False),
    ],
)
def test_only_windows_that_were_watched_are_compared(
    watched: tuple[Span, ...], told_at: float, *, expected: bool
) -> None:
    assert is_comparable(watched, told_at) is expected


@given(
    st.integers(1, 3000),
    st.lists(st.floats(NOW - DAY - 2 * SKEW, NOW + 2 * SKEW), max_size=60),
    st.integers(0, 60),
    st.floats(0, 0.01 * DAY),
)
def test_the_bounds_hold_the_expectation(theirs: int, accepted: list[float], unassigned: int, gap: float) -> None:
    watched = (Span(NOW - DAY + gap, NOW),)
    found = unseen(theirs, Ledger(accepted), watched, unassigned)
    assert 0 <= found.low <= found.expected <= found.high <= 1
