"""Is everything all right, for every account, in one look."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards.src import shared
from dashboards.src.frame import Section, board
from dashboards.src.links import RUNBOOKS, runbook, to
from dashboards.src.panels import figures, lines
from dashboards.src.parts import DASHED, Query, fixed, override
from dashboards.src.tables import Column, rows
from dashboards.src.words import HARD, OK, PLAIN, SOFT, STATUS

LIMITS_OF = (
    "/d/genmedia-limits?${datasource:queryparam}&var-provider=${__data.fields.Provider}"
    "&var-account=${__value.text}&${__url_time_range}"
)


def overview() -> models.Dashboard:
    return board(
        "genmedia-overview",
        "Is everything all right, for every account, in one look.",
        [
            Section(
                "",
                [
                    (3, [shared.firing_alerts(), shared.failing(), shared.throttled(), shared.generation_time()]),
                    (3, [shared.closest_limit(), shared.time_left(), shared.credits_last(), _monitor()]),
                    (5, [_accounts()]),
                    (7, [_alerts()]),
                    (8, [_failing_over_time(), _tasks_over_time(), _generation_time_over_time()]),
                    (8, [_limits_over_time(), _time_left_over_time(), shared.balance_over_time()]),
                ],
            )
        ],
    )


def _monitor() -> models.Panel:
    return figures(
        "Monitor",
        "Whether the monitor runs, and the age of what it last read of the accounts. While it is down, every other "
        "panel shows the past or nothing.",
        [
            Query(shared.UP, "runs"),
            Query("max(genmedia_account_read_age_seconds{@account})", "oldest account read"),
        ],
        unit="s",
        decimals=0,
        overrides=[
            override(
                "byName",
                "runs",
                unit="short",
                mappings=[
                    models.ValueMap(
                        options={
                            "0": models.ValueMappingResult(text="down", color=HARD),
                            "1": models.ValueMappingResult(text="up", color=OK),
                        }
                    )
                ],
            ),
            override("byName", "oldest account read", color=fixed(PLAIN)),
        ],
        leads=[to("genmedia-monitor"), runbook("GenmediaMonitorDown")],
    )


def _accounts() -> models.Panel:
    return rows(
        "Accounts",
        "One row for each account; a click on its name opens its limits. Limits are judged by the daemon's soft and "
        "hard thresholds, concurrency left out. Frees in: until the first slot of a full limit frees.",
        [
            Column("Account", label="account", link=LIMITS_OF),
            Column(
                "Vendor fails",
                shared.VENDOR_FAILS.format(by="provider, account", window="5m"),
                unit="percentunit",
                decimals=1,
                steps=shared.vendor_fails_steps(),
                absent="no requests",
            ),
            Column(
                "Refused",
                shared.REFUSED_SHARE.format(by="provider, account", window="5m"),
                unit="percentunit",
                decimals=1,
                absent="no creates",
            ),
            Column("Throttled", 'sum by (provider, account) (genmedia_tasks{@model,status="throttled"})', decimals=0),
            Column(
                "Oldest",
                "max by (provider, account) (genmedia_throttled_oldest_age_seconds{@model})",
                unit="s",
                decimals=0,
                steps=shared.throttled_steps(),
                absent="none",
            ),
            Column("Limits", shared.LIMIT_STATE, words=shared.LIMIT_STATES),
            Column("Closest", f"max by (provider, account) ({shared.CLOSEST})", unit="percentunit", decimals=0),
            Column(
                "Time left",
                f"0 * max by (provider, account) ({shared.FULL})"
                " or min by (provider, account) (genmedia_limit_exhaustion_seconds{@limits})"
                f" or -1 - {shared.EARLY}",
                unit="s",
                decimals=1,
                words=shared.HIT_IN,
                absent="no limits",
            ),
            Column(
                "Frees in",
                shared.FIRST_FREES_IN.replace("@by", "provider, account"),
                unit="s",
                decimals=1,
                words=shared.FREES_WORDS,
                absent="none full",
            ),
            Column(
                "Balance",
                "max by (provider, account) (genmedia_balance_dollars{@account})",
                unit="currencyUSD",
                decimals=0,
            ),
            Column(
                "Credits last",
                "max by (provider, account) (genmedia_credit_runway_seconds{@account})",
                unit="s",
                decimals=1,
                words={"0": ("none left", HARD)},
                absent="not known yet",
            ),
            Column(
                "p95",
                shared.GENERATION_TIME.format(by="provider, account, le"),
                unit="s",
                decimals=0,
                absent="none ended",
            ),
            Column(
                "Reads",
                "min by (provider, account) (genmedia_account_read_up{@account})",
                words={"0": ("failing", HARD), "1": ("ok", OK)},
            ),
            Column("Provider", label="provider"),
        ],
    )


def _alerts() -> models.Panel:
    severities = {"critical": ("critical", HARD), "warning": ("warning", SOFT), "info": ("info", PLAIN)}
    return rows(
        "Firing alerts",
        "What Prometheus' rules report now; a click on a name opens its runbook. The watchdog always fires: "
        "without it, alerting itself is broken.",
        [
            Column("Alert", label="alertname", link=f"{RUNBOOKS}/${{__value.text}}.md", width=290),
            Column("Severity", label="severity", words=severities, width=90),
            Column("Account", label="account", absent="none"),
            Column("Model", label="model", absent="none"),
            Column("Since", shared.FIRING_SINCE, unit="dateTimeFromNow"),
        ],
        sort="Since",
    )


def _failing_over_time() -> models.Panel:
    return lines(
        "Requests that the vendor fails",
        shared.VENDOR_FAILS_MEANS,
        [Query(shared.VENDOR_FAILS.format(by="account", window="$__rate_interval"), "{{account}}")],
        unit="percentunit",
        steps=shared.vendor_fails_steps(),
        every="2m",
    )


def _tasks_over_time() -> models.Panel:
    return lines(
        "Open tasks",
        "Tasks that have not ended, by the status last seen. Throttled tasks wait behind the concurrency limit: that "
        "is healthy while they do not wait long.",
        [Query("sum by (status) (genmedia_tasks{@model})", "{{status}}")],
        unit="short",
        colours=STATUS,
        stacked=True,
    )


def _generation_time_over_time() -> models.Panel:
    return lines(
        "Generation time, p95",
        "From acceptance to the end of a task, waiting included: 95 % took less.",
        [
            Query(
                "histogram_quantile(0.95, sum by (account, le) "
                '(rate(genmedia_task_duration_seconds_bucket{@model,phase="total"}[$__rate_interval])))',
                "{{account}}",
            )
        ],
        unit="s",
        every="2m",
    )


def _limits_over_time() -> models.Panel:
    return lines(
        "Closest limits",
        "The largest share used of each kind of limit, concurrency left out, with the daemon's thresholds.",
        [
            Query(f"max by (account, limit) ({shared.CLOSEST})", "{{account}} {{limit}}"),
            Query(shared.THRESHOLDS, "{{level}}"),
        ],
        unit="percentunit",
        top=1,
        overrides=DASHED,
    )


def _time_left_over_time() -> models.Panel:
    return lines(
        "Time left",
        "Expected time until the first limit is hit, and how long the credits last at the present burn, with the "
        "daemon's thresholds for the credits. No line of an account: nothing is foreseen.",
        [
            Query("min by (account) (genmedia_limit_exhaustion_seconds{@limits})", "{{account}} limits"),
            Query("genmedia_credit_runway_seconds{@account}", "{{account}} credits"),
            Query(shared.RUNWAY_THRESHOLDS, "{{level}}"),
        ],
        unit="s",
        overrides=DASHED,
    )
