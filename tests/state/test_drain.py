import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judgement.throttling import ThrottledPace, clear_seconds

NONE_YET = ThrottledPace(waited_seconds=30, finished=0, until_newest_seconds=0)


@pytest.mark.parametrize(
    ("throttled", "pace", "concurrency", "run", "expected"),
    [
        (198, NONE_YET, 2, 15.0, 1485),  # the usage-tier page's own example: 200 tasks in 25 minutes
        (0, NONE_YET, None, None, 0),
        (10, ThrottledPace(30, 3, 30), 2, None, None),  # nothing to go by
        (10, ThrottledPace(30, 4, 30), None, 15.0, None),
        (10, ThrottledPace(50, 5, 50), None, None, 100),  # the pace alone
        (100, ThrottledPace(300, 40, 300), 2, 15.0, 750),  # enough finished: the pace beats the nominal limit
        (100, ThrottledPace(600, 40, 600), 2, 15.0, 1500),  # ... also when the vendor works below it
        (100, ThrottledPace(310, 40, 300), 2, 15.0, 750),  # the next are not due yet
        (100, ThrottledPace(840, 40, 300), 2, 15.0, 2000),  # they are overdue: the pace has slowed down
        (10, ThrottledPace(60, 8, 60), 0, 15.0, 75),  # a limit of zero says nothing of the pace
    ],
)
def test_drain_follows_the_pace_once_known_and_the_limit_before(
    throttled: int, pace: ThrottledPace, concurrency: int | None, run: float | None, expected: float | None
) -> None:
    assert clear_seconds(throttled, pace, concurrency, run) == expected


@given(st.integers(1, 20), st.floats(1, 600), st.floats(0, 20_000))
def test_a_steady_pace_is_met_at_any_moment_between_two_ends(concurrency: int, run: float, waited: float) -> None:
    rounds = int(waited / run)
    pace = ThrottledPace(waited, rounds * concurrency, rounds * run)

    estimate = clear_seconds(100, pace, concurrency, run)

    assert estimate == pytest.approx(100 * run / concurrency)
