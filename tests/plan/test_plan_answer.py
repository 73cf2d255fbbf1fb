from __future__ import annotations

import math
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st
from rich.console import Console

from monitor.model import ModelLimits, Organization, TaskStatus
from monitor.plan.answer import (
    Accepted,
    Answer,
    By,
    Cost,
    Disagreement,
    LimitAnswer,
    Span,
    TierAnswer,
    TierOf,
    Today,
    Verdict,
)
from monitor.plan.reckon import reckon
from monitor.plan.request import PlanError, Request
from monitor.plan.standing import given, live
from monitor.plan.view import view
from monitor.providers.runway.tiers import TIERS
from monitor.state.plan import Batch, Room, Schedule
from monitor.state.snapshot import ModelTasks
from monitor.state.tier import TierState
from monitor.status.daemon import AccountReply, Reply

NOW = datetime.fromisoformat("2026-11-23T10:00:00+01:00")
HOUR = 3600.0
DAY = 24 * HOUR
TIER_3_SPEND = 200_000
HALF_KNOWN = {"gen4.5": ModelLimits(concurrency=5, unknown=("daily_generations",))}


def offline(**options: Any) -> Answer:
    request = Request(**{"count": 200, "seconds": 15.0, **options})
    return reckon(request, given(request), NOW.timestamp())


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


def asked(*accounts: AccountReply, **options: Any) -> Answer:
    request = Request(**{"count": 200, "seconds": 15.0, "model": "gen4.5", **options})
    reply = Reply(at=NOW.timestamp(), age_seconds=1.0, accounts=accounts)
    return reckon(request, live(reply, request), NOW.timestamp())


def limit(answer: Answer, name: str) -> LimitAnswer:
    return next(one for one in answer.limits if one.limit == name)


def exactly(value: float) -> Span:
    return Span(value, value)


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
    assert limit(answer, "concurrency").allowed == Span(1, 2)
    assert answer.takes_seconds == Span(1500, 3 * DAY + 50 * 15)
    assert limit(answer, "daily_generations").binds is Verdict.MAYBE
    assert limit(answer, "daily_generations").enough_for == Span(50, 200)


def test_generations_of_unknown_age_give_bounds() -> None:
    answer = asked(account(daily_generations={"gen4.5": 900}))
    assert answer.takes_seconds == Span(600, DAY + 100 / 5 * 15)
    assert [(group.count, group.at.earliest == NOW, group.at.latest == NOW) for group in answer.accepted] == [
        (100, True, True),
        (100, True, False),
    ]
    assert limit(answer, "daily_generations").binds is Verdict.MAYBE
    assert (answer.today.accepted, answer.today.finished) == (Span(100, 200), Span(100, 200))
    assert "is not known" in answer.notes[0]


