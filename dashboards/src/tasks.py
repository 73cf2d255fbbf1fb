"""What happens to tasks: where they wait, how long they take, why they fail, and what that costs."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards.src import shared
from dashboards.src.frame import Section, board
from dashboards.src.links import runbook
from dashboards.src.panels import figures, heat, lines
from dashboards.src.parts import Query, dashed, fixed, override
from dashboards.src.words import REASON, SOFT, STATUS, TASK_OUTCOME, counted

PHASES = {
    "throttled": "Behind the concurrency limit, before the vendor queued it.",
    "queued": "In the vendor's queue.",
    "running": "At work.",
    "total": "From acceptance to the end.",
}


def tasks() -> models.Dashboard:
    return board(
        "genmedia-tasks",
        "What happens to tasks: where they wait, how long they take, why they fail, and what that costs.",
        [
            Section(
                "",
                [
                    (4, [_open(), shared.throttled(), shared.generation_time()]),
                    (4, [_failed(), _orphaned(), _wasted()]),
                    (8, [_by_status(), _throttled_age()]),
                    (8, [_by_outcome(), _by_reason()]),
                ],
            ),
            Section(
                "How long each phase takes",
                [
                    (8, [_time_by_model(), _against_target()]),
                    (8, [_phase("throttled"), _phase("queued")]),
                    (8, [_phase("running"), _phase("total")]),
                ],
            ),
            Section("Lost work", [(8, [_orphans_over_time(), _waste_over_time()])]),
        ],
    )


def _open() -> models.Panel:
    return figures(
        "Open tasks",
        "Tasks that have not ended, by the status last seen; before its first poll a task counts as pending.",
        [Query(f'sum(genmedia_tasks{{@model,status="{status}"}})', status) for status in STATUS],
        unit="short",
        decimals=0,
        overrides=[override("byName", status, color=fixed(colour)) for status, colour in STATUS.items()],
    )


def _failed() -> models.Panel:
    return figures(
        "Failed tasks",
        "Share of the tasks ended in the shown time that failed or were lost.",
        [
            Query(
                'sum(increase(genmedia_tasks_finished_total{@model,outcome=~"failed|lost"}[$__range]))'
                " / (sum(increase(genmedia_tasks_finished_total{@model}[$__range])) > 0)"
            )
        ],
        unit="percentunit",
        decimals=1,
        base="text",
        absent="none ended",
    )


def _orphaned() -> models.Panel:
    return figures(
        "Orphaned tasks",
        "Open tasks without a webhook that their client has stopped polling: they cost, and nobody waits for them.",
        [Query("sum(genmedia_tasks_orphaned{@model})")],
        unit="short",
        decimals=0,
        steps=[(1, SOFT)],
    )


def _wasted() -> models.Panel:
    return figures(
        "Wasted",
        "US dollars charged in the shown time for tasks that failed, or whose result nobody came for.",
        [Query(f"sum({counted('genmedia_wasted_dollars_total{@model}', 'reason', '$__range')})")],
        unit="currencyUSD",
        decimals=2,
        base="text",
        absent="nothing",
    )


def _by_status() -> models.Panel:
    return lines(
        "Open tasks by status",
        "Throttled tasks wait behind the concurrency limit. That is healthy while they do not wait long.",
        [Query("sum by (status) (genmedia_tasks{@model})", "{{status}}")],
        unit="short",
        colours=STATUS,
        stacked=True,
    )


def _throttled_age() -> models.Panel:
    return lines(
        "Throttled: age of the oldest, time until none",
        "Age of the oldest task that still waits behind the concurrency limit, and the estimated time until none does. "
        "Models of which none was throttled for an hour are left out. The dashed lines are where the alerts begin.",
        [
            Query(
                "max by (model) (genmedia_throttled_oldest_age_seconds{@model}"
                " and max_over_time(genmedia_throttled_oldest_age_seconds{@model}[1h]) > 0)",
                "{{model}}",
            ),
            Query("max(genmedia_throttled_drain_seconds{@model})", "until none"),
        ],
        unit="s",
        steps=shared.throttled_steps(),
        overrides=[override("byName", "until none", **dashed("text"))],
        leads=[runbook("GenmediaThrottledTooOld")],
    )


def _by_outcome() -> models.Panel:
    return lines(
        "Ended tasks",
        "How tasks ended. Lost means that the end cannot be learnt.",
        [Query(counted("genmedia_tasks_finished_total{@model}", "outcome"), "{{outcome}}")],
        unit="short",
        colours=TASK_OUTCOME,
        bars=True,
    )


def _by_reason() -> models.Panel:
    return lines(
        "Failures by reason",
        "Why tasks failed. Moderation is the vendor's verdict on the prompt, an input or the output, and too much of "
        "it endangers the account.",
        [
            Query(
                counted('genmedia_tasks_finished_total{@model,outcome="failed"}', "reason") + " > 0",
                "{{reason}}",
            )
        ],
        unit="short",
        colours=REASON,
        bars=True,
        leads=[runbook("GenmediaModerationRateHigh")],
    )


def _time_by_model() -> models.Panel:
    buckets = 'sum by (model, le) (rate(genmedia_task_duration_seconds_bucket{@model,phase="total"}[$__rate_interval]))'
    return lines(
        "Generation time by model, p95",
        "From acceptance to the end of a task, waiting included: 95 % took less.",
        [Query(f"histogram_quantile(0.95, {buckets})", "{{model}}")],
        unit="s",
        every="2m",
    )


def _against_target() -> models.Panel:
    return lines(
        "Generation time without waiting, mean",
        "From leaving the throttle to the end of a task, the mean of 15 minutes: what the latency alerts watch. The "
        "dashed line is their target.",
        [
            Query("genmedia:generation_seconds:mean15m{@model}", "{{model}}"),
            Query(
                "genmedia:threshold:generation_seconds and on (provider) genmedia_account_read_up{@account}",
                "target {{provider}}",
            ),
        ],
        unit="s",
        overrides=[override("byRegexp", "/^target /", **dashed(SOFT))],
        leads=[runbook("GenmediaLatencyHigh")],
    )


def _phase(phase: str) -> models.Panel:
    return heat(
        f"Time {phase}",
        f"{PHASES[phase]} Inferred from polls: half a poll interval of error either way.",
        f'sum by (le) (increase(genmedia_task_duration_seconds_bucket{{@model,phase="{phase}"}}[$__rate_interval]))',
    )


def _orphans_over_time() -> models.Panel:
    return lines(
        "Orphaned tasks by model",
        "Open tasks without a webhook that their client has stopped polling.",
        [Query("sum by (model) (genmedia_tasks_orphaned{@model})", "{{model}}")],
        unit="short",
        stacked=True,
    )


def _waste_over_time() -> models.Panel:
    return lines(
        "Wasted by reason",
        "US dollars charged for tasks that failed, or whose result nobody came for (orphaned), since counting began.",
        [Query("sum by (reason) (genmedia_wasted_dollars_total{@model}) > 0", "{{reason}}")],
        unit="currencyUSD",
        colours=REASON,
        stacked=True,
    )
