from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.judgement.credits.autobilling import MARGIN, Patience, autobilling_state
from monitor.judgement.credits.flow import BUCKET, Flow, add_spend, spent
from monitor.judgement.credits.forecast import Terms, credit_outlook
from monitor.judgement.credits.history import BalanceHistory
from monitor.judgement.credits.outlook import AutobillingState, CreditOutlook, Recharge
from monitor.judgement.credits.purchases import AutobillingPlan
from monitor.judgement.daily_limit.ledger import DAY, HOUR
from monitor.judgement.limits import LimitOutlook

NOW = 1_793_577_600.0
PLAN = AutobillingPlan(threshold=1_000, amount=5_000)
PATIENCE = Patience(first=HOUR, last=49 * HOUR)
OVERDUE_AFTER, STOPPED_AFTER = HOUR + MARGIN, 49 * HOUR + MARGIN
OK, DUE, OVERDUE, CLIPPED, STOPPED = AutobillingState


PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "credits.md"


def steady(hourly: float, hours: float, until: float = NOW) -> tuple[Flow, ...]:
    """An even burn for so many hours."""
    return add_spend((), until - hours * HOUR, until, hourly * hours)


def outlook(terms: Terms = Terms(), **purse: object) -> CreditOutlook:  # noqa: B008
    known = BalanceHistory(**{"balance": 1_000.0, "at": NOW, "since": NOW - 40 * DAY, **purse})  # type: ignore[arg-type]
    return credit_outlook(known, terms, NOW, is_fresh=True)


@pytest.mark.parametrize(
    ("cap", "bought", "found", "frees_at"),
    [
        (None, [(10, 500.0)], LimitOutlook.UNKNOWN, None),
        (1_000.0, [(10, 500.0)], LimitOutlook.NONE_EXPECTED, None),
        (500.0, [(10, 500.0)], LimitOutlook.FULL, 20),
        (500.0, [(29, 100.0), (10, 500.0)], LimitOutlook.FULL, 20),  # the first to leave is not enough
        (600.0, [(29, 100.0), (10, 500.0)], LimitOutlook.FULL, 1),
        (0.0, [], LimitOutlook.FULL, None),
    ],
)
def test_a_cap_on_purchases_that_is_reached_says_when_something_can_be_bought_again(
    cap: float | None, bought: list[tuple[int, float]], found: LimitOutlook, frees_at: int | None
) -> None:
    told = outlook(Terms(cap=cap), recharges=tuple(Recharge(NOW - days * DAY, amount) for days, amount in bought))
    assert told.spend_outlook is found
    assert told.spend_free_seconds == (None if frees_at is None else frees_at * DAY)


def test_a_cap_on_purchases_is_not_judged_before_the_balance_was_watched_for_a_while() -> None:
    bought = (Recharge(NOW - 60, 500.0),)
    assert outlook(Terms(cap=1_000.0), recharges=bought, since=NOW - 1_799).spend_outlook is LimitOutlook.TOO_EARLY
    assert outlook(Terms(cap=1_000.0), recharges=bought, since=NOW - 1_800).spend_outlook is LimitOutlook.NONE_EXPECTED


def test_burn_is_what_left_within_the_window() -> None:
    flows = steady(120, 3)
    assert spent(flows, NOW, HOUR) == pytest.approx(120)
    assert spent(flows, NOW, DAY) == pytest.approx(360)
    assert spent(flows, NOW + 2.5 * HOUR, HOUR) == pytest.approx(0)
    assert spent(flows, NOW + BUCKET / 2, HOUR) == pytest.approx(120 - 120 * BUCKET / 2 / HOUR)


def test_what_left_while_nobody_watched_is_spread_over_that_time() -> None:
    flows = add_spend((), NOW - 10 * HOUR, NOW, 1_000)
    assert spent(flows, NOW, HOUR) == pytest.approx(100)
    assert spent(flows, NOW, DAY) == pytest.approx(1_000)


def test_of_a_long_absence_only_the_last_day_counts() -> None:
    assert spent(add_spend((), NOW - 10 * DAY, NOW, 1_000), NOW, DAY) == pytest.approx(100)


def test_refunds_reduce_the_burn_but_not_below_nothing() -> None:
    flows = add_spend(steady(100, 1), NOW - 60, NOW, -40)
    assert spent(flows, NOW, HOUR) == pytest.approx(60)
    assert spent(add_spend(flows, NOW - 60, NOW, -400), NOW, HOUR) == 0


