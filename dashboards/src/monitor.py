"""The monitor's own health: whether the other boards can be believed."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards.src import shared
from dashboards.src.frame import Section, board
from dashboards.src.links import runbook
from dashboards.src.panels import figures, lines, states
from dashboards.src.parts import Query
from dashboards.src.thresholds import threshold
from dashboards.src.words import HARD, OK, OUTCOME, PLAIN, SOFT, counted

TROUBLE = {
    "observations dropped": "genmedia_monitor_observations_dropped_total",
    "exchanges not understood": "genmedia_monitor_observer_errors_total",
    "requests refused by the gateway": "genmedia_monitor_gateway_refused_total",
    "store errors": "genmedia_monitor_store_errors_total",
    "models capped": "genmedia_monitor_models_capped_total",
    "jobs missed": "genmedia_monitor_jobs_missed_total",
    "jobs failed": "genmedia_monitor_job_errors_total",
}
TROUBLE_ALERTS = ("ObservationsDropped", "ObserverErrors", "GatewayRefusing", "StoreFailing", "JobsMissed")
DOWN_UP = {"0": ("down", HARD), "1": ("up", OK)}
GOOD = {"0": ("failing", HARD), "1": ("ok", OK)}


def monitor() -> models.Dashboard:
    return board(
        "genmedia-monitor",
        "The monitor's own health: whether the other boards can be believed.",
        [
            Section(
                "",
                [
                    (4, [_up(), _evaluated(), _store(), _configuration()]),
                    (8, [_reads(), _read_age()]),
                    (8, [_trouble(), _read_outcomes()]),
                    (8, [_observations(), _commits(), _queue()]),
                    (8, [_jobs(), _loop(), _scrape()]),
                    (8, [_cpu(), _memory()]),
                ],
            )
        ],
    )


def _up() -> models.Panel:
    return figures(
        "Monitor",
        "Whether Prometheus can scrape every monitor that it could in the last hour.",
        [Query(shared.UP)],
        unit="short",
        words=DOWN_UP,
        leads=[runbook("GenmediaMonitorDown")],
    )


def _evaluated() -> models.Panel:
    return figures(
        "Figures' age",
        "Time since the accounts' figures were last evaluated, which should be seconds.",
        [Query("max(time() - genmedia_monitor_last_evaluation_timestamp_seconds)")],
        unit="s",
        decimals=0,
        base=PLAIN,
        leads=[runbook("GenmediaEvaluationStuck")],
    )


def _store() -> models.Panel:
    return figures(
        "Store",
        "Whether the last write to the database worked.",
        [Query("min(genmedia_monitor_store_up)")],
        unit="short",
        words=GOOD,
        leads=[runbook("GenmediaStoreFailing")],
    )


def _configuration() -> models.Panel:
    return figures(
        "Configuration",
        "Whether the last load of the configuration worked; when rejected, the old one stays in force.",
        [Query("min(genmedia_monitor_config_last_reload_successful)")],
        unit="short",
        words={"0": ("rejected", HARD), "1": ("ok", OK)},
        leads=[runbook("GenmediaConfigReloadFailed")],
    )


def _reads() -> models.Panel:
    return states(
        "Account reads",
        "Whether each of the monitor's own reads of the accounts worked. While one fails, what it told disappears once "
        "it is too old to trust.",
        [Query("min by (account, read) (genmedia_account_read_up{@account})", "{{account}} {{read}}")],
        words=GOOD,
        leads=[runbook("GenmediaAccountReadFailing")],
    )


def _read_age() -> models.Panel:
    return lines(
        "Age of account reads",
        "Time since each read last worked: the age of the limits and credits shown.",
        [Query("max by (account, read) (genmedia_account_read_age_seconds{@account})", "{{account}} {{read}}")],
        unit="s",
        steps=[(threshold("account_read_age_seconds"), SOFT)],
        leads=[runbook("GenmediaAccountReadStale")],
    )


def _trouble() -> models.Panel:
    return lines(
        "Trouble",
        "What should stay at 0: traffic not counted, requests refused by the gateway, failed writes and jobs.",
        [Query(f"sum(increase({metric}[$__rate_interval]))", name) for name, metric in TROUBLE.items()],
        unit="short",
        bars=True,
        leads=[runbook(f"Genmedia{what}") for what in TROUBLE_ALERTS],
    )


def _read_outcomes() -> models.Panel:
    return lines(
        "Account reads by outcome, and unknown values",
        "The monitor's own reads of the accounts, and values from the provider that this version does not know.",
        [
            Query(counted("genmedia_account_reads_total{@account}", "outcome"), "{{outcome}}"),
            Query(counted("genmedia_unknown_values_total{@account}", "field"), "unknown {{field}}"),
        ],
        unit="short",
        colours=OUTCOME,
        bars=True,
    )


def _observations() -> models.Panel:
    return lines(
        "Observations",
        "Applied a second, by way in.",
        [Query("sum by (source) (rate(genmedia_monitor_observations_total[$__rate_interval]))", "{{source}}")],
        unit="ops",
        stacked=True,
    )


def _commits() -> models.Panel:
    buckets = "sum by (instance, le) (rate(genmedia_monitor_commit_seconds_bucket[$__rate_interval]))"
    return lines(
        "Commits",
        "Time to commit one batch of observations to the database.",
        [Query(f"histogram_quantile({q}, {buckets})", f"{{{{instance}}}} p{q * 100:.0f}") for q in (0.5, 0.99)],
        unit="s",
    )


def _queue() -> models.Panel:
    return lines(
        "Queue",
        "Observations that wait for the next commit. It should not grow.",
        [Query("genmedia_monitor_queue_length", "{{instance}}")],
        unit="short",
    )


def _jobs() -> models.Panel:
    return lines(
        "Scheduled jobs, p95",
        "How long each kind of scheduled job takes.",
        [
            Query(
                "histogram_quantile(0.95, sum by (name, le) "
                "(rate(genmedia_monitor_job_seconds_bucket[$__rate_interval])))",
                "{{name}}",
            )
        ],
        unit="s",
    )


def _loop() -> models.Panel:
    return lines(
        "Event loop lag",
        "How late the event loop woke up: what every request through the gateway may wait in addition.",
        [Query("genmedia_monitor_loop_lag_seconds", "{{instance}}")],
        unit="s",
        steps=[(threshold("loop_lag_seconds"), SOFT)],
        leads=[runbook("GenmediaLoopLag")],
    )


def _scrape() -> models.Panel:
    return lines(
        "Scrapes",
        "How long Prometheus takes to scrape the monitor.",
        [Query(f"scrape_duration_seconds and {shared.OURS}", "{{instance}}")],
        unit="s",
    )


def _cpu() -> models.Panel:
    return lines(
        "CPU",
        "Share of one core that the process uses.",
        [Query(f"rate(process_cpu_seconds_total[$__rate_interval]) and {shared.OURS}", "{{instance}}")],
        unit="percentunit",
    )


def _memory() -> models.Panel:
    return lines(
        "Memory",
        "Resident memory of the process.",
        [Query(f"process_resident_memory_bytes and {shared.OURS}", "{{instance}}")],
        unit="bytes",
    )
