from __future__ import annotations

import math
from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given as given_by
from hypothesis import settings
from hypothesis import strategies as st
from rich.console import Console

from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.daily_limit.outlook import DailyOutlook, Expiry
from monitor.judgement.limits import LimitKind
from monitor.judgement.tiers.outlook import TierState
from monitor.observations import ModelLimits, Organization, TaskStatus
from monitor.planning.answer import (
    AcceptedBy,
    By,
    Cost,
    Disagreement,
    LimitAnswer,
    PlanAnswer,
    PlanVerdict,
    TierAnswer,
    TierOf,
    TimeSpan,
    Today,
)
from monitor.planning.estimate import estimate
from monitor.planning.request import PlanError, Request
from monitor.planning.schedule import Batch, BatchSchedule, Room
from monitor.planning.standing import given, live
from monitor.planning.view import view
from monitor.providers.runway.tiers import TIERS
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.replies import AccountReply, LimitReply, Reply

NOW = datetime.fromisoformat("2026-11-23T10:00:00+01:00")
HOUR = 3600.0
DAY = 24 * HOUR
TIER_3_SPEND = 200_000
HALF_KNOWN = {"gen4.5": ModelLimits(concurrency=5, unknown=("daily_generations",))}


def offline(**options: Any) -> PlanAnswer:
    request = Request(**{"count": 200, "seconds": 15.0, **options})
    return estimate(request, given(request), NOW.timestamp())


def account(name: str = "production", *, provider: str = "runway", **changes: Any) -> AccountReply:
    figures = {
        "credit_balance": 5_000.0,
        "monthly_spend_credits": TIER_3_SPEND,
        "limits": {
            "gen4.5": ModelLimits(concurrency=5, daily_generations=1_000),
            "gen4_image": ModelLimits(concurrency=5, daily_generations=2_000),
        },
        "daily_generations": {"gen4.5": 0, "gen4_image": 0},
    }
    return AccountReply(
        account=name,
        provider=provider,
        warnings=(),
        dollars_per_credit=0.01,
        has_credits=True,
        reads=(),
        organization=Organization(**figures | changes),
        limits=(),
        spent=None,
        tasks=(),
        daily=(),
        requests=(),
        retries=0,
        credits=None,
    )


def with_tasks(reply: AccountReply, **counts: int) -> AccountReply:
    opened = {TaskStatus(status): count for status, count in counts.items() if status != "accepted_24h"}
    tasks = ModelTasks(model="gen4.5", open=opened, accepted_24h=counts.get("accepted_24h", 0))
    return msgspec.structs.replace(reply, tasks=(tasks,))


def with_ledger(reply: AccountReply, *expiries: Expiry, unseen: int = 0) -> AccountReply:
    """An account whose ledger of gen4.5 holds these."""
    outlook = DailyOutlook(model="gen4.5", expiries=expiries, unseen=unseen)
    return msgspec.structs.replace(reply, daily=(outlook,))


def runware(*capacity: ModelCapacity, name: str = "runware", **changes: Any) -> AccountReply:
    return msgspec.structs.replace(
        account(name, provider="runware"),
        dollars_per_credit=1.0,
        has_credits=False,
        organization=Organization(credit_balance=12.5),
        capacity=capacity,
        **changes,
    )


def asked(*accounts: AccountReply, **options: Any) -> PlanAnswer:
    age = options.pop("age", 1.0)
    request = Request(**{"count": 200, "seconds": 15.0, "model": "gen4.5", **options})
    reply = Reply(at=NOW.timestamp(), age_seconds=age, accounts=accounts)
    return estimate(request, live(reply, request), NOW.timestamp())


def limit(answer: PlanAnswer, name: str) -> LimitAnswer:
    return next(one for one in answer.limits if one.limit == name)


def exactly(value: float) -> TimeSpan:
    return TimeSpan(value, value)


