from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judgement.daily_limit.forecast import Estimate
from monitor.judgement.daily_limit.warning import (
    QUIET,
    ForecastState,
    ForecastStep,
    LimitWarning,
    advance,
    arm,
    seconds_left,
)

NOW = 1_793_577_600.0
MINUTE = 60.0
LIMIT = 100


def step(outlook: ForecastState, found: Estimate | None, minutes: float = 0, used: int = 95) -> ForecastStep:
    return advance(outlook, found, used, LIMIT, NOW + minutes * MINUTE)


def raised() -> ForecastState:
    return step(ForecastState(), Estimate(3600, 5400)).outlook


def test_an_agreed_estimate_raises_a_warning_with_its_promise() -> None:
    standing = raised().standing
    assert standing is not None
    assert standing.warning == LimitWarning(raised_at=NOW, expected_at=NOW + 3600, promised_at=NOW + 5400)
    assert standing.warning.term == NOW + 8100


@pytest.mark.parametrize("found", [None, Estimate(3600, None)])
def test_without_agreement_nothing_is_raised(found: Estimate | None) -> None:
    assert step(ForecastState(), found) == ForecastStep(outlook=ForecastState())


def test_weaker_evidence_keeps_a_warning_and_moves_its_expectation() -> None:
    outlook = step(raised(), Estimate(1800, None), minutes=10).outlook
    assert outlook.standing is not None
    assert outlook.standing.warning.raised_at == NOW
    assert seconds_left(outlook, NOW + 600) == 1800


def test_a_passing_lack_of_evidence_does_not_flap() -> None:
    outlook = raised()
    for minute in range(1, 120):
        found = Estimate(3600 - 30 * minute, None) if minute % 30 == 0 else None
        after = step(outlook, found, minutes=minute)
        assert after.ended is None
        outlook = after.outlook


def test_a_lasting_lack_of_evidence_withdraws() -> None:
    after = step(raised(), None, minutes=QUIET / MINUTE)
    assert after.outlook == ForecastState()
    assert after.ended is not None
    assert after.ended.withdrawn_at == NOW + QUIET


def test_a_warning_ends_with_its_term_and_only_fresh_evidence_raises_another() -> None:
    outlook = step(raised(), Estimate(600, None), minutes=135).outlook
    for found, again in ((Estimate(600, None), False), (Estimate(600, 900), True)):
        after = step(outlook, found, minutes=136)
        assert after.ended is not None
        assert (after.outlook.standing is not None) == again


def test_a_hit_ends_a_warning_and_nothing_is_raised_until_use_has_fallen() -> None:
    hit = step(raised(), Estimate(0, 0), minutes=30, used=LIMIT)
    assert (hit.exhausted, hit.outlook) == (True, ForecastState(armed=False))
    assert hit.ended is not None
    assert hit.ended.withdrawn_at is None
    still = step(hit.outlook, Estimate(60, 90), minutes=31, used=95)
    assert still == ForecastStep(outlook=ForecastState(armed=False))
    fallen = step(still.outlook, Estimate(60, 90), minutes=90, used=89)
    assert fallen.outlook.standing is not None


def test_a_promise_that_has_passed_is_not_shown() -> None:
    outlook = raised()
    assert seconds_left(outlook, NOW + 3599) == 1
    assert seconds_left(outlook, NOW + 3600) is None
    assert seconds_left(ForecastState(), NOW) is None


def test_a_limit_of_zero_is_always_hit() -> None:
    assert not arm(0, 0, armed=True)
    assert not arm(0, 0, armed=False)


def test_the_outlook_survives_storage() -> None:
    outlook = raised()
    assert msgspec.json.decode(msgspec.json.encode(outlook), type=ForecastState) == outlook


estimates = st.one_of(st.none(), st.builds(Estimate, st.floats(1, 14400), st.one_of(st.none(), st.floats(1, 7200))))


@given(st.lists(st.tuples(st.floats(-7200, 7200), estimates, st.integers(0, 110)), max_size=60))
def test_every_warning_ends_once_whatever_the_clock_does(steps: list[tuple[float, Estimate | None, int]]) -> None:
    outlook, now, ended, begun = ForecastState(), NOW, 0, 0
    for seconds, found, used in steps:
        now += seconds
        before = outlook.standing
        after = advance(outlook, found, used, LIMIT, now)
        outlook = after.outlook
        ended += after.ended is not None
        begun += outlook.standing is not None and (before is None or after.ended is not None)
        assert outlook.armed or outlook.standing is None
        left = seconds_left(outlook, now)
        assert left is None or left > 0
    assert begun == ended + (outlook.standing is not None)
