import pytest
from msgspec.structs import replace

from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.credits.outlook import AutobillingState, CreditOutlook
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.limits import LimitOutlook
from monitor.judgement.snapshot import AccountSnapshot, RecentFigures
from monitor.observations import ModelLimits, Organization
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.warnings import warnings

AT = 1_764_624_000.0  # Mon 1 Dec 2025 21:20 UTC
CALM = AccountSnapshot(account="a", provider="runway", dollars_per_credit=0.01)


def warned(**changes: object) -> list[str]:
    return list(warnings(replace(CALM, **changes), AT))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("ok", []),
        ("due", []),
        ("overdue", ["autobilling is overdue: the hourly check bought nothing"]),
        ("clipped", ["autobilling is clipped: the purchase limit leaves too little"]),
        ("stopped", ["autobilling is stopped: has failed for three days: buy credits by hand"]),
    ],
)
def test_autobilling_that_does_not_work_is_a_warning(state: str, told: list[str]) -> None:
    assert warned(credits=CreditOutlook(autobilling=AutobillingState(state))) == told


@pytest.mark.parametrize(
    ("used", "throttled_seconds", "balance", "told"),
    [
        (79, 299.0, 1.0, []),
        (80, 299.0, None, ["m: daily generations at 80 %: 80 of 100"]),
        (0, 300.0, 0.0, ["no credits are left: generations are refused", "m: 1 throttled, for up to 5 min"]),
    ],
)
def test_warnings_begin_at_their_thresholds(
    used: int, throttled_seconds: float, balance: float | None, told: list[str]
) -> None:
    organization = Organization(
        credit_balance=balance,
        limits={"m": ModelLimits(concurrency=1, daily_generations=100)},
        daily_generations={"m": used},
    )
    tasks = ModelTasks(model="m", open={"throttled": 1}, throttled_oldest_age_seconds=throttled_seconds)
    assert warned(organization=organization, tasks=(tasks,)) == told


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (ReadState(read="usage", up=False), []),
        (ReadState(read="usage", up=True, age_seconds=1.0, outcome="success"), []),
        (
            ReadState(read="usage", up=False, outcome="unauthorized"),
            ["the read of usage: has not worked yet (unauthorized)"],
        ),
        (
            ReadState(read="usage", up=False, age_seconds=65.0, outcome="timeout"),
            ["the read of usage: failing (timeout), last worked 1 min 5 s ago"],
        ),
    ],
)
def test_a_read_that_was_not_tried_yet_has_not_failed(read: ReadState, told: list[str]) -> None:
    assert warned(reads=(read,)) == told


def test_a_full_daily_limit_says_when_it_has_room() -> None:
    full = DailyOutlook(model="m", limit=20, outlook=LimitOutlook.FULL, free_seconds=84_840.0)
    told = "m: the daily limit is full; the first slot frees in 23 h 34 min (Tue 20:54 UTC)"
    assert warned(daily=(full,)) == [told]
    assert warned(daily=(replace(full, limit=0, free_seconds=None),)) == []


def test_a_full_limit_of_purchases_says_when_something_can_be_bought_again() -> None:
    full = CreditOutlook(spend_outlook=LimitOutlook.FULL, spend_free_seconds=90_000.0)
    told = "the purchase limit is full; the first purchase leaves the 30 days in 1 d 1 h (Tue 22:20 UTC)"
    assert warned(credits=full) == [told]


def test_a_limit_of_zero_is_no_warning() -> None:
    organization = Organization(limits={"m": ModelLimits(daily_generations=0)}, daily_generations={"m": 3})
    assert warned(organization=organization) == []


def test_the_limit_that_is_closest_is_told_first_then_the_next_to_be_hit() -> None:
    limits = {name: ModelLimits(concurrency=1, daily_generations=10) for name in ("far", "near", "full")}
    organization = Organization(limits=limits, daily_generations={"far": 1, "near": 8, "full": 10})
    tasks = ModelTasks(model="near", open={"running": 1}, accepted_24h=8)
    assert warned(
        organization=organization,
        tasks=(tasks,),
        daily=(DailyOutlook(model="near", outlook=LimitOutlook.EXPECTED, exhaustion_seconds=90.0),),
    ) == [
        "full: daily generations at 100 %: 10 of 10",
        "near: daily generations at 80 %: 8 of 10",
        "near: the daily limit will be reached in about 1 min 30 s",
    ]


def test_a_strained_queue_comes_with_what_to_run_at_most_the_worst_first() -> None:
    states = {"m1": QueueState.HEALTHY, "m2": QueueState.APPROACHING, "m3": QueueState.SATURATED, "m4": None}
    capacity = tuple(
        ModelCapacity(model=name, state=state, recommended_concurrency=4) for name, state in states.items()
    )
    assert warned(capacity=capacity) == [
        "m3: saturated; keep at most 4 tasks open",
        "m2: approaching saturation; keep at most 4 tasks open",
    ]


@pytest.mark.parametrize(
    ("orphaned", "told"),
    [
        ({"m": 0}, []),
        ({"m": 1}, ["1 task orphaned, its client stopped polling: m 1"]),
        ({"m": 1, "calm": 0, "n": 2}, ["3 tasks orphaned, their client stopped polling: n 2, m 1"]),
    ],
)
def test_orphaned_tasks_are_one_warning_however_many_models_they_are_of(
    orphaned: dict[str, int], told: list[str]
) -> None:
    tasks = tuple(ModelTasks(model=model, open={}, orphaned=count) for model, count in orphaned.items())
    assert warned(tasks=tasks) == told


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({"success": 100}, []),
        ({"overloaded": 4}, []),
        ({"success": 96, "overloaded": 5}, []),
        ({"success": 95, "overloaded": 5}, ["create: 100 requests in the last 5 min, 5.0 % failed: overloaded 5"]),
        ({"client_gone": 50, "benign_not_found": 50}, []),
        (
            {"rate_limited": 3, "overloaded": 84, "success": 33},
            ["create: 120 requests in the last 5 min, 72.5 % failed: overloaded 84, rate limited 3"],
        ),
    ],
)
def test_requests_that_fail_lately_are_a_warning_with_their_causes(outcomes: dict[str, int], told: list[str]) -> None:
    assert warned(recent=RecentFigures(requests={"poll": {"success": 1000}, "create": outcomes})) == told