def test_two_hundred_tasks_of_15_s_at_concurrency_2_take_25_minutes() -> None:
    answer = offline(concurrency=2)
    assert answer.takes_seconds == exactly(25 * 60)
    assert answer.done.earliest == answer.done.latest == datetime.fromisoformat("2026-11-23T10:25:00+01:00")
    assert answer.binding == ("concurrency",)
    assert limit(answer, "concurrency").delay_seconds == 25 * 60 - 15
    assert (answer.tier, answer.by, answer.cost.credits) == (None, None, None)


def test_a_live_account_gives_the_same_as_its_numbers() -> None:
    limits = {"gen4.5": ModelLimits(concurrency=2, daily_generations=500)}
    answer = asked(account(limits=limits), model=None)
    assert (answer.takes_seconds, answer.model, answer.account) == (exactly(1500), "gen4.5", "production")


def test_a_tier_that_is_configured_is_the_accounts() -> None:
    """Its limits stay the live ones; the newest table is held against them at that tier."""
    for configured, count in ((3, 0), (4, 5)):
        state = TierState(table=TIERS.newest.name, configured=configured, inferred=3)
        answer = asked(msgspec.structs.replace(account(), tier=state))
        assert answer.tier is not None
        assert (answer.tier.tier, len(answer.tier.disagreements)) == (configured, count)
        assert limit(answer, "concurrency").allowed == exactly(5)


def test_a_tier_is_planned_by_the_newest_table_in_the_models_own_column() -> None:
    answer = offline(tier=1, model="gen4.5")
    assert [limit(answer, name).allowed for name in ("concurrency", "daily_generations")] == [exactly(1), exactly(50)]
    assert answer.takes_seconds == exactly(3 * DAY + 50 * 15)
    assert [(group.count, group.at.latest) for group in answer.accepted] == [
        (50, datetime.fromisoformat(f"2026-11-{23 + day}T10:00:00+01:00")) for day in range(4)
    ]
    assert answer.binding == ("daily_generations", "concurrency")
    assert answer.tier is not None
    assert (answer.tier.tier, answer.tier.date) == (1, "autumn 2026")


@pytest.mark.parametrize("model", [None, "product_ad", "not-known-yet"])
def test_a_model_of_no_known_column_gives_bounds(model: str | None) -> None:
    answer = offline(tier=1, model=model)
    assert limit(answer, "concurrency").allowed == TimeSpan(1, 2)
    assert answer.takes_seconds == TimeSpan(1500, 3 * DAY + 50 * 15)
    assert limit(answer, "daily_generations").binds is PlanVerdict.MAYBE
    assert limit(answer, "daily_generations").enough_for == TimeSpan(50, 200)


def test_generations_of_unknown_age_give_bounds() -> None:
    answer = asked(account(daily_generations={"gen4.5": 900}))
    assert answer.takes_seconds == TimeSpan(600, DAY + 100 / 5 * 15)
    assert [(group.count, group.at.earliest == NOW, group.at.latest == NOW) for group in answer.accepted] == [
        (100, True, True),
        (100, True, False),
    ]
    assert limit(answer, "daily_generations").binds is PlanVerdict.MAYBE
    assert (answer.today.accepted, answer.today.finished) == (TimeSpan(100, 200), TimeSpan(100, 200))
    assert "900 generations of the last day will leave the rolling window is not known" in answer.notes[0]


def test_a_full_limit_opens_at_the_second_that_the_ledger_knows() -> None:
    full = account(
        limits={"gen4.5": ModelLimits(concurrency=3, daily_generations=20)}, daily_generations={"gen4.5": 20}
    )
    answer = asked(with_ledger(full, *(Expiry(1, 600.5 + 60 * n, 600.5 + 60 * n) for n in range(20))), count=2)
    assert answer.takes_seconds == exactly(600 + 60 + 15)
    assert [(group.count, group.at.latest) for group in answer.accepted] == [
        (1, NOW + timedelta(seconds=600)),
        (1, NOW + timedelta(seconds=660)),
    ]
    assert limit(answer, "daily_generations").binds is PlanVerdict.YES
    assert not any("is not known: at best" in note for note in answer.notes)


