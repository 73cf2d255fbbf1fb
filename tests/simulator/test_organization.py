from __future__ import annotations

import random

import pytest

from monitor.simulator.runway.catalog import MODELS, TIERS, estimate
from monitor.simulator.runway.errors import NO_CODE, Refusal
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.ledger import utc_day
from monitor.simulator.runway.platform.tasks import Status, Task
from monitor.simulator.runway.settings import Autobilling, Settings

START = 1_750_000_000.0
MODEL = "gen4.5"
HOUR, DAY = 3_600.0, 86_400.0


def change(organization: Organization, now: float = START, **changes: object) -> None:
    organization.change(organization.settings.changed(changes), now)


def submit(organization: Organization, now: float = START, credits_: int = 60) -> Task:
    organization.advance(now)
    return organization.submit(MODEL, MODEL, "/v1/text_to_video", credits_, now)


def test_a_task_is_pending_then_running_then_succeeded(organization: Organization) -> None:
    task = submit(organization)
    seen = []
    for seconds in (0, 0.9, 1, 8.5, 15.9, 16):
        organization.advance(START + seconds)
        seen.append((task.status.value, task.progress(START + seconds)))
    assert seen == [
        ("PENDING", 0.0),
        ("PENDING", 0.0),
        ("RUNNING", 0.0),
        ("RUNNING", 0.5),
        ("RUNNING", 0.99),
        ("SUCCEEDED", 0.99),
    ]
    assert (task.queued_at, task.started_at, task.finished_at) == (START, START + 1, START + 16)


def test_beyond_the_limit_tasks_are_throttled_and_start_in_submit_order(organization: Organization) -> None:
    change(organization, limits={MODEL: {"concurrency": 2}})
    tasks = [submit(organization) for _ in range(5)]
    assert [task.status for task in tasks] == [Status.PENDING] * 2 + [Status.THROTTLED] * 3
    organization.advance(START + 1_000)
    assert [task.queued_at - START for task in tasks if task.queued_at] == [0, 0, 16, 16, 32]


def test_two_hundred_tasks_of_15_seconds_drain_in_25_minutes_at_concurrency_2(organization: Organization) -> None:
    change(organization, limits={MODEL: {"concurrency": 2}}, durations={"pending": 0, "running": 15})
    tasks = [submit(organization, credits_=0) for _ in range(200)]
    assert sum(task.status is Status.THROTTLED for task in tasks) == 198
    organization.advance(START + 1_500)
    assert {task.status for task in tasks} == {Status.SUCCEEDED}
    assert max(task.finished_at or 0 for task in tasks) == START + 1_500


def test_null_limits_let_everything_run(organization: Organization) -> None:
    change(organization, limits={MODEL: {"concurrency": None, "daily": None}})
    assert {submit(organization).status for _ in range(100)} == {Status.PENDING}


def test_a_daily_limit_of_zero_refuses_everything(organization: Organization) -> None:
    change(organization, limits={MODEL: {"concurrency": 1, "daily": 0}})
    with pytest.raises(Refusal, match="daily task limit"):
        submit(organization)
    assert organization.ledger.balance == 10_000


def test_a_concurrency_of_zero_throttles_until_it_is_raised(organization: Organization) -> None:
    change(organization, limits={MODEL: {"concurrency": 0}})
    task = submit(organization)
    organization.advance(START + DAY)
    assert task.status is Status.THROTTLED
    change(organization, START + DAY, limits={MODEL: {"concurrency": 1}})
    assert task.status is Status.PENDING


def test_the_daily_slot_frees_24_hours_after_its_own_submit_not_at_midnight(organization: Organization) -> None:
    change(organization, limits={MODEL: {"daily": 2}})
    submit(organization, START)
    submit(organization, START + 100)
    for now in (START + 101, START + DAY - 0.1):
        with pytest.raises(Refusal):
            submit(organization, now)
    submit(organization, START + DAY)
    with pytest.raises(Refusal):
        submit(organization, START + DAY + 99)
    submit(organization, START + DAY + 100)


def test_without_credits_nothing_is_accepted_and_nothing_counted(organization: Organization) -> None:
    organization.ledger.balance = 59
    with pytest.raises(Refusal, match="enough credits"):
        submit(organization)
    assert organization.queue(MODEL).daily(START) == 0
    assert not organization.tasks


def test_credits_are_taken_at_submit_and_the_unused_share_comes_back(organization: Organization) -> None:
    change(organization, charged_share=0.5)
    task = submit(organization)
    assert organization.ledger.balance == 9_940
    organization.advance(START + 60)
    assert (task.cost, organization.ledger.balance) == (30, 9_970)


@pytest.mark.parametrize(
    ("code", "cost"),
    [
        ("SAFETY.INPUT.TEXT", 60),
        ("SAFETY.OUTPUT.VIDEO", 60),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", 60),
        ("INPUT_PREPROCESSING.INTERNAL", 0),
        ("INTERNAL.BAD_OUTPUT.CODE01", 0),
        ("THIRD_PARTY.UNAVAILABLE", 0),
        ("ASSET.INVALID", 0),
        ("NEVER.SEEN.BEFORE", 0),
        (NO_CODE, 0),
    ],
)
def test_failures_are_charged_or_refunded_by_their_class(organization: Organization, code: str, cost: int) -> None:
    organization.script.append(code)
    task = submit(organization)
    organization.advance(START + 60)
    assert (task.status, task.cost, organization.ledger.balance) == (Status.FAILED, cost, 10_000 - cost)
    assert task.failure_code == (None if code == NO_CODE else code)


