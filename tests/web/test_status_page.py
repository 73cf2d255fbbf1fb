import re
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from listeners import Daemon
from msgspec.structs import replace

from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.credits.outlook import AutobillingState, CreditOutlook
from monitor.judgement.daily_limit.reconcile import Reconciled, Unseen
from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.judgement.tiers.outlook import TierState
from monitor.observations import DaySpend, ModelLimits, Organization, SpendTotal, TaskStatus, Usage
from monitor.tasks.counters import CounterSpec, Series
from monitor.tasks.open_tasks import ModelTasks
from monitor.views import formatting as wording
from monitor.web.view import account_view


class Words(HTMLParser):
    """The text of a page, and the tags that made it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


async def page(client: TestClient) -> Words:
    answer = await client.get("/", headers={"Accept-Encoding": "identity"})
    assert answer.status == 200
    return Words(await answer.text())


def account(**changes: object) -> AccountSnapshot:
    return replace(AccountSnapshot(account="a", provider="runway", dollars_per_credit=0.01), **changes)


async def test_the_page_tells_an_accounts_figures(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    shown = (await page(client)).text
    for figure in (
        "production runway",
        "Account reads organization 12 s ago",
        "usage failing (overloaded), last worked 10 min 40 s ago",
        "Balance $182.40 18,240 credits, as of 14:25 UTC",
        "Spent today $11.60 $46.47 in 30 days, as of 14:19 UTC; $15.20 left the balance today; the",
        "Throttled tasks 200 oldest 21 min 24 s, queue clears in at least 24 min 45 s",
        "Running tasks 6 1 pending",
        "Orphaned tasks 3",
        "Burn in the last 25 min $15.20 no older history yet",
        "Credit runway 5 h at $36.48 an hour, if nothing is bought",
        "Autobilling due the balance is below its threshold",
        "Bought in 30 days $50.00 of $100.00, as far as known: 50 % of the 30 days",
        "418 of 500 412 seen here 59 min",
        "Usage tier 2 tier 3 would have been enough for the last 7 days; 1 limit differs from the newest table",
        "Unseen generations 1.2 % possibly none",
        "2 more models have limits but no use",
        "rate limited 18, insufficient credits 4, timeout 2, invalid request 1",
        "moderation input 7, internal 3",
    ):
        assert figure in shown


async def test_the_last_five_minutes_stand_beside_what_was_ever_counted(
    client: TestClient, daemon: Daemon, snapshot: Snapshot
) -> None:
    daemon.snapshot = Snapshot(at=snapshot.at, accounts=snapshot.accounts[:1])
    shown = await page(client)
    assert "create 532 25 4.7 % 10, 3 failed (30.0 %) rate limited 18" in shown.text
    assert "poll 12,871 31 0.2 % 118 overloaded" in shown.text
    assert "delete 9 0 0 % 0 none" in shown.text
    assert ("td", {"class": "lately warn", "data-label": "Last 5 min"}) in shown.tags
    assert re.search(r"gen4.5 [\d,]+ \d+ \d+ \d+ 41 s", shown.text)


async def test_what_is_unknown_is_called_unknown(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = Snapshot(at=snapshot.at, accounts=snapshot.accounts[1:2])
    shown = (await page(client)).text
    assert "Account reads organization has not worked yet (unauthorized) usage not read yet" in shown
    assert "Balance unknown" in shown
    assert "Spent today unknown" in shown
    assert "$" not in shown


async def test_nothing_spent_without_a_model_is_no_row(client: TestClient, daemon: Daemon) -> None:
    usage = Usage(totals=(SpendTotal(model="", window="today", credits=0.0),))
    daemon.snapshot = Snapshot(at=1.0, accounts=(account(usage=usage),))
    shown = (await page(client)).text
    assert "Spent today $0.00" in shown
    assert "no model" not in shown


async def test_an_account_without_credits_has_its_balance_in_dollars_alone(
    client: TestClient, daemon: Daemon, snapshot: Snapshot
) -> None:
    daemon.snapshot = Snapshot(at=snapshot.at, accounts=snapshot.accounts[2:])
    shown = (await page(client)).text
    assert "Balance $2,450.75" in shown
    assert "credits" not in shown


async def test_models_without_limits_show_their_capacity(
    client: TestClient, daemon: Daemon, snapshot: Snapshot
) -> None:
    daemon.snapshot = Snapshot(at=snapshot.at, accounts=snapshot.accounts[2:])
    shown = await page(client)
    assert "Capacity approaching google:3@1" in shown.text
    assert (
        "Model Capacity Recommended parallel tasks Task time Usual time Rejected (no capacity) Pending Running"
        in shown.text
    )
    assert "google:3@1 approaching 3 2 min 31 s 1 min 2 s 1.5 %" in shown.text
    assert ("span", {"class": "warn"}) in shown.tags
    assert "Throttled" not in shown.text
    assert "Concurrency" not in shown.text


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ((None, None), ("unknown", "not enough data", "")),
        ((None, QueueState.HEALTHY), ("healthy", "every model that is in use", "good")),
        ((QueueState.HEALTHY, QueueState.SATURATED, QueueState.APPROACHING), ("saturated", "m1", "bad")),
        (
            (QueueState.APPROACHING, QueueState.APPROACHING, QueueState.APPROACHING),
            ("approaching", "m0 and 2 more", "warn"),
        ),
    ],
)
def test_the_worst_capacity_is_told_first(states: tuple[QueueState | None, ...], told: tuple[str, str, str]) -> None:
    models = tuple(
        ModelCapacity(model=f"m{number}", state=state, recommended_concurrency=4) for number, state in enumerate(states)
    )
    (tile,) = [
        tile for tile in account_view(account(capacity=models, has_limits=False), 0).tiles if tile.title == "Capacity"
    ]
    assert (tile.value, tile.note, tile.level) == told


def test_models_come_by_the_longest_wait_then_the_fullest_daily_limit_then_their_name() -> None:
    waiting = (
        ModelTasks(model="throttled just now", open={TaskStatus.THROTTLED: 9}),
        ModelTasks(model="waits long", open={TaskStatus.THROTTLED: 1}, throttled_oldest_age_seconds=600),
        ModelTasks(model="waits", open={TaskStatus.THROTTLED: 9}, throttled_oldest_age_seconds=60),
        ModelTasks(model="at work", open={TaskStatus.RUNNING: 5}),
        ModelTasks(model="at rest", open={}),
    )
    organization = Organization(
        limits={
            "half full": ModelLimits(daily_generations=100),
            "nearly full": ModelLimits(daily_generations=1_000),
            "at work": ModelLimits(concurrency=5),
        },
        daily_generations={"half full": 50, "nearly full": 900},
    )
    view = account_view(account(tasks=waiting, organization=organization), 0)
    ranked = ["waits long", "waits", "throttled just now", "nearly full", "half full", "at rest", "at work"]
    assert [model.model for model in view.models] == ranked


def test_models_without_limits_come_by_the_state_of_their_queues_the_worst_first() -> None:
    states = (None, QueueState.HEALTHY, QueueState.APPROACHING, QueueState.SATURATED)
    capacity = tuple(
        ModelCapacity(model=f"m{n}", state=state, recommended_concurrency=4) for n, state in enumerate(states)
    )
    told = account(capacity=capacity, tasks=(ModelTasks(model="m0", open={}),))
    assert [model.model for model in account_view(told, 0).models] == ["m3", "m2", "m0", "m1"]


def test_the_model_with_most_failures_leads_the_ended_tasks() -> None:
    ends = (("c", "failed", 2), ("b", "succeeded", 90), ("d", "failed", 10), ("a", "failed", 2), ("b", "lost", 30))
    series = tuple(
        Series(CounterSpec.TASKS_FINISHED, (model, end, "internal" if end == "failed" else ""), count)
        for model, end, count in ends
    )
    assert [row.name for row in account_view(account(series=series), 0).ended] == ["d", "a", "c", "b"]


def test_unseen_generations_are_told_of_the_model_that_has_most_for_sure() -> None:
    reconciled = (
        Reconciled(model="gen4_image", generations=3, drift=3, unseen=Unseen(0.43, 1.0, 1.0)),
        Reconciled(model="gen4.5", generations=400, drift=100, unseen=Unseen(0.21, 0.25, 0.3)),
        Reconciled(model="veo3.1", generations=0, drift=-1),
    )
    (tile,) = [tile for tile in account_view(account(reconciled=reconciled), 0).tiles if "Unseen" in tile.title]
    assert (tile.value, tile.note, tile.level) == ("25.0 %", "21.0 % to 30.0 % of gen4.5", "warn")


@pytest.mark.parametrize(
    ("tier", "told"),
    [
        (TierState(table="t", mismatches=()), ("unknown", "", "")),
        (TierState(table="t", inferred=4, mismatches=()), ("4", "", "")),
        (TierState(table="t", configured=3, inferred=4), ("3", "", "")),
    ],
)
def test_the_usage_tier_is_told(tier: TierState, told: tuple[str, str, str]) -> None:
    (tile,) = [tile for tile in account_view(account(tier=tier), 0).tiles if tile.title == "Usage tier"]
    assert (tile.value, tile.note, tile.level) == told


async def test_the_warnings_stand_first_in_the_words_of_the_api(
    client: TestClient, daemon: Daemon, snapshot: Snapshot
) -> None:
    daemon.snapshot = snapshot
    told = (await (await client.get("/api/v1/accounts")).json())["accounts"]
    shown = await page(client)
    lists = " ".join(" ".join((account["account"], *account["warnings"])) for account in told)
    assert told[0]["warnings"][3] == "gen4.5: daily generations at 83 %: 418 of 500"
    assert f"Updated 0 s ago (2026-11-22 14:30:00 UTC) Warnings {lists} production runway " in shown.text
    heading, *names = (tag for tag, attributes in shown.tags if tag in {"h2", "h3"})
    assert (heading, names[:4]) == ("h2", ["h3", "h3", "h3", "h2"])
    assert ("section", {"class": "warnings", "aria-labelledby": "warnings"}) in shown.tags


async def test_accounts_without_warnings_have_no_list_of_them(client: TestClient, daemon: Daemon) -> None:
    daemon.snapshot = Snapshot(at=1.0, accounts=(account(),))
    assert "Warnings" not in (await page(client)).text


@pytest.mark.parametrize(
    ("read", "level"),
    [
        (ReadState(read="usage", up=True, age_seconds=1.0, outcome="success"), "good"),
        (ReadState(read="usage", up=False, age_seconds=1.0, outcome="timeout"), "bad"),
        (ReadState(read="usage", up=False, outcome="timeout"), "bad"),
        (ReadState(read="usage", up=False), "soft"),
    ],
)
def test_a_read_is_red_only_once_it_has_failed(read: ReadState, level: str) -> None:
    assert [tile.level for tile in account_view(account(reads=(read,)), 0).reads] == [level]


async def test_a_name_from_elsewhere_cannot_turn_the_text_around_it(client: TestClient, daemon: Daemon) -> None:
    hostile = "\u202e<li>\x07"
    odd = account(account=hostile, tasks=(ModelTasks(model=hostile, open={}, orphaned=1),))
    daemon.snapshot = Snapshot(at=1.0, accounts=(odd,))
    shown = await page(client)
    assert shown.text.count("\ufffd<li>\ufffd") == 4  # in the warnings and of the account, of the model in either
    assert "1 task orphaned, its client stopped polling: \ufffd<li>\ufffd 1" in shown.text
    assert not set(shown.text) & set(hostile) - set("<li>")


async def test_a_hostile_name_stays_text(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    shown = await page(client)
    assert "<b>x</b>" in shown.text
    assert "b" not in {tag for tag, _ in shown.tags}


async def test_the_page_asks_for_nothing_else(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    shown = await page(client)
    assert {tag for tag, _ in shown.tags}.isdisjoint({"script", "link", "img", "iframe", "form"})
    assert {attributes["href"] for _, attributes in shown.tags if "href" in attributes} == {
        "/metrics",
        "/api/v1/accounts",
        "/api/v1/accounts/production",
    }
    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in shown.tags


async def test_the_page_says_why_the_daemon_is_not_ready(client: TestClient, daemon: Daemon) -> None:
    daemon.reasons = ["the store does not accept writes: disk <full>"]
    shown = (await page(client)).text
    assert "Not ready the store does not accept writes: disk <full>" in shown
    assert "No figures yet: the first evaluation has not finished." in shown
    daemon.reasons = []
    assert "Not ready" not in (await page(client)).text


async def test_old_figures_are_marked(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    assert next(attributes for tag, attributes in (await page(client)).tags if tag == "span") == {"class": "soft"}
    daemon.clock.advance(90)
    shown = await page(client)
    assert "Updated 1 min 30 s ago (2026-11-22 14:30:00 UTC)" in shown.text
    assert next(attributes for tag, attributes in shown.tags if tag == "span") == {"class": "bad"}


def test_an_unlimited_model_is_not_an_unknown_one(snapshot: Snapshot) -> None:
    tasks = tuple(ModelTasks(model=model, open={TaskStatus.RUNNING: 1}) for model in ("gen4_turbo", "unheard_of"))
    view = account_view(replace(snapshot.accounts[0], tasks=tasks), snapshot.at)
    bars = {model.model: (model.concurrency.text, model.daily.text) for model in view.models}
    assert bars["gen4_turbo"] == ("1, unlimited", "unlimited")
    assert bars["unheard_of"] == ("unknown", "unknown")


def test_use_of_an_unlimited_model_is_told() -> None:
    told = Organization(limits={"a": ModelLimits()}, daily_generations={"a": 12})
    [model] = account_view(account(organization=told), 0.0).models
    assert (model.model, model.concurrency.text, model.daily.text) == ("a", "unlimited", "12, unlimited")


def test_a_provider_without_limits_has_no_table_of_limits_before_anything_is_judged() -> None:
    view = account_view(account(has_limits=False, tasks=(ModelTasks(model="a", open={}, accepted_24h=1),)), 0.0)
    assert "Capacity" in {tile.title for tile in view.tiles}
    assert not view.has_limits


def test_tasks_that_no_poll_has_confirmed_stand_apart_from_the_use_of_the_limit() -> None:
    tasks = ModelTasks(model="m", open={TaskStatus.PENDING: 6, TaskStatus.RUNNING: 1}, unconfirmed=4)
    told = Organization(limits={"m": ModelLimits(concurrency=3)})
    view = account_view(account(tasks=(tasks,), organization=told), 0)

    (model,) = view.models
    assert (model.concurrency.text, model.concurrency.note) == ("3 of 3", "4 more unconfirmed")
    assert model.concurrency.percent == 100
    (tile,) = [tile for tile in view.tiles if tile.title == "Running tasks"]
    assert tile.note == "6 pending, 4 unconfirmed"


@pytest.mark.parametrize(
    ("drains", "note"),
    [
        ((60.0, 30.0), "oldest 40 s, queue clears in about 1 min"),
        ((60.0, None), "oldest 40 s, queue clears in at least 1 min"),
        ((None, None), "oldest 40 s, time to clear unknown"),
    ],
)
def test_the_wait_of_the_throttled_is_told_as_far_as_known(drains: tuple[float | None, ...], note: str) -> None:
    tasks = tuple(
        ModelTasks(
            model=f"m{number}",
            open={TaskStatus.THROTTLED: 1},
            throttled_oldest_age_seconds=40 - number,
            throttled_drain_seconds=drain,
        )
        for number, drain in enumerate(drains)
    )
    tiles = {tile.title: tile for tile in account_view(account(tasks=tasks), 0).tiles}
    assert (tiles["Throttled tasks"].value, tiles["Throttled tasks"].note) == ("2", note)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (59.6, "1 min"),
        (245, "4 min 5 s"),
        (3600, "1 h"),
        (4800, "1 h 20 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_read_well(seconds: float | None, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "unknown"), (0, "$0.00"), (-0.001, "$0.00"), (-1.2, "-$1.20"), (1234.5, "$1,234.50")]
)
def test_money_reads_well(value: float | None, text: str) -> None:
    assert wording.dollars(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "0 %"), (0, 9, "0 %"), (1, 100_000, "< 0.1 %"), (1, 8, "12.5 %"), (3, 3, "100.0 %")],
)
def test_only_nothing_is_no_share(part: int, whole: int, text: str) -> None:
    assert wording.share(part, whole) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 tasks"), (1, "1 task"), (2, "2 tasks"), (1_200, "1,200 tasks"), (1.0, "1 task")]
)
def test_one_is_not_a_plural(count: float, text: str) -> None:
    assert wording.counted(count, "task") == text
    assert wording.counted(count, "retry", "retries") == text.replace("tasks", "retries").replace("task", "retry")


def test_money_that_is_not_known_yet_says_so() -> None:
    """A start, then right after midnight, then a balance that has been read once."""
    reads = (ReadState(read="organization", up=False), ReadState(read="usage", up=False))
    starting = {tile.title: tile.value for tile in account_view(account(reads=reads), 0.0).tiles}
    assert (starting["Balance"], starting["Spent today"]) == ("not read yet", "not read yet")

    told = account(
        organization=Organization(credit_balance=1_000),
        usage=Usage(days=(DaySpend(date="1970-01-01", model="a", credits=40),)),
        usage_at=86_280.0,
        credits=CreditOutlook(coverage=0.0),
    )
    tiles = {tile.title: tile for tile in account_view(told, 86_460.0).tiles}
    assert tiles["Spent today"].value == "not read yet today"
    assert "as of 1 Jan 23:58 UTC" in tiles["Spent today"].note
    assert (tiles["Burn"].value, tiles["Credit runway"].value) == ("not known yet", "too early")


@pytest.mark.parametrize(
    ("credits_", "shown"),
    [
        ({"runway_seconds": 86_400.0}, {"Credit runway": ("1 d", "")}),
        ({"runway_seconds": 86_399.0}, {"Credit runway": ("23 h 59 min", "warn")}),
        ({"runway_seconds": 14_399.0}, {"Credit runway": ("3 h 59 min", "bad")}),
        ({"runway_seconds": 0.0}, {"Credit runway": ("none left", "bad")}),
        ({"runway_seconds": None}, {"Credit runway": ("too early", "")}),  # burnt, but for how long is not known yet
        ({"autobilling": AutobillingState.OK}, {"Autobilling": ("ok", "good")}),
        ({"autobilling": AutobillingState.CLIPPED}, {"Autobilling": ("clipped", "warn")}),
        ({"autobilling": AutobillingState.STOPPED}, {"Autobilling": ("stopped", "bad")}),
        ({"bought_credits": 8_500.0, "coverage": 1.0}, {"Bought in 30 days": ("$85.00", "warn")}),
        ({"bought_credits": None, "coverage": 0.1}, {"Purchase limit": ("$100.00", "")}),
    ],
)
def test_credits_are_coloured_by_what_they_call_for(
    credits_: dict[str, Any], shown: dict[str, tuple[str, str]]
) -> None:
    outlook = CreditOutlook(**{"burn": {"1h": 60.0, "24h": 60.0}, **credits_})
    told = account(credits=outlook, organization=Organization(credit_balance=1, monthly_spend_credits=10_000))
    tiles = {tile.title: (tile.value, tile.level) for tile in account_view(told, 0.0).tiles}
    assert shown.items() <= tiles.items()