def test_what_the_provider_counts_beyond_the_ledger_is_of_unknown_age() -> None:
    seen = account(
        limits={"gen4.5": ModelLimits(concurrency=3, daily_generations=20)}, daily_generations={"gen4.5": 20}
    )
    answer = asked(with_ledger(seen, Expiry(18, 601.0, 601.0), unseen=2), count=20)
    assert limit(answer, "daily_generations").used == 20
    assert answer.takes_seconds == TimeSpan(600 + 90, DAY + 15)
    assert "the 2 generations of the last day that did not pass through the monitor" in answer.notes[0]


def test_what_left_the_window_since_the_daemon_told_is_not_used() -> None:
    seen = account(
        limits={"gen4.5": ModelLimits(concurrency=3, daily_generations=20)}, daily_generations={"gen4.5": 20}
    )
    answer = asked(with_ledger(seen, Expiry(1, 0.5, 0.5), Expiry(19, 500.0, 500.0)), count=1)
    assert (limit(answer, "daily_generations").used, answer.takes_seconds) == (19, exactly(15))


EXPIRIES = st.lists(
    st.builds(
        lambda at, length, count: (at, at + length, count),
        st.integers(1, 40_000),
        st.integers(0, 40_000),
        st.integers(1, 9),
    ),
    max_size=4,
)


@settings(max_examples=50)
@given_by(
    st.integers(1, 80), st.integers(1, 9), st.integers(1, 60), EXPIRIES, st.integers(0, 9), st.integers(0, 9), st.data()
)
def test_whatever_is_not_known_the_truth_lies_within_the_bounds(
    count: int,
    concurrency: int,
    daily: int,
    groups: list[tuple[int, int, int]],
    throttled: int,
    running: int,
    data: st.DataObject,
) -> None:
    limits = ModelLimits(concurrency=concurrency, daily_generations=daily)
    ordered = sorted(groups)
    ends = [*(first for first, _, _ in ordered), 90_000][1:] if ordered else []
    expiries = [Expiry(n, first, min(last, end)) for (first, last, n), end in zip(ordered, ends, strict=True)]
    unseen = data.draw(st.lists(st.floats(0, DAY), max_size=4))
    used = sum(one.count for one in expiries) + len(unseen)
    reply = account(limits={"gen4.5": limits}, daily_generations={"gen4.5": used})
    told = with_tasks(with_ledger(reply, *expiries, unseen=len(unseen)), throttled=throttled, running=running)
    answer = asked(told, count=count, age=0.0)
    frees = [data.draw(st.floats(one.first_seconds, one.last_seconds)) for one in expiries for _ in range(one.count)]
    for ahead in (throttled, throttled + running):
        freeing = tuple(Batch(at, 1) for at in sorted(frees + unseen))
        true = BatchSchedule(count, 15.0, Room(limits, freeing, ahead)).seconds
        assert answer.takes_seconds.least <= true <= answer.takes_seconds.most


LIVE = st.builds(
    ModelLimits, concurrency=st.none() | st.integers(0, 30), daily_generations=st.none() | st.integers(0, 2_000)
)