def test_the_script_settles_the_next_tasks_before_chance_does(organization: Organization) -> None:
    change(organization, failure_rate=1.0, failures={"INTERNAL": 1}, limits={MODEL: {"concurrency": None}})
    organization.script.extend([None, "SAFETY"])
    tasks = [submit(organization) for _ in range(3)]
    assert [task.fails_with for task in tasks] == [None, "SAFETY", "INTERNAL"]


def test_cancelling_refunds_what_has_not_begun_and_frees_the_slot(organization: Organization) -> None:
    pending, throttled, follower = (submit(organization) for _ in range(3))
    organization.cancel(throttled, START)
    organization.cancel(pending, START)
    assert (throttled.cost, pending.cost, follower.status) == (0, 0, Status.PENDING)
    organization.advance(START + 5)
    organization.cancel(follower, START + 5)
    assert (follower.cost, organization.ledger.balance) == (60, 9_940)
    organization.advance(START + 100)
    assert [task.status for task in (pending, throttled, follower)] == [Status.CANCELLED] * 3
    assert organization.queue(MODEL).active == 0


def test_deleting_a_finished_task_refunds_nothing(organization: Organization) -> None:
    task = submit(organization)
    organization.advance(START + 60)
    organization.cancel(task, START + 60)
    assert (task.status, task.gone, organization.ledger.balance) == (Status.SUCCEEDED, True, 9_940)


def test_a_refund_on_a_later_day_makes_that_day_negative(organization: Organization) -> None:
    organization.script.append("INTERNAL")
    change(organization, durations={"running": DAY})
    submit(organization)
    organization.advance(START + 2 * DAY)
    assert organization.ledger.used[utc_day(START)] == {MODEL: 60}
    assert organization.ledger.used[utc_day(START + DAY)] == {MODEL: -60}


def test_autobilling_buys_at_the_hourly_check_and_only_then(organization: Organization) -> None:
    change(organization, autobilling={"threshold": 10_000, "amount": 2_000})
    submit(organization)
    organization.advance(START + HOUR - 1)
    assert organization.ledger.balance == 9_940
    organization.advance(START + HOUR)
    assert organization.ledger.balance == 11_940


def test_purchases_are_clipped_to_the_monthly_limit_and_then_fail() -> None:
    settings = Settings(tier=1, autobilling=Autobilling(threshold=50_000, amount=6_000))
    organization = Organization("test", settings, 0, random.Random(1), START)
    balances = []
    for hours in (1, 2, 3, 30):
        organization.advance(START + hours * HOUR)
        balances.append(organization.ledger.balance)
    assert balances == [6_000, 10_000, 10_000, 10_000]
    organization.advance(START + 31 * DAY)
    assert organization.autobiller.stopped
    assert organization.buy(START + 31 * DAY)
    assert not organization.autobiller.stopped


def test_a_failing_charge_is_tried_three_times_a_day_apart_then_autobilling_stops(organization: Organization) -> None:
    change(organization, autobilling={"threshold": 20_000, "amount": 1_000, "charge_fails": True})
    attempts = []
    for hours in (1, 24, 25, 48, 49, 500):
        organization.advance(START + hours * HOUR)
        attempts.append(organization.autobiller.failed_attempts)
    assert attempts == [1, 1, 2, 2, 3, 3]
    change(organization, START, autobilling={"threshold": 20_000, "amount": 1_000})
    organization.advance(START + 600 * HOUR)
    assert organization.ledger.balance == 10_000
    assert organization.buy(START + 600 * HOUR)
    assert organization.ledger.balance == 11_000


def test_the_same_seed_repeats_a_run() -> None:
    def run() -> list[tuple[str, str | None, float]]:
        settings = Settings().changed({"failure_rate": 0.5, "durations": {"jitter": 0.5}})
        organization = Organization("test", settings, 10_000, random.Random(7), START)
        tasks = [submit(organization, START + n) for n in range(20)]
        return [(task.id, task.fails_with, task.running_seconds) for task in tasks]

    assert run() == run()
    assert len({seconds for _, _, seconds in run()}) == 20


def test_time_that_steps_back_changes_nothing(organization: Organization) -> None:
    task = submit(organization)
    organization.advance(START + 5)
    organization.advance(START - HOUR)
    assert task.status is Status.RUNNING
    assert task.progress(START - HOUR) == 0.0


@pytest.mark.parametrize(
    ("model", "body", "credits_"),
    [
        ("gen4.5", {"duration": 5}, 60),
        ("gen4.5", {"duration": "auto"}, 180),
        ("gen4_turbo", {}, 25),
        ("gen4_image_turbo", {"outputCount": 3}, 6),
        ("eleven_v3", {"promptText": "x" * 101}, 3),
        ("enhance_frame_rate", {}, 3),
        ("product_ad", {"duration": 10}, 300),
    ],
)
def test_the_estimate_is_the_models_price_for_what_was_asked(
    model: str, body: dict[str, object], credits_: int
) -> None:
    assert estimate(model, body) == credits_


def test_every_tier_limits_every_model() -> None:
    for number, tier in TIERS.items():
        assert tier.monthly_credits > TIERS.get(number - 1, tier._replace(monthly_credits=0)).monthly_credits
        assert {model.modality for model in MODELS.values()} == set(tier.limits)
