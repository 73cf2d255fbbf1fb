import pytest

from monitor.state.drain import drain_seconds


@pytest.mark.parametrize(
    ("throttled", "waited", "finished", "concurrency", "run", "expected"),
    [
        (198, 0, 0, 2, 15.0, 1485),  # the usage-tier page's own example: 200 tasks in 25 minutes
        (0, 0, 0, None, None, 0),
        (10, 30, 3, 2, None, None),  # nothing to go by
        (10, 30, 4, None, 15.0, None),
        (10, 50, 5, None, None, 100),  # the pace alone
        (100, 300, 40, 2, 15.0, 750),  # enough finished: the pace beats the nominal limit
        (100, 600, 40, 2, 15.0, 1500),  # ... also when the vendor works below it
        (10, 60, 8, 0, 15.0, 75),  # a limit of zero says nothing of the pace
    ],
)
def test_drain_follows_the_pace_once_known_and_the_limit_before(
    throttled: int, waited: float, finished: int, concurrency: int | None, run: float | None, expected: float | None
) -> None:
    assert drain_seconds(throttled, waited, finished, concurrency, run) == expected