@settings(max_examples=50)
@given_by(
    LIVE,
    st.sampled_from([1, 40, 200, 1_500]),
    st.integers(1, 5),
    EXPIRIES,
    st.integers(0, 900),
    st.none() | st.sampled_from([16, 3_600, 100_000]),
    st.none() | st.sampled_from([0.0, 1.0, 100.0]),
    st.none() | st.sampled_from([0.0, 20_000.0, 500_000.0]),
    st.none() | st.sampled_from([0.0, 15_000.0]),
)
def test_the_accounts_own_tier_says_what_the_text_says_and_a_higher_one_is_never_slower(
    live_limits: ModelLimits,
    count: int,
    tier: int,
    groups: list[tuple[int, int, int]],
    unseen: int,
    by: float | None,
    price: float | None,
    spend: float | None,
    bought: float | None,
) -> None:
    reply = account(limits={"gen4.5": live_limits}, monthly_spend_credits=spend)
    reply = with_ledger(reply, *(Expiry(n, first, first) for first, _, n in sorted(groups)), unseen=unseen)
    reply = msgspec.structs.replace(
        reply,
        tier=TierState(table=TIERS.newest.name, configured=tier),
        credits=CreditOutlook(bought_credits=bought, coverage=0.5),
    )
    deadline = None if by is None else NOW.timestamp() + by
    answer = asked(reply, count=count, by=deadline, credits_per_task=price)
    own = next(row for row in answer.tiers if row.tier == tier)
    assert (own.takes_seconds, own.done) == (answer.takes_seconds, answer.done)
    assert own.concurrency == (limit(answer, "concurrency").allowed or exactly(math.inf))
    assert own.daily_generations == (limit(answer, "daily_generations").allowed or exactly(math.inf))
    if answer.by is not None:
        assert own.makes_it is answer.by.met
    elif own.makes_it is PlanVerdict.YES:
        enough = limit(answer, "daily_generations").enough_for
        assert enough is None or enough == exactly(count)
        assert limit(answer, "monthly_spend_credits").binds is not PlanVerdict.YES
    order = (PlanVerdict.NO, PlanVerdict.MAYBE, PlanVerdict.YES).index
    for lower, higher in pairwise(answer.tiers):
        assert higher.takes_seconds.least <= lower.takes_seconds.least
        assert higher.takes_seconds.most <= lower.takes_seconds.most
        assert order(higher.makes_it) >= order(lower.makes_it)
        assert higher.monthly_spend_dollars >= lower.monthly_spend_dollars
    assert answer.lowest_tier == next((row.tier for row in answer.tiers if row.makes_it is PlanVerdict.YES), None)


def test_live_limits_below_the_table_do_not_make_a_lower_tier_look_better() -> None:
    """Tier 1 allows 50 by the table; this account, of tier 2, 20."""
    own = account(limits={"gen4.5": ModelLimits(concurrency=3, daily_generations=20)})
    answer = asked(msgspec.structs.replace(own, tier=TierState(table="any", configured=2)), count=40)
    assert [(row.daily_generations, row.makes_it) for row in answer.tiers[:3]] == [
        (exactly(20), PlanVerdict.NO),
        (exactly(20), PlanVerdict.NO),
        (exactly(1_000), PlanVerdict.YES),
    ]
    assert answer.lowest_tier == 3


def test_the_larger_of_both_counts_of_the_window_is_used() -> None:
    theirs_is_behind = with_tasks(account(daily_generations={"gen4.5": 10}), accepted_24h=40)
    assert limit(asked(theirs_is_behind), "daily_generations").used == 40
    unknown = with_tasks(account(daily_generations={}), accepted_24h=40)
    assert any("provider's count of them is not known" in note for note in asked(unknown).notes)
    assert limit(asked(unknown, used=7), "daily_generations").used == 7


def test_open_tasks_go_first() -> None:
    answer = asked(with_tasks(account(), throttled=10, running=5))
    assert answer.takes_seconds == TimeSpan(210 / 5 * 15, 215 / 5 * 15)
    assert limit(answer, "concurrency").used == 5


def test_what_takes_up_the_concurrency_is_what_the_daemon_counts() -> None:
    running = LimitReply(
        model="gen4.5",
        limit=LimitKind.CONCURRENCY,
        allowed=5,
        used=3.0,
        saturation_ratio=0.6,
        soft=0.8,
        hard=0.95,
    )
    answer = asked(msgspec.structs.replace(with_tasks(account(), pending=7), limits=(running,)))
    assert limit(answer, "concurrency").used == 3


