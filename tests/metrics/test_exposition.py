import asyncio
import gzip
import subprocess
import threading
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import exposition as library_openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.credits.outlook import AutobillingState, CreditOutlook
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.daily_limit.reconcile import Reconciled, Unseen
from monitor.judgement.limits import LimitOutlook
from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.judgement.tiers.outlook import TierState
from monitor.metrics import Exposition, SelfMetrics
from monitor.observations import DaySpend, Kind, ModelLimits, Organization, Outcome, Reason, TaskStatus, Usage
from monitor.tasks.counters import REQUEST_BOUNDS, TASK_BOUNDS, CounterSpec, Series
from monitor.tasks.open_tasks import ModelTasks

AT = 1_795_357_800.0
OPEN = {"pending", "throttled", "running"}

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(exposition: Exposition) -> Figures:
    families = text_string_to_metric_families(exposition.text.decode())
    samples = [sample for family in families for sample in family.samples]
    figures = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(figures) == len(samples), "a series appears twice"
    return figures


def published(account: AccountSnapshot) -> Figures:
    exposition = Exposition(CollectorRegistry())
    exposition.publish(Snapshot(at=AT, accounts=(account,)))
    return parse(exposition)


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"genmedia_{name}", frozenset({"provider": "runway", "account": "a", **labels}.items())


def account(**changes: object) -> AccountSnapshot:
    return replace(AccountSnapshot(account="a", provider="runway", dollars_per_credit=0.01), **changes)


def names(figures: Figures) -> set[str]:
    return {name.removeprefix("genmedia_") for name, _ in figures}


def test_a_snapshot_becomes_exactly_this_text(exposition: Exposition, snapshot: Snapshot) -> None:
    exposition.publish(snapshot)
    assert exposition.text.decode() == (Path(__file__).parent / "exposition.txt").read_text()


def test_both_forms_are_the_same_text(exposition: Exposition, snapshot: Snapshot) -> None:
    before = exposition.text
    exposition.publish(snapshot)
    assert exposition.text != before
    assert gzip.decompress(exposition.plain.gzipped) == exposition.text


def without_process(figures: Figures) -> Figures:
    return {key: value for key, value in figures.items() if not key[0].startswith("process_")}


async def test_openmetrics_says_what_the_text_says(daemon: Exposition, snapshot: Snapshot) -> None:
    daemon.publish(snapshot)
    answer = await daemon.openmetrics()

    strict = openmetrics_parser.text_string_to_metric_families(answer.text.decode())
    samples = [sample for family in strict for sample in family.samples]
    figures = {(one.name, frozenset(one.labels.items())): one.value for one in samples}
    assert without_process(figures) == without_process(parse(daemon))
    assert gzip.decompress(answer.gzipped) == answer.text
    assert answer.text.count(b"# EOF\n") == 1