@pytest.mark.parametrize(
    ("purse", "runway", "exhaustion"),
    [
        ({"flows": steady(100, 24)}, 10 * HOUR, 10 * HOUR),
        ({"flows": steady(240, 1)}, 1_000 / 240 * HOUR, 100 * HOUR),  # a burst is burn, but promises nothing
        ({"flows": steady(240, 5, NOW - 2 * HOUR)}, 20 * HOUR, None),  # it has ended: the day's burn still counts
        ({"flows": steady(100, 0.3), "since": NOW - 0.3 * HOUR}, 10 * HOUR, None),  # too young to promise
        ({"flows": steady(100, 0.1), "since": NOW - 0.1 * HOUR}, None, None),  # and to tell
        ({}, None, None),
        ({"balance": 0.0, "flows": steady(100, 24)}, 0, None),
        ({"balance": -5.0}, 0, None),
        ({"balance": 1e9, "flows": steady(100, 24)}, 1e7 * HOUR, None),
    ],
)
def test_runway_is_balance_over_burn_and_exhaustion_only_what_may_be_relied_upon(
    purse: dict[str, object], runway: float | None, exhaustion: float | None
) -> None:
    told = outlook(**purse)
    assert told.runway_seconds == (None if runway is None else pytest.approx(runway))
    assert told.balance_exhaustion_seconds == (None if exhaustion is None else pytest.approx(exhaustion))


def test_burn_and_runway_of_a_young_account_are_of_the_minutes_that_were_watched() -> None:
    told = outlook(balance=74_200.0, since=NOW - 660, flows=steady(26_100, 660 / HOUR))
    assert told.burn == {"1h": pytest.approx(4_785), "24h": pytest.approx(4_785)}
    assert told.burn_seconds == {"1h": 660, "24h": 660}
    assert told.runway_credits_per_hour == pytest.approx(26_100)


def test_what_left_before_a_gap_that_nobody_can_tell_is_not_taken_for_the_minutes_since() -> None:
    """The hour before a gap is remembered; the runway must not be the balance over that hour in eleven minutes."""
    told = outlook(balance=74_200.0, since=NOW - 660, flows=steady(26_100, 1))
    assert told.runway_seconds == pytest.approx(74_200 / 26_100 * HOUR)


def test_one_balance_alone_tells_no_burn() -> None:
    told = outlook(since=NOW)
    assert (told.burn, told.burn_seconds, told.left_today_credits, told.runway_seconds) == ({}, {}, None, None)
    assert told.coverage is not None


@given(
    st.floats(1, 1e6),
    st.lists(st.tuples(st.floats(0, 30 * HOUR), st.floats(-1e4, 1e5)), min_size=1, max_size=9),
    st.floats(600, 2 * DAY),
)
def test_balance_burn_and_runway_shown_together_agree(
    balance: float, moves: list[tuple[float, float]], age: float
) -> None:
    flows: tuple[Flow, ...] = ()
    for ago, amount in moves:
        flows = add_spend(flows, NOW - ago - 60, NOW - ago, amount)
    told = outlook(balance=balance, flows=flows, since=NOW - age)
    if told.runway_credits_per_hour is None:
        assert told.runway_seconds is None
        return
    assert told.runway_seconds == pytest.approx(balance / told.runway_credits_per_hour * HOUR)
    paces = [told.burn[window] / told.burn_seconds[window] * HOUR for window in told.burn]
    assert told.runway_credits_per_hour == pytest.approx(next(pace for pace in paces if pace > 1e-5), rel=1e-3)


@given(
    st.floats(-1e6, 1e9),
    st.lists(st.tuples(st.floats(0, 30 * HOUR), st.floats(-1e5, 1e5)), max_size=30),
    st.floats(-DAY, 40 * DAY),
)
@example(balance=1.0, moves=[(0.0, 2.2250738585e-313)], age=600.0)
def test_no_figure_is_negative_or_not_a_number(balance: float, moves: list[tuple[float, float]], age: float) -> None:
    flows: tuple[Flow, ...] = ()
    for ago, amount in moves:
        flows = add_spend(flows, NOW - ago - 60, NOW - ago, amount)
    terms = Terms(cap=10_000, plan=PLAN, told=(Recharge(NOW - 29 * DAY, 500),))
    told = outlook(terms, balance=balance, flows=flows, since=NOW - age)
    figures = [*told.burn.values(), told.runway_seconds, told.balance_exhaustion_seconds, told.spend_exhaustion_seconds]
    figures += [told.coverage, told.bought_credits]
    assert all(math.isfinite(value) and value >= 0 for value in figures if value is not None)