def test_a_task_that_no_poll_has_confirmed_goes_first_and_takes_up_no_concurrency_for_sure() -> None:
    reply = with_tasks(account(), pending=7)
    unconfirmed = msgspec.structs.replace(reply.tasks[0], unconfirmed=4)
    answer = asked(msgspec.structs.replace(reply, tasks=(unconfirmed,)))
    assert limit(answer, "concurrency").used == 3
    assert answer.takes_seconds == asked(reply).takes_seconds


@pytest.mark.parametrize(
    ("by", "met", "finished"),
    [
        ("10:10:00", PlanVerdict.YES, TimeSpan(200, 200)),
        ("10:09:59", PlanVerdict.NO, TimeSpan(195, 195)),
        ("10:00:14", PlanVerdict.NO, TimeSpan(0, 0)),
    ],
)
def test_a_deadline_is_met_or_tells_how_many_are_done(by: str, met: PlanVerdict, finished: TimeSpan) -> None:
    answer = asked(account(), by=datetime.fromisoformat(f"2026-11-23T{by}+01:00").timestamp())
    assert answer.by is not None
    assert (answer.by.met, answer.by.finished) == (met, finished)


def test_a_deadline_may_be_met_where_the_window_is_not_known() -> None:
    answer = asked(account(daily_generations={"gen4.5": 900}), by=NOW.timestamp() + HOUR)
    assert answer.by is not None
    assert (answer.by.met, answer.by.finished) == (PlanVerdict.MAYBE, TimeSpan(100, 200))


def test_the_lowest_tier_that_is_done_in_time_is_named_with_what_it_takes() -> None:
    answer = offline(tier=1, model="gen4.5", by=NOW.timestamp() + 15 * 60)
    assert [tier.makes_it for tier in answer.tiers] == [PlanVerdict.NO, PlanVerdict.NO, *[PlanVerdict.YES] * 3]
    lowest = next(tier for tier in answer.tiers if tier.tier == answer.lowest_tier)
    assert (lowest.tier, lowest.purchased_dollars, lowest.wait_days) == (3, 100, 0)


def test_without_a_deadline_a_tier_would_do_that_accepts_all_at_once() -> None:
    answer = offline(tier=1, model="gen4.5", count=1_000)
    assert [tier.makes_it for tier in answer.tiers] == [PlanVerdict.NO, PlanVerdict.NO, *[PlanVerdict.YES] * 3]


def test_a_tier_that_cannot_buy_the_credits_does_not_do() -> None:
    answer = asked(account(credit_balance=0.0), credits_per_task=300.0)
    assert answer.cost.dollars == exactly(600)
    assert [tier.makes_it for tier in answer.tiers] == [PlanVerdict.NO, PlanVerdict.NO, *[PlanVerdict.YES] * 3]
    unknown_balance = offline(tier=1, model="gen4.5", credits_per_task=300.0)
    assert [tier.makes_it for tier in unknown_balance.tiers][:3] == [PlanVerdict.NO, PlanVerdict.MAYBE, PlanVerdict.YES]


def test_no_tier_is_named_where_none_would_do() -> None:
    answer = offline(tier=5, model="gen4.5", by=NOW.timestamp() + 60)
    assert answer.lowest_tier is None


