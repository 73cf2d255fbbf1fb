from __future__ import annotations

import pytest

from monitor.judgement.daily_limit.quality import Quality, judge, quality
from monitor.judgement.daily_limit.warning import LimitWarning

HOUR = 3600.0
MINUTE = 60.0


def warned(raised: float, promised: float, withdrawn: float | None = None) -> LimitWarning:
    expected = raised + (promised - raised) / 2
    return LimitWarning(raised_at=raised, expected_at=expected, promised_at=promised, withdrawn_at=withdrawn)


@pytest.mark.parametrize(
    ("warning", "hits", "now", "right"),
    [
        (warned(0, HOUR), [HOUR], HOUR, True),
        (warned(0, HOUR), [1.5 * HOUR], 2 * HOUR, True),  # at the very end of its term
        (warned(0, HOUR), [1.5 * HOUR + 1], 2 * HOUR, False),
        (warned(0, 10 * MINUTE), [30 * MINUTE], HOUR, True),  # a term is half an hour at least
        (warned(0, HOUR, withdrawn=20 * MINUTE), [40 * MINUTE], HOUR, False),  # withdrawn too soon
        (warned(0, HOUR, withdrawn=20 * MINUTE), [20 * MINUTE], HOUR, True),
        (warned(0, HOUR), [0], HOUR, None),  # what has happened already is not foretold
        (warned(0, HOUR), [], 1.5 * HOUR, None),
        (warned(0, HOUR), [], 1.5 * HOUR + 1, False),
        (warned(0, HOUR, withdrawn=20 * MINUTE), [], 20 * MINUTE, False),
    ],
)
def test_a_warning_is_right_when_the_limit_is_hit_while_it_stands_and_within_its_term(
    warning: LimitWarning, hits: list[float], now: float, right: bool | None
) -> None:
    judged = judge(warning, hits, now)
    assert judged.right is right
    assert judged.exhausted_at == (hits[0] if right else None)


def test_figures_count_what_is_decided() -> None:
    hits = [2 * HOUR, 10 * HOUR, 20 * HOUR, 20.2 * HOUR]
    warnings = [
        warned(HOUR, 2 * HOUR),  # right, and early enough
        warned(5 * HOUR, 6 * HOUR, withdrawn=5.5 * HOUR),  # wrong
        warned(9.9 * HOUR, 11 * HOUR),  # right, but too late to help
        warned(30 * HOUR, 31 * HOUR),  # open
    ]
    found = quality([judge(each, hits, 30 * HOUR) for each in warnings], hits, since=0)
    assert (found.right, found.wrong, found.foretold, found.exhaustions) == (2, 1, 1, 4)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == 0.25
    assert found.f1 == pytest.approx(4 / 11)
    assert found.median_error == pytest.approx((0.5 + 0.45) / 2 * HOUR)


def test_an_exhaustion_that_nobody_could_foretell_does_not_count() -> None:
    assert quality([], [10 * MINUTE], since=0) == Quality()


def test_without_cases_there_are_no_figures() -> None:
    empty = Quality()
    assert (empty.precision, empty.recall, empty.f1, empty.median_error) == (None, None, None, None)


def test_nothing_right_is_zero_and_not_unknown() -> None:
    assert Quality(wrong=2, exhaustions=3).f1 == 0


def test_figures_add_up() -> None:
    assert Quality(1, 2, 1, 3, (4.0,)) + Quality(2, 0, 1, 1, (5.0,)) == Quality(3, 2, 2, 4, (4.0, 5.0))