@pytest.mark.parametrize(
    ("recharges", "expected"),
    [
        ([(-DAY, 9_000)], 10 * HOUR),
        ([(-30 * DAY + 5 * HOUR, 4_000), (-DAY, 5_000)], 50 * HOUR),  # frees in time
        ([(-30 * DAY + 11 * HOUR, 4_000), (-DAY, 5_000)], 10 * HOUR),  # frees too late
        ([(-DAY, 10_000)], None),  # hit: saturation tells
        ([(-DAY, 12_000)], None),
        ([(-31 * DAY, 12_000)], None),  # nothing was bought that counts, so nothing says it will be
    ],
)
def test_the_cap_is_hit_when_buying_what_is_burnt_fills_what_is_left(
    recharges: list[tuple[float, float]], expected: float | None
) -> None:
    bought = tuple(Recharge(NOW + after, amount) for after, amount in recharges)
    told = outlook(Terms(cap=10_000), recharges=bought, flows=steady(100, 24))
    assert told.spend_exhaustion_seconds == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("since", "told", "seen", "bought", "coverage"),
    [
        (-3 * DAY, [], [], None, 0.1),  # nothing bought in three days says nothing of thirty
        (-31 * DAY, [], [], 0, 1),
        (-3 * DAY, [], [-DAY], 100, 0.1),
        (-3 * DAY, [-15 * DAY, -20 * DAY], [-DAY], 300, 2 / 3),
        (-3 * DAY, [-15 * DAY, -40 * DAY], [-DAY], 200, 1),
        (-3 * DAY, [-2 * DAY], [-DAY], 100, 0.1),  # the monitor was there itself
    ],
)
def test_purchases_are_counted_as_far_as_they_are_known(
    since: float, told: Sequence[float], seen: Sequence[float], bought: float | None, coverage: float
) -> None:
    terms = Terms(told=tuple(Recharge(NOW + after, 100) for after in told))
    shown = outlook(terms, since=NOW + since, recharges=tuple(Recharge(NOW + after, 100) for after in seen))
    assert (shown.bought_credits, shown.coverage) == (bought, pytest.approx(coverage))


FULL, SHORT = Recharge(NOW - DAY, 5_000), Recharge(NOW - DAY, 2_000)


@pytest.mark.parametrize(
    ("low_for", "recharges", "room", "state"),
    [
        (None, (), None, OK),
        (None, (FULL,), 100, OK),  # the cap is near, but nothing is wanted
        (60, (), None, DUE),
        (OVERDUE_AFTER, (FULL,), 20_000, DUE),
        (OVERDUE_AFTER + 1, (FULL,), 20_000, OVERDUE),
        (60, (FULL,), 4_999, CLIPPED),
        (OVERDUE_AFTER + 1, (FULL,), 500, CLIPPED),
        (None, (FULL, SHORT), 0, CLIPPED),
        (None, (SHORT, FULL), 0, OK),
        (None, (SHORT,), 20_000, OK),  # somebody bought by hand
        (None, (SHORT,), None, OK),
        (STOPPED_AFTER + 1, (SHORT,), 0, STOPPED),
    ],
)
def test_autobilling_is_judged_by_the_wait_and_by_what_the_cap_leaves(
    low_for: float | None, recharges: tuple[Recharge, ...], room: float | None, state: AutobillingState
) -> None:
    low_since = None if low_for is None else NOW - low_for
    assert autobilling_state(PLAN, PATIENCE, low_since, recharges, room, NOW) is state


def test_what_the_cap_leaves_is_told_by_all_known_purchases() -> None:
    known = {"balance": 9_000.0, "since": NOW - 2 * DAY, "recharges": (SHORT,)}
    assert outlook(Terms(cap=50_000, plan=PLAN, patience=PATIENCE), **known).autobilling is OK
    told = (Recharge(NOW - 20 * DAY, 48_000),)
    assert outlook(Terms(cap=50_000, plan=PLAN, patience=PATIENCE, told=told), **known).autobilling is CLIPPED


def test_without_a_plan_autobilling_has_no_state_and_without_a_fresh_balance_neither() -> None:
    assert outlook().autobilling is None
    purse = BalanceHistory(balance=500, at=NOW, since=NOW - DAY, low_since=NOW, flows=steady(100, 24))
    stale = credit_outlook(purse, Terms(plan=PLAN, patience=PATIENCE), NOW, is_fresh=False)
    assert (stale.autobilling, stale.runway_seconds, stale.burn) == (None, None, {})


def test_the_page_explains_every_state() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [state for state in explained if state in set(AutobillingState)] == list(AutobillingState)