@pytest.mark.parametrize(
    ("balance", "credits_per_task", "pays", "binds", "spend"),
    [
        (6_000.0, 30.0, 200, PlanVerdict.NO, PlanVerdict.NO),
        (5_999.0, 30.0, 199, PlanVerdict.YES, PlanVerdict.MAYBE),
        (-10.0, 30.0, 0, PlanVerdict.YES, PlanVerdict.MAYBE),
        (0.0, 1_001.0, 0, PlanVerdict.YES, PlanVerdict.YES),
        (0.0, 0.0, 200, PlanVerdict.NO, PlanVerdict.NO),
    ],
)
def test_missing_credits_and_what_may_be_bought_are_limits(
    balance: float, credits_per_task: float, pays: int, binds: PlanVerdict, spend: PlanVerdict
) -> None:
    answer = asked(account(credit_balance=balance), credits_per_task=credits_per_task)
    credit = limit(answer, "credit_balance")
    assert (credit.enough_for, credit.binds) == (exactly(pays), binds)
    assert limit(answer, "monthly_spend_credits").binds is spend
    if binds is PlanVerdict.YES:
        assert "credit_balance" in answer.binding[:2]


@pytest.mark.parametrize(
    ("coverage", "binds", "used"),
    [(1.0, PlanVerdict.NO, 150_000), (0.5, PlanVerdict.MAYBE, 150_000), (None, PlanVerdict.MAYBE, None)],
)
def test_purchases_that_are_known_count_against_what_may_be_bought(
    coverage: float | None, binds: PlanVerdict, used: float | None
) -> None:
    known = CreditOutlook(bought_credits=used, coverage=coverage)
    buying = msgspec.structs.replace(account(credit_balance=0.0), credits=known)
    spend = limit(asked(buying, credits_per_task=250.0), "monthly_spend_credits")
    assert (spend.binds, spend.used) == (binds, used)
    over = asked(buying, credits_per_task=251.0, by=NOW.timestamp() + DAY)
    assert over.by is not None
    assert (over.by.met is PlanVerdict.NO) is (used is not None)
    assert (limit(over, "monthly_spend_credits").binds is PlanVerdict.YES) is (used is not None)


def test_the_list_price_needs_the_length_of_the_output_not_of_the_run() -> None:
    unknown = asked(account())
    assert unknown.cost.credits is None
    assert "--output-seconds" in unknown.cost.source
    assert limit(unknown, "credit_balance").binds is PlanVerdict.UNKNOWN
    known = asked(account(), output_seconds=10.0)
    assert (known.cost.credits_per_task, known.cost.credits) == (exactly(120), exactly(24_000))
    assert (known.cost.dollars, "2026-09-19" in known.cost.source) == (exactly(240), True)
    piece = asked(account(), model="gen4_image")
    assert (piece.cost.credits, limit(piece, "credit_balance").enough_for) == (TimeSpan(1_000, 1_600), exactly(200))
    assert offline(concurrency=2, model="ruby").cost.credits is None


def test_a_limit_of_zero_is_never() -> None:
    answer = asked(account(limits={"gen4.5": ModelLimits(concurrency=1, daily_generations=0)}), by=NOW.timestamp() + 1)
    assert answer.takes_seconds == exactly(math.inf)
    assert (answer.done.earliest, answer.done.latest) == (None, None)
    assert answer.binding[0] == "daily_generations"
    assert answer.by is not None
    assert (answer.by.met, answer.by.finished) == (PlanVerdict.NO, exactly(0))
    assert msgspec.json.decode(msgspec.json.encode(answer))["takes_seconds"] == {"least": None, "most": None}


def test_unlimited_is_not_in_the_way() -> None:
    answer = asked(account(limits={"gen4.5": ModelLimits()}))
    assert (answer.takes_seconds, answer.binding) == (exactly(15), ())
    assert limit(answer, "concurrency").allowed is None


