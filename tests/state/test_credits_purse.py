"""Recharges and refunds, told apart whatever the order in which things are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judgement.credits.history import PATIENCE, BalanceHistory, PurchaseRules, advance
from monitor.judgement.credits.purchases import AutobillingPlan, BalanceStep, by_size, by_usage
from monitor.observations import DaySpend, Figures, Organization, Outcome, ReadFinished, Usage
from monitor.tasks.counters import CounterSpec

NOON = 1_793_534_400.0
LEAST = 1_000.0
PLAN = AutobillingPlan(threshold=1_000, amount=5_000)


class World:
    """An account as the vendor keeps it, and the purse that only sees what is read."""

    def __init__(self, plan: AutobillingPlan | None = None, balance: float = 20_000) -> None:
        self.now, self.balance, self.bought = NOON, balance, list[float]()
        self.refunded = 0.0
        self._days: defaultdict[str, float] = defaultdict(float)
        self._rules = PurchaseRules(LEAST, plan)
        self.purse: BalanceHistory | None = None
        self.counts: defaultdict[CounterSpec, float] = defaultdict(float)

    def use(self, credits_: float) -> None:
        """A charge, or with a negative amount a refund."""
        self.balance -= credits_
        self.refunded -= min(credits_, 0)
        self._days[datetime.fromtimestamp(self.now, UTC).date().isoformat()] += credits_

    def buy(self, credits_: float) -> None:
        self.balance += credits_
        self.bought.append(credits_)

    def read_balance(self) -> None:
        self._read("organization", Organization(credit_balance=self.balance, monthly_spend_credits=50_000))

    def read_usage(self) -> None:
        days = (DaySpend(date=day, model="gen4.5", credits=spent) for day, spent in self._days.items())
        self._read("usage", Usage(days=tuple(days)))

    def read_both(self) -> None:
        self.read_balance()
        self.read_usage()

    def restart(self) -> None:
        """What a killed daemon finds in its store."""
        if self.purse is not None:
            self.purse = msgspec.json.decode(msgspec.json.encode(self.purse), type=BalanceHistory)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def _read(self, name: str, figures: Figures) -> None:
        outcome = Outcome.SUCCESS
        read = ReadFinished(account="a", at=self.now, read=name, outcome=outcome, duration_seconds=0.1, figures=figures)
        self.purse, increments = advance(self.purse, read, self._rules)
        for increment in increments:
            self.counts[increment.counter] += increment.amount

    @property
    def recharged(self) -> list[float]:
        assert self.purse is not None
        return [each.credits for each in self.purse.recharges]


def judged(world: World) -> World:
    """The world once all that waits has been judged."""
    for seconds in (60, 300):
        world.pass_by(seconds)
        world.read_both()
    return world


@pytest.mark.parametrize("plan", [None, PLAN])
@pytest.mark.parametrize("spent", [0, 40, 200])
@pytest.mark.parametrize("bought", [1_000, 3_000, 5_000, 20_000])
def test_a_purchase_is_a_recharge_of_what_was_bought(bought: float, spent: float, plan: AutobillingPlan | None) -> None:
    world = World(plan)
    world.read_both()
    world.pass_by(60)
    world.buy(bought)
    world.use(spent)
    judged(world)
    assert sum(world.recharged) == bought
    assert world.counts == {
        CounterSpec.RECHARGES: 4 if plan and bought == 20_000 else 1,
        CounterSpec.RECHARGED_CREDITS: bought,
    }


@pytest.mark.parametrize("plan", [None, PLAN])
@pytest.mark.parametrize("refunded", [1, 60, 999, 1_000, 5_000, 40_000])
def test_a_refund_is_no_recharge_however_large(refunded: float, plan: AutobillingPlan | None) -> None:
    world = World(plan)
    world.use(50_000)
    world.read_both()
    world.pass_by(60)
    world.use(-refunded)
    judged(world)
    assert world.recharged == []
    assert world.counts == {CounterSpec.REFUNDS: 1, CounterSpec.REFUNDED_CREDITS: refunded}


def test_a_purchase_and_a_refund_between_two_reads_are_told_apart() -> None:
    world = World(PLAN)
    world.read_both()
    world.pass_by(60)
    world.buy(5_000)
    world.use(-1_200)
    judged(world)
    assert world.recharged == [5_000]
    assert world.counts[CounterSpec.REFUNDED_CREDITS] == 1_200


def test_a_step_waits_for_the_usage_and_then_for_a_while() -> None:
    world = World()
    world.read_both()
    world.pass_by(60)
    world.buy(5_000)
    world.read_balance()
    assert world.recharged == []
    world.pass_by(PATIENCE)
    world.read_balance()
    assert world.recharged == [5_000]


def test_recharges_while_nobody_watched_are_found_in_the_books() -> None:
    world = World(PLAN)
    world.read_both()
    since = world.now
    for _ in range(30):
        world.pass_by(3600)
        world.use(1_000)
        if world.balance < PLAN.threshold:
            world.buy(5_000)
    world.restart()
    world.read_both()
    judged(world)
    assert world.recharged == world.bought == [5_000] * 3
    assert world.purse is not None
    assert world.purse.since == since


def test_a_gap_without_books_is_not_known() -> None:
    world = World()
    world.read_balance()
    world.pass_by(6 * 3600)
    world.buy(5_000)
    world.use(8_000)
    world.read_balance()
    back = world.now
    world.pass_by(PATIENCE)
    world.read_balance()
    assert world.recharged == []
    assert world.purse is not None
    assert world.purse.since == back


def test_usage_that_comes_late_is_no_purchase() -> None:
    world = World()
    world.read_both()
    world.pass_by(60)
    world.balance -= 6_000
    world.read_both()
    world.pass_by(60)
    world.balance += 6_000
    world.use(6_000 - 60)  # charged long ago, told now, with a small refund
    judged(world)
    assert world.recharged == []


def test_a_refund_that_the_usage_shows_late_is_no_purchase() -> None:
    world = World()
    world.use(9_000)
    world.read_both()
    world.pass_by(60)
    world.balance += 5_000
    world.pass_by(240)
    world.read_both()
    world.pass_by(60)
    world.balance -= 5_000
    world.use(-5_000)
    judged(world)
    assert world.recharged == []
    assert world.counts == {CounterSpec.REFUNDS: 1, CounterSpec.REFUNDED_CREDITS: 5_000}


def test_a_purchase_that_its_size_gave_away_explains_no_other_step() -> None:
    world = World()
    world.read_both()
    world.pass_by(60)
    world.buy(5_000)
    for _ in range(2):
        world.read_balance()
        world.pass_by(PATIENCE)
    world.use(-3_000)
    judged(world)
    assert world.recharged == [5_000]


def test_a_usage_read_beside_a_rise_is_not_compared_with_it() -> None:
    world = World()
    world.use(5_000)
    world.read_both()
    world.pass_by(60)
    world.read_balance()
    world.pass_by(20)
    world.use(-2_000)
    world.read_usage()
    world.pass_by(40)
    world.read_balance()
    world.pass_by(240)
    judged(world)
    assert world.recharged == []
    assert world.counts[CounterSpec.REFUNDED_CREDITS] == 2_000


@pytest.mark.parametrize(
    ("change", "before", "plan", "bought"),
    [
        (999, 0, None, (999,)),  # a little was spent beside it
        (800, 0, None, ()),
        (7_000, 0, None, (7_000,)),
        (5_000, 800, PLAN, (5_000,)),
        (4_600, 800, PLAN, (5_000,)),  # charges beside it
        (5_400, 800, PLAN, (5_000,)),  # a refund beside it
        (10_000, 800, PLAN, (5_000, 5_000)),
        (2_500, 800, PLAN, (2_500,)),  # clipped
        (2_500, 8_000, PLAN, ()),  # autobilling had no reason to buy
        (7_500, 800, PLAN, ()),
    ],
)
def test_without_the_usage_size_and_configuration_decide(
    change: float, before: float, plan: AutobillingPlan | None, bought: tuple[float, ...]
) -> None:
    assert by_size(BalanceStep(NOON, NOON + 60, before, change), LEAST, plan) == bought


@pytest.mark.parametrize(
    ("changes", "unexplained", "bought"),
    [
        ([5_000, 2_000], 5_000, [5_000, 0]),
        ([2_000, 5_000], 5_000, [0, 5_000]),
        ([900, 3_000], 0, [0, 0]),
        ([60, 60, 60], 40, [0, 0, 0]),
        ([4_000, 3_000], 7_500, [4_286, 3_214]),  # 500 were charged beside them
        ([1_000], -4_000, [0]),  # the usage has not caught up
        ([60], 4_000, [0]),  # the usage catches up
    ],
)
def test_the_highest_rises_explain_what_use_does_not(
    changes: list[float], unexplained: float, bought: list[float]
) -> None:
    steps = [BalanceStep(NOON + 60 * n, NOON + 60 * n + 60, 500, change) for n, change in enumerate(changes)]
    found = by_usage(steps, unexplained, LEAST, None)
    assert [round(sum(parts)) for parts in found] == bought


def test_nothing_is_bought_while_a_clock_is_set_back_and_nothing_is_lost() -> None:
    world = World()
    world.read_both()
    world.pass_by(-3600)
    world.buy(5_000)
    judged(world)
    world.pass_by(3600)
    judged(world)
    assert world.recharged == [5_000]


minutes = st.lists(
    st.tuples(
        st.integers(0, 100),  # charged in this minute
        st.sampled_from([0, 0, 0, 60, 900, 1_500]),  # refunded
        st.booleans(),  # whether autobilling buys, if it may
        st.sampled_from(["both", "usage first", "balance", "nothing", "restart"]),
        st.sampled_from([60, 60, 60, 1_800, 40_000]),  # how long until then
    ),
    max_size=40,
)


def play(world: World, story: Iterable[tuple[int, int, bool, str, int]], amount: float) -> World:
    """Let it happen; a purchase keeps ten minutes from the next, as the hourly check does."""
    last_bought = world.now - 600
    world.read_both()
    for charged, refunded, buys, reading, seconds in story:
        world.pass_by(seconds)
        world.use(charged)
        world.use(-refunded)
        if buys and world.now - last_bought >= 600:
            world.buy(amount)
            last_bought = world.now
        if reading == "both":
            world.read_both()
        elif reading == "usage first":
            world.read_usage()
            world.pass_by(1)
            world.read_balance()
        elif reading == "balance":
            world.read_balance()
        elif reading == "restart":
            world.restart()
    return judged(world)


@settings(max_examples=300)
@given(minutes, st.sampled_from([2_000, 5_000, 30_000]))
def test_any_order_of_reads_restarts_and_refunds_finds_the_same_recharges(
    story: list[tuple[int, int, bool, str, int]], amount: float
) -> None:
    world = World(AutobillingPlan(1_000, amount), balance=100_000)
    short = [(charged, refunded, buys, reading, 60) for charged, refunded, buys, reading, _ in story[:14]]
    play(world, short, amount)
    assert world.recharged == world.bought
    assert world.counts[CounterSpec.RECHARGES] == len(world.bought)
    assert world.counts[CounterSpec.RECHARGED_CREDITS] == sum(world.bought)


@settings(max_examples=300)
@given(minutes)
def test_refunds_are_never_taken_for_recharges(story: list[tuple[int, int, bool, str, int]]) -> None:
    world = World(balance=100_000)
    small = [(charged, min(refunded, 60), False, reading, seconds) for charged, refunded, _, reading, seconds in story]
    play(world, small, 0)
    assert world.recharged == []


moments = st.lists(
    st.tuples(
        st.integers(1, 45),  # seconds since the last
        st.sampled_from(["charge", "charge", "refund", "refund", "balance", "balance", "usage", "restart"]),
        st.integers(1, 100),
    ),
    max_size=120,
)


@settings(max_examples=300)
@given(moments, st.sampled_from([1, 9, 50]))
def test_reads_that_fall_between_charges_and_refunds_make_no_recharge(
    story: list[tuple[int, str, int]], scale: int
) -> None:
    world = World(balance=100_000)
    world.read_both()
    for seconds, what, amount in story:
        world.pass_by(seconds)
        if what == "charge":
            world.use(amount)
        elif what == "refund":
            world.use(-amount * scale)
        else:
            {"balance": world.read_balance, "usage": world.read_usage, "restart": world.restart}[what]()
    judged(world)
    known = world.now - NOON < PATIENCE  # beyond it, a step that no usage read has explained is judged by its size
    assert world.recharged == [] or not known


@settings(max_examples=300)
@given(minutes)
def test_a_restart_after_every_read_changes_nothing(story: list[tuple[int, int, bool, str, int]]) -> None:
    plain, restarted = World(PLAN), World(PLAN)
    restarted._read = lambda *read: (World._read(restarted, *read), restarted.restart())  # type: ignore[method-assign, func-returns-value]
    assert play(plain, story, 5_000).purse == play(restarted, story, 5_000).purse
    assert plain.counts == restarted.counts