async def test_openmetrics_is_rendered_once_an_evaluation_whoever_asks(
    daemon: Exposition, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.publish(snapshot)
    loop_thread, threads = threading.get_ident(), []
    generate = library_openmetrics.generate_latest

    def noted(registry: CollectorRegistry) -> bytes:
        threads.append(threading.get_ident())
        return bytes(generate(registry))

    monkeypatch.setattr(library_openmetrics, "generate_latest", noted)
    answers = await asyncio.gather(*(daemon.openmetrics() for _ in range(8)))
    assert len({id(answer) for answer in answers}) == len(threads) == 1
    assert loop_thread not in threads

    daemon.publish(replace(snapshot, at=snapshot.at + 5))
    assert (await daemon.openmetrics()).text != answers[0].text


def test_every_count_equals_a_recount(exposition: Exposition, snapshot: Snapshot) -> None:
    exposition.publish(snapshot)
    figures = parse(exposition)
    for counter, name, scale in (
        (CounterSpec.REQUESTS, "genmedia_requests_total", 1),
        (CounterSpec.REQUEST_RETRIES, "genmedia_request_retries_total", 1),
        (CounterSpec.TASKS_CREATED, "genmedia_tasks_created_total", 1),
        (CounterSpec.TASKS_FINISHED, "genmedia_tasks_finished_total", 1),
        (CounterSpec.WASTED_CREDITS, "genmedia_wasted_dollars_total", 0.01),
        (CounterSpec.READS, "genmedia_account_reads_total", 1),
        (CounterSpec.UNKNOWN_VALUES, "genmedia_unknown_values_total", 1),
    ):
        shown = sorted((value, dict(labels)["account"]) for (found, labels), value in figures.items() if found == name)
        stored = sorted(
            (series.value * scale, one.account)
            for one in snapshot.accounts
            for series in one.series
            if series.counter is counter
        )
        assert [row for row in shown if row[0]] == stored


def test_every_histogram_equals_a_recount(exposition: Exposition, snapshot: Snapshot) -> None:
    exposition.publish(snapshot)
    figures = parse(exposition)
    series = [series for series in snapshot.accounts[0].series if series.counter is CounterSpec.TASK_SECONDS]
    assert {series.labels[1] for series in series} == {"throttled", "running", "total"}
    for model, phase in {series.labels[:2] for series in series}:
        labels = {"provider": "runway", "account": "production", "model": model, "phase": phase}
        parts = {part.labels[2]: part.value for part in series if part.labels[:2] == (model, phase)}
        total = parts.pop("sum")
        for bound in [*map(str, TASK_BOUNDS), "+Inf"]:
            below = sum(count for upper, count in parts.items() if float(upper) <= float(bound))
            bucket = frozenset((labels | {"le": bound}).items())
            assert figures["genmedia_task_duration_seconds_bucket", bucket] == below
        assert figures["genmedia_task_duration_seconds_count", frozenset(labels.items())] == sum(parts.values())
        assert figures["genmedia_task_duration_seconds_sum", frozenset(labels.items())] == total


def test_what_alerts_rate_is_zero_as_soon_as_an_account_exists() -> None:
    figures = published(account())
    for kind, outcome in product(Kind, Outcome):
        labels = {"endpoint": "", "kind": kind.value, "model": "", "code": "", "outcome": outcome.value}
        assert figures[key("requests_total", **labels)] == 0
    for outcome, reason in [("succeeded", ""), ("cancelled", ""), ("lost", ""), *(("failed", r) for r in Reason if r)]:
        assert figures[key("tasks_finished_total", model="", outcome=outcome, reason=reason)] == 0
    assert figures[key("tasks_created_total", model="")] == 0
    assert figures[key("request_retries_total", endpoint="")] == 0


def test_what_is_unknown_has_no_series() -> None:
    reads = (ReadState(read="organization", up=False),)
    figures = published(account(reads=reads, tasks=(ModelTasks(model="gen4.5", open={}),)))
    assert figures[key("account_read_up", read="organization")] == 0
    assert not names(figures) & {
        "account_read_age_seconds",
        "limit",
        "limit_used",
        "saturation_ratio",
        "credit_balance_credits",
        "balance_dollars",
        "credits_spent_credits",
        "spent_dollars",
        "throttled_drain_seconds",
        "limit_exhaustion_seconds",
        "daily_generations_freeing",
        "ledger_coverage_ratio",
        "ledger_drift_generations",
        "unseen_generations_ratio",
        "tier",
        "tier_table_mismatches",
        "recommended_tier",
        "forecast_precision_ratio",
        "forecast_recall_ratio",
    }


def test_a_balance_of_zero_is_shown_and_an_unknown_one_is_not() -> None:
    figures = published(account(organization=Organization(credit_balance=0)))
    assert figures[key("credit_balance_credits")] == 0
    assert figures[key("balance_dollars")] == 0
    assert "credit_balance_credits" not in names(published(account(organization=Organization())))


def test_a_model_with_tasks_has_every_open_status() -> None:
    figures = published(account(tasks=(ModelTasks(model="gen4.5", open={TaskStatus.THROTTLED: 3}),)))
    shown = {dict(labels)["status"]: value for (name, labels), value in figures.items() if name == "genmedia_tasks"}
    assert shown == {"pending": 0, "throttled": 3, "running": 0}


def limits(figures: Figures, name: str) -> dict[tuple[str, str], float]:
    rows = ((dict(labels), value) for (found, labels), value in figures.items() if found == f"genmedia_{name}")
    return {(labels["model"], labels["limit"]): value for labels, value in rows}


def test_limits_are_measured_each_by_its_own_count() -> None:
    organization = Organization(
        monthly_spend_credits=10_000,
        limits={"gen4.5": ModelLimits(concurrency=4, daily_generations=50)},
        daily_generations={"gen4.5": 20},
    )
    statuses = {TaskStatus.PENDING: 1, TaskStatus.RUNNING: 5, TaskStatus.THROTTLED: 9}
    tasks = ModelTasks(model="gen4.5", open=statuses, accepted_24h=15)
    figures = published(account(organization=organization, tasks=(tasks,)))
    assert limits(figures, "limit") == {
        ("gen4.5", "concurrency"): 4,
        ("gen4.5", "daily_generations"): 50,
        ("gen4.5", "daily_generations_ledger"): 50,
        ("", "monthly_spend_credits"): 10_000,
    }
    assert limits(figures, "limit_used") == {
        ("gen4.5", "concurrency"): 6,
        ("gen4.5", "daily_generations"): 20,
        ("gen4.5", "daily_generations_ledger"): 15,
    }
    assert limits(figures, "saturation_ratio") == {
        ("gen4.5", "concurrency"): 1.5,
        ("gen4.5", "daily_generations"): 0.4,
        ("gen4.5", "daily_generations_ledger"): 0.3,
    }


def test_only_tasks_that_polls_have_shown_use_the_concurrency_limit() -> None:
    told = Organization(limits={"gen4.5": ModelLimits(concurrency=3)})
    statuses = {TaskStatus.PENDING: 6, TaskStatus.RUNNING: 1, TaskStatus.THROTTLED: 2}
    tasks = ModelTasks(model="gen4.5", open=statuses, unconfirmed=4)
    figures = published(account(organization=told, tasks=(tasks,)))
    assert limits(figures, "limit_used") == {("gen4.5", "concurrency"): 3}
    assert limits(figures, "saturation_ratio") == {("gen4.5", "concurrency"): 1}
    assert figures[key("tasks_unconfirmed", model="gen4.5")] == 4
    assert figures[key("tasks", model="gen4.5", status="pending")] == 6


def test_use_that_the_provider_tells_is_shown_whether_or_not_it_has_a_limit() -> None:
    told = Organization(
        limits={"unlimited": ModelLimits(), "finite": ModelLimits(concurrency=2, daily_generations=50)},
        daily_generations={"unlimited": 7, "unlisted": 3, "finite": 9},
    )
    busy = ModelTasks(model="unlimited", open={TaskStatus.RUNNING: 4}, unconfirmed=1, accepted_24h=6)
    figures = published(account(organization=told, tasks=(busy,)))
    used = {
        (dict(labels)["model"], dict(labels)["limit"]): value
        for (name, labels), value in figures.items()
        if name == "genmedia_limit_used"
    }
    assert used == {
        ("unlimited", "daily_generations"): 7,
        ("unlimited", "concurrency"): 3,
        ("unlisted", "daily_generations"): 3,
        ("finite", "daily_generations"): 9,
        ("finite", "concurrency"): 0,
    }
    limited = {dict(labels)["model"] for name, labels in figures if name == "genmedia_limit"}
    assert limited == {"finite"}


def test_unlimited_has_no_series_and_a_limit_of_zero_is_full() -> None:
    organization = Organization(
        limits={"free": ModelLimits(), "closed": ModelLimits(concurrency=0, daily_generations=0)},
        daily_generations={"free": 7, "closed": 0},
    )
    figures = published(account(organization=organization))
    full = {("closed", "concurrency"): 1, ("closed", "daily_generations"): 1}
    assert limits(figures, "saturation_ratio") == full
    assert limits(figures, "limit") == dict.fromkeys(full, 0)


def test_a_model_that_the_provider_does_not_list_has_tasks_and_no_limits() -> None:
    told = Organization(limits={"gen4.5": ModelLimits(concurrency=5)}, daily_generations={"gen4.5": 3})
    mystery = ModelTasks(model="mystery", open={TaskStatus.RUNNING: 2}, accepted_24h=9)
    figures = published(account(organization=told, tasks=(mystery,)))
    assert figures[key("tasks", model="mystery", status="running")] == 2
    limited = ("genmedia_limit", "genmedia_limit_used", "genmedia_saturation_ratio")
    assert [name for name, labels in figures if name in limited and ("model", "mystery") in labels] == []


def test_spend_counts_utc_days_and_may_be_negative() -> None:
    days = (
        ("2026-11-22", "gen4.5", 100.0),
        ("2026-10-24", "gen4.5", 10.0),  # the 30th day
        ("2026-10-23", "gen4.5", 1.0),  # the day before it
        ("2026-11-22", "veo3.1", -30.0),
        ("2026-11-23", "veo3.1", 5.0),  # a vendor's clock ahead of ours
    )
    usage = Usage(days=tuple(DaySpend(date=date, model=model, credits=amount) for date, model, amount in days))
    figures = published(account(usage=usage))
    assert figures[key("credits_spent_credits", model="gen4.5", window="today")] == 100
    assert figures[key("credits_spent_credits", model="gen4.5", window="30d")] == 110
    assert figures[key("credits_spent_credits", model="veo3.1", window="30d")] == -30
    assert figures[key("spent_dollars", model="gen4.5", window="30d")] == pytest.approx(1.10)


@given(model=st.text(), code=st.text())
def test_any_label_value_survives_the_text(model: str, code: str) -> None:
    labels = ("/v1/x", "create", model, code, "success")
    figures = published(account(series=(Series(CounterSpec.REQUESTS, labels, 5),)))
    named = {"endpoint": "/v1/x", "kind": "create", "model": model, "code": code, "outcome": "success"}
    assert figures[key("requests_total", **named)] == 5


def test_every_account_series_carries_provider_and_account(exposition: Exposition, snapshot: Snapshot) -> None:
    exposition.publish(snapshot)
    accounts = {(one.provider, one.account) for one in snapshot.accounts}
    carried = {
        (dict(labels).get("provider"), dict(labels).get("account"))
        for name, labels in parse(exposition)
        if not name.startswith("genmedia_monitor_")
    }
    assert carried == accounts


def histogram(counter: CounterSpec, labels: tuple[str, ...], bounds: tuple[float, ...]) -> list[Series]:
    parts = [*(format(bound, "g") for bound in bounds), "+Inf", "sum"]
    return [Series(counter, (*labels, part), 7.0) for part in parts]


def ordinary() -> AccountSnapshot:
    """Ten models in use, each with every kind of trouble, of the 76 that the vendor lists."""
    used = [f"model_{number}" for number in range(10)]
    listed = [*used, *(f"unused_{number}" for number in range(66))]
    creates = [f"/v1/endpoint_{number}" for number in range(8)]
    series: list[Series] = []
    for number, model in enumerate(used):
        endpoint = creates[number % len(creates)]
        for code, outcome in (("200", "success"), ("429", "rate_limited"), ("400", "invalid_request")):
            series.append(Series(CounterSpec.REQUESTS, (endpoint, "create", model, code, outcome), 5))
        series.append(Series(CounterSpec.TASKS_CREATED, (model,), 5))
        ends = (("succeeded", ""), ("failed", "internal"), ("failed", "moderation_input"), ("cancelled", ""))
        series += [Series(CounterSpec.TASKS_FINISHED, (model, *end), 5) for end in ends]
        series += [
            Series(CounterSpec.WASTED_CREDITS, (model, reason), 5) for reason in ("moderation_input", "orphaned")
        ]
        for phase in ("throttled", "queued", "running", "total"):
            series += histogram(CounterSpec.TASK_SECONDS, (model, phase), TASK_BOUNDS)
    pairs = [*((e, "create") for e in creates), ("/v1/tasks/{id}", "poll"), ("/v1/tasks/{id}", "delete")]
    for pair in [*pairs, ("/v1/organization", "account"), ("other", "other")]:
        series += histogram(CounterSpec.REQUEST_SECONDS, pair, REQUEST_BOUNDS)
    return account(
        series=tuple(series),
        tasks=tuple(ModelTasks(model=model, open={}, throttled_drain_seconds=0.0) for model in used),
        reads=(ReadState(read="organization", up=True, age_seconds=5), ReadState(read="usage", up=True, age_seconds=5)),
        organization=Organization(
            credit_balance=1,
            monthly_spend_credits=1,
            limits={model: ModelLimits(concurrency=5, daily_generations=100) for model in listed},
            daily_generations=dict.fromkeys(listed, 3),
        ),
        usage=Usage(days=tuple(DaySpend(date="2026-11-22", model=model, credits=1) for model in used)),
        daily=tuple(
            DailyOutlook(
                model=model,
                outlook=LimitOutlook.EXPECTED,
                exhaustion_seconds=1.0,
                next_free_seconds=1.0,
                freeing={"1h": 1, "4h": 2, "12h": 3},
            )
            for model in used
        ),
        reconciled=tuple(
            Reconciled(model=model, generations=3, drift=0, unseen=Unseen(0.0, 0.0, 0.5)) for model in used
        ),
        tier=TierState(table="t", configured=3, inferred=3, compared=3, mismatches=()),
        ledger_coverage=1.0,
        forecast_ready=True,
        forecast_precision=1.0,
        forecast_recall=1.0,
        credits=CreditOutlook(
            burn={"1h": 1.0, "24h": 2.0},
            runway_seconds=1.0,
            balance_exhaustion_seconds=1.0,
            spend_exhaustion_seconds=1.0,
            bought_credits=1.0,
            coverage=1.0,
            autobilling=AutobillingState.OK,
        ),
    )


@pytest.fixture
def daemon() -> Exposition:
    registry = CollectorRegistry()
    own = SelfMetrics(registry)
    own.in_flight.labels("runway", "a").inc()
    own.job_seconds.labels("evaluation").observe(0.01)
    return Exposition(registry)


def test_an_account_of_ordinary_use_stays_under_2000_lines(daemon: Exposition) -> None:
    daemon.publish(Snapshot(at=AT, accounts=(ordinary(),)))
    assert len(daemon.text.splitlines()) < 2000


def test_the_daemons_own_metrics_are_there_before_the_first_snapshot(daemon: Exposition) -> None:
    assert {"monitor_build_info", "requests_in_flight", "monitor_store_up"} <= names(parse(daemon))
    assert "requests_total" not in names(parse(daemon))


def test_refresh_shows_new_own_figures_and_the_same_accounts(snapshot: Snapshot) -> None:
    registry = CollectorRegistry()
    own = SelfMetrics(registry)
    exposition = Exposition(registry)
    exposition.publish(snapshot)
    before = parse(exposition)
    own.store_errors.labels("read").inc()
    exposition.refresh()
    added = parse(exposition).keys() - before.keys()
    assert added == {("genmedia_monitor_store_errors_total", frozenset({("operation", "read")}))}


def test_no_series_tells_when_it_was_created(daemon: Exposition, snapshot: Snapshot) -> None:
    daemon.publish(snapshot)
    assert b"_created{" not in daemon.text
    assert b"_created " not in daemon.text


def test_promtool_finds_nothing_to_say(daemon: Exposition, snapshot: Snapshot, promtool: str) -> None:
    daemon.publish(snapshot)
    done = subprocess.run([promtool, "check", "metrics"], input=daemon.text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_what_the_daemon_counts_by_reason_or_stage_starts_at_zero() -> None:
    registry = CollectorRegistry()
    SelfMetrics(registry).begin_job("evaluate")
    exposition = Exposition(registry)
    exposition.refresh()

    figures = parse(exposition)
    assert figures["genmedia_monitor_observations_dropped_total", frozenset({("reason", "queue_full")})] == 0
    assert figures["genmedia_monitor_observer_errors_total", frozenset({("stage", "decode")})] == 0
    assert figures["genmedia_monitor_gateway_refused_total", frozenset({("reason", "account")})] == 0
    assert figures["genmedia_monitor_jobs_missed_total", frozenset({("name", "evaluate")})] == 0
    assert figures["genmedia_monitor_job_errors_total", frozenset({("name", "evaluate")})] == 0
    assert figures["genmedia_monitor_job_seconds_count", frozenset({("name", "evaluate")})] == 0


def test_credits_show_what_is_known_and_every_state_of_autobilling() -> None:
    outlook = CreditOutlook(burn={"1h": 240.0}, coverage=0.1, autobilling=AutobillingState.CLIPPED)
    figures = published(account(credits=outlook, organization=Organization(monthly_spend_credits=10_000)))
    assert figures[key("credit_burn_credits", window="1h")] == 240
    assert figures[key("burn_dollars", window="1h")] == pytest.approx(2.4)
    assert figures[key("purchase_coverage_ratio")] == 0.1
    states = {dict(labels)["state"]: value for (name, labels), value in figures.items() if name.endswith("_state")}
    assert states == {"ok": 0, "due": 0, "overdue": 0, "clipped": 1, "stopped": 0}
    assert limits(figures, "limit") == {("", "monthly_spend_credits"): 10_000}
    assert not {"credit_runway_seconds", "limit_exhaustion_seconds", "limit_used"} & names(figures)
    assert figures[key("credit_recharges_total")] == 0
    levels = {k: v for k, v in figures.items() if k[0] == "genmedia_credit_runway_threshold_seconds"}
    assert sorted(levels.values()) == [4 * 3600, 24 * 3600]