def test_the_accounts_tier_is_inferred_and_a_table_that_disagrees_is_named() -> None:
    answer = asked(account())
    assert answer.tier is not None
    assert (answer.tier.tier, answer.tier.disagreements) == (3, ())
    negotiated = account(
        limits={
            "gen4.5": ModelLimits(concurrency=9, daily_generations=1_000),
            "gen4_image": ModelLimits(concurrency=5, daily_generations=2_000),
            "gen4_image_turbo": ModelLimits(concurrency=5, daily_generations=2_001),
        }
    )
    answer = asked(negotiated)
    assert answer.takes_seconds == exactly(math.ceil(200 / 9) * 15)
    assert answer.tier is not None
    assert [(one.model, one.live, one.table) for one in answer.tier.disagreements] == [
        ("gen4.5", 9, (5,)),
        ("gen4_image_turbo", 2_001, (2_000,)),
    ]
    assert any("concurrency 9, not 5; 1 limit of other models" in note for note in answer.notes)
    nobody = asked(account(limits={"gen4.5": ModelLimits(concurrency=77, daily_generations=77)}))
    assert (nobody.tier, any("no known tier" in note for note in nobody.notes)) == (None, True)


def test_numbers_given_override_the_accounts() -> None:
    answer = asked(account(), account="production", concurrency=2, daily=10_000, used=0)
    assert answer.takes_seconds == exactly(1500)
    assert limit(answer, "daily_generations").allowed == exactly(10_000)