@given_by(
    st.integers(1, 80),
    st.integers(1, 9),
    st.integers(1, 60),
    st.lists(st.builds(Batch, at=st.floats(0, DAY), count=st.integers(1, 9)), max_size=4),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_whatever_is_not_known_the_truth_lies_within_the_bounds(
    count: int, concurrency: int, daily: int, window: list[Batch], throttled: int, running: int
) -> None:
    limits = ModelLimits(concurrency=concurrency, daily_generations=daily)
    used = sum(batch.count for batch in window)
    reply = account(limits={"gen4.5": limits}, daily_generations={"gen4.5": used})
    answer = asked(with_tasks(reply, throttled=throttled, running=running), count=count)
    for ahead in (throttled, throttled + running):
        freeing = tuple(sorted(window, key=lambda batch: batch.at))
        true = Schedule(count, 15.0, Room(limits, freeing, ahead)).seconds
        assert answer.takes_seconds.least <= true <= answer.takes_seconds.most


def test_the_larger_of_both_counts_of_the_window_is_used() -> None:
    theirs_is_behind = with_tasks(account(daily_generations={"gen4.5": 10}), accepted_24h=40)
    assert limit(asked(theirs_is_behind), "daily_generations").used == 40
    unknown = with_tasks(account(daily_generations={}), accepted_24h=40)
    assert any("provider's count of them is not known" in note for note in asked(unknown).notes)
    assert limit(asked(unknown, used=7), "daily_generations").used == 7


def test_open_tasks_go_first() -> None:
    answer = asked(with_tasks(account(), throttled=10, running=5))
    assert answer.takes_seconds == Span(210 / 5 * 15, 215 / 5 * 15)
    assert limit(answer, "concurrency").used == 15


@pytest.mark.parametrize(
    ("by", "met", "finished"),
    [
        ("10:10:00", Verdict.YES, Span(200, 200)),
        ("10:09:59", Verdict.NO, Span(195, 195)),
        ("10:00:14", Verdict.NO, Span(0, 0)),
    ],
)
def test_a_deadline_is_met_or_tells_how_many_are_done(by: str, met: Verdict, finished: Span) -> None:
    answer = asked(account(), by=datetime.fromisoformat(f"2026-11-23T{by}+01:00").timestamp())
    assert answer.by is not None
    assert (answer.by.met, answer.by.finished) == (met, finished)


def test_a_deadline_may_be_met_where_the_window_is_not_known() -> None:
    answer = asked(account(daily_generations={"gen4.5": 900}), by=NOW.timestamp() + HOUR)
    assert answer.by is not None
    assert (answer.by.met, answer.by.finished) == (Verdict.MAYBE, Span(100, 200))


def test_the_lowest_tier_that_is_done_in_time_is_named_with_what_it_takes() -> None:
    answer = offline(tier=1, model="gen4.5", by=NOW.timestamp() + 15 * 60)
    assert [tier.makes_it for tier in answer.tiers] == [Verdict.NO, Verdict.NO, *[Verdict.YES] * 3]
    lowest = next(tier for tier in answer.tiers if tier.tier == answer.lowest_tier)
    assert (lowest.tier, lowest.purchased_dollars, lowest.wait_days) == (3, 100, 0)


def test_without_a_deadline_a_tier_would_do_that_accepts_all_at_once() -> None:
    answer = offline(tier=1, model="gen4.5", count=1_000)
    assert [tier.makes_it for tier in answer.tiers] == [Verdict.NO, Verdict.NO, *[Verdict.YES] * 3]


def test_a_tier_that_cannot_buy_the_credits_does_not_do() -> None:
    answer = asked(account(credit_balance=0.0), credits_per_task=300.0)
    assert answer.cost.dollars == exactly(600)
    assert [tier.makes_it for tier in answer.tiers] == [Verdict.NO, Verdict.NO, *[Verdict.YES] * 3]
    unknown_balance = offline(tier=1, model="gen4.5", credits_per_task=300.0)
    assert [tier.makes_it for tier in unknown_balance.tiers][:3] == [Verdict.NO, Verdict.MAYBE, Verdict.YES]


def test_no_tier_is_named_where_none_would_do() -> None:
    answer = offline(tier=5, model="gen4.5", by=NOW.timestamp() + 60)
    assert answer.lowest_tier is None


@pytest.mark.parametrize(
    ("balance", "credits_per_task", "pays", "binds", "spend"),
    [
        (6_000.0, 30.0, 200, Verdict.NO, Verdict.NO),
        (5_999.0, 30.0, 199, Verdict.YES, Verdict.MAYBE),
        (-10.0, 30.0, 0, Verdict.YES, Verdict.MAYBE),
        (0.0, 1_001.0, 0, Verdict.YES, Verdict.YES),
        (0.0, 0.0, 200, Verdict.NO, Verdict.NO),
    ],
)
def test_missing_credits_and_what_may_be_bought_are_limits(
    balance: float, credits_per_task: float, pays: int, binds: Verdict, spend: Verdict
) -> None:
    answer = asked(account(credit_balance=balance), credits_per_task=credits_per_task)
    credit = limit(answer, "credit_balance")
    assert (credit.enough_for, credit.binds) == (exactly(pays), binds)
    assert limit(answer, "monthly_spend_credits").binds is spend
    if binds is Verdict.YES:
        assert "credit_balance" in answer.binding[:2]


def test_the_list_price_needs_the_length_of_the_output_not_of_the_run() -> None:
    unknown = asked(account())
    assert unknown.cost.credits is None
    assert "--output-seconds" in unknown.cost.source
    assert limit(unknown, "credit_balance").binds is Verdict.UNKNOWN
    known = asked(account(), output_seconds=10.0)
    assert (known.cost.credits_per_task, known.cost.credits) == (exactly(120), exactly(24_000))
    assert (known.cost.dollars, "2026-09-19" in known.cost.source) == (exactly(240), True)
    piece = asked(account(), model="gen4_image")
    assert (piece.cost.credits, limit(piece, "credit_balance").enough_for) == (Span(1_000, 1_600), exactly(200))
    assert offline(concurrency=2, model="ruby").cost.credits is None


def test_a_limit_of_zero_is_never() -> None:
    answer = asked(account(limits={"gen4.5": ModelLimits(concurrency=1, daily_generations=0)}), by=NOW.timestamp() + 1)
    assert answer.takes_seconds == exactly(math.inf)
    assert (answer.done.earliest, answer.done.latest) == (None, None)
    assert answer.binding[0] == "daily_generations"
    assert answer.by is not None
    assert (answer.by.met, answer.by.finished) == (Verdict.NO, exactly(0))
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
        ((account(),), {"model": None}, r"name one with --model \(gen4.5, gen4_image\)"),
        (
            (msgspec.structs.replace(account(), organization=None),),
            {},
            "limits of account 'production' are not known now",
        ),
        ((account(limits=HALF_KNOWN),), {}, "not all limits of 'gen4.5' are known now"),
        ((account(limits=HALF_KNOWN),), {"concurrency": 2}, "not all limits of 'gen4.5' are known now"),
        ((account(provider="runware"),), {}, "'production' is at runware"),
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


def test_the_one_model_in_use_is_meant_without_a_name() -> None:
    answer = asked(account(daily_generations={"gen4.5": 0, "gen4_image": 3}), model=None)
    assert answer.model == "gen4_image"


def test_a_model_outside_the_tables_has_no_tiers() -> None:
    with pytest.raises(PlanError, match="does not hold the limits of 'ruby'"):
        offline(tier=2, model="ruby")
    answer = offline(concurrency=2, model="ruby")
    assert (answer.tiers, answer.lowest_tier) == ((), None)


def test_the_document_names_every_field() -> None:
    document = (Path(__file__).parents[2] / "docs" / "plan.md").read_text()
    structs: list[type[msgspec.Struct]] = [
        Answer,
        LimitAnswer,
        Accepted,
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