@pytest.mark.parametrize(
    ("accounts", "options", "message"),
    [
        ((account("a"), account("b")), {}, r"several accounts: name one with --account \(a, b\)"),
        ((account("a"),), {"account": "c"}, "no account is named 'c'; the daemon watches a"),
        ((), {}, "there is no account"),
        ((account(),), {"model": "gen9"}, "has no model 'gen9': it has gen4.5, gen4_image"),
        ((account(limits={}),), {}, "has no model 'gen4.5': the provider lists none"),
        ((account(limits={}),), {"model": None}, "the provider lists no model for account 'production'"),
        (
            (msgspec.structs.replace(account(), organization=None),),
            {},
            "limits of account 'production' are not known now",
        ),
        ((account(limits=HALF_KNOWN),), {}, "not all limits of 'gen4.5' are known now"),
        ((account(limits=HALF_KNOWN),), {"concurrency": 2}, "not all limits of 'gen4.5' are known now"),
        ((runware(),), {"model": None}, "is at runware, which has no such limits, and no model is in use"),
        ((runware(),), {}, "has no such limits, and of 'gen4.5' nothing is known: plan with --concurrency"),
    ],
)
def test_what_is_not_clear_is_one_line(
    accounts: tuple[AccountReply, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlanError, match=message) as caught:
        asked(*accounts, **options)
    assert "\n" not in str(caught.value)


def test_a_number_given_stands_for_a_limit_that_is_not_known() -> None:
    answer = asked(account(limits=HALF_KNOWN), daily=10_000)
    assert limit(answer, "daily_generations").allowed == exactly(10_000)
    assert limit(answer, "concurrency").allowed == exactly(5)


def test_the_one_account_with_such_limits_is_meant_without_a_name() -> None:
    assert asked(account("b", provider="runware"), account("a")).account == "a"


@pytest.mark.parametrize(
    ("theirs", "opened", "model", "why"),
    [
        ({"gen4.5": 0, "gen4_image": 3}, {}, "gen4_image", "3 generations in the last 24 hours, the only model in use"),
        ({"gen4.5": 2, "gen4_image": 3}, {}, "gen4_image", "3 generations in the last 24 hours, the most of 2 models"),
        ({"gen4.5": 3, "gen4_image": 3}, {}, "gen4.5", "3 generations in the last 24 hours, the most of 2 models"),
        ({"gen4.5": 2, "gen4_image": 3}, {"accepted_24h": 4}, "gen4.5", "4 generations in the last 24 hours, the most"),
        ({}, {"running": 1}, "gen4.5", "0 generations in the last 24 hours, the only model in use"),
        ({}, {}, "gen4.5", "no model is in use; of all, its limits are the tightest"),
        ({"ruby": 9}, {}, "gen4.5", "no model is in use"),
    ],
)
def test_without_a_name_the_most_used_model_is_planned_with_and_named(
    theirs: dict[str, int], opened: dict[str, int], model: str, why: str
) -> None:
    answer = asked(with_tasks(account(daily_generations=theirs), **opened), model=None)
    assert answer.model == model
    assert (answer.choice or "").startswith(why)
    console = Console(width=200, record=True, file=StringIO())
    console.print(view(answer, 200))
    assert f"{model}: {answer.choice} (--model names another)" in console.export_text()


def test_of_unused_models_one_without_room_or_with_unknown_limits_is_not_chosen() -> None:
    limits = {
        "a": ModelLimits(concurrency=1, daily_generations=0),
        "b": ModelLimits(concurrency=1, unknown=("daily_generations",)),
        "c": ModelLimits(),
        "d": ModelLimits(concurrency=2, daily_generations=100),
    }
    assert asked(account(limits=limits), model=None).model == "d"


def test_a_provider_without_limits_is_planned_with_what_the_monitor_recommends() -> None:
    capacity = [
        ModelCapacity(model=name, state=QueueState.HEALTHY, recommended_concurrency=n)
        for name, n in (("a", 2), ("b", 8))
    ]
    used = (ModelTasks(model="b", open={TaskStatus.RUNNING: 8}, accepted_24h=30), ModelTasks(model="a", open={}))
    answer = asked(runware(*capacity, tasks=used), model=None, credits_per_task=0.05)
    assert (answer.model, answer.takes_seconds) == ("b", TimeSpan(200 / 8 * 15, 208 / 8 * 15))
    assert (answer.tiers, answer.tier, answer.lowest_tier, answer.has_credits) == ((), None, None, False)
    assert [one.limit for one in answer.limits] == ["concurrency", "daily_generations", "credit_balance"]
    assert limit(answer, "credit_balance").enough_for == exactly(200)
    console = Console(width=200, record=True, file=StringIO())
    console.print(view(answer, 200))
    text = console.export_text()
    assert "8 tasks at once is what the monitor recommends for b now" in " ".join(text.split())
    assert "$10.00 ($0.05 a task; --credits-per-task)" in text
    assert "credits," not in text
    own = asked(runware(*capacity), account="runware", model=None, concurrency=2)
    assert (own.model, own.takes_seconds) == ("a", exactly(1500))


def test_a_model_outside_the_tables_has_no_tiers() -> None:
    with pytest.raises(PlanError, match="does not hold the limits of 'ruby'"):
        offline(tier=2, model="ruby")
    answer = offline(concurrency=2, model="ruby")
    assert (answer.tiers, answer.lowest_tier) == ((), None)


def test_the_document_names_every_field() -> None:
    document = (Path(__file__).parents[2] / "docs" / "reference" / "plan.md").read_text()
    structs: list[type[msgspec.Struct]] = [
        PlanAnswer,
        LimitAnswer,
        AcceptedBy,
        Today,
        By,
        Cost,
        TierAnswer,
        TierOf,
        Disagreement,
    ]
    fields = {field for struct in structs for field in struct.__struct_fields__}
    assert {field for field in fields if f"`{field}`" not in document} == set()


@pytest.mark.parametrize("width", [80, 200])
def test_the_tables_fit_a_terminal(width: int) -> None:
    console = Console(width=width, record=True, file=StringIO())
    console.print(view(offline(tier=2, model="gen4.5", used=100, by=NOW.timestamp() + HOUR), width))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    rows = [" ".join(line.split()) for line in lines]
    assert any(row.startswith("3 5 1,000 10 min") and row.endswith("yes with $100 bought") for row in rows)


def test_a_name_from_elsewhere_is_shown_as_it_is_and_commands_no_terminal() -> None:
    console = Console(width=200, record=True, file=StringIO())
    console.print(view(offline(concurrency=2, model="[/x]\x1b[2J"), 200))
    text = console.export_text()
    assert "200 tasks of 15 s on [/x]\N{REPLACEMENT CHARACTER}[2J: the limits given" in text
    assert "\x1b" not in text
