"""Panels and expressions that more than one board shows."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards.src.links import runbook, to
from dashboards.src.panels import figures, lines
from dashboards.src.parts import GRADES, Query, Steps, fixed, graded, mappings, override, thresholds
from dashboards.src.thresholds import threshold
from dashboards.src.words import HARD, OK, PLAIN, SOFT
from monitor.judgement.outcomes import Blame, outcomes

OURS = "on (job, instance) genmedia_monitor_build_info"
UP = "min(up and on (job, instance) last_over_time(genmedia_monitor_build_info[1h]))"

# A full concurrency limit is healthy: it is judged by how long tasks wait. A limit of 0 means nothing was bought yet.
CLOSEST = (
    "max by (provider, account, model, limit) "
    '(genmedia_saturation_ratio{@limits,limit=~"daily_generations|monthly_spend_credits"}'
    " and genmedia_limit{@limits} > 0)"
)
SATURATION_THRESHOLD = 'genmedia_saturation_threshold_ratio{level="@level"}'
RUNWAY_THRESHOLD = 'genmedia_credit_runway_threshold_seconds{level="@level"}'
THRESHOLDS = 'min by (level) (genmedia_saturation_threshold_ratio{@account,limit!="concurrency"})'
RUNWAY_THRESHOLDS = "min by (level) (genmedia_credit_runway_threshold_seconds{@account})"
EARLY = "(1 - max by (provider, account) (genmedia_forecast_ready{@account}))"
# The larger of the provider's count and the gateway's decides.
FULL = (
    "(max by (provider, account, model, limit) (("
    'genmedia_saturation_ratio{@limits,limit=~"daily_generations|monthly_spend_credits"}'
    ' or label_replace(genmedia_saturation_ratio{@limits,limit="daily_generations_ledger"}, "limit",'
    ' "daily_generations", "", "")) >= 1 and genmedia_limit{@limits} > 0))'
)
HIT_IN = {"0": ("full", HARD), "-1": ("none expected", OK), "-2": ("too early", "text")}
FREES_IN = f"genmedia_limit_free_seconds{{@limits}} or 0 * {FULL} - 1"
FIRST_FREES_IN = "min by (@by) (genmedia_limit_free_seconds{@limits}) or 0 * max by (@by) (" + FULL + ") - 1"
FREES_WORDS = {"-1": ("not known", "text")}

_PAST = " + ".join(
    f"({{saturation}} >= bool on (provider, account, limit) group_left () "
    f'genmedia_saturation_threshold_ratio{{{{level="{level}"}}}})'
    for level in ("soft", "hard")
)
LIMIT_STATE = f"max by (provider, account) ({_PAST.format(saturation=CLOSEST)})"
EACH_LIMIT_STATE = f"{_PAST.format(saturation=CLOSEST)} and {CLOSEST} > 0"
LIMIT_STATES = {"0": ("ok", OK), "1": ("past soft", SOFT), "2": ("past hard", HARD)}
DAILY_LEFT = (
    'genmedia_limit{@model,limit="daily_generations"} - on (provider, account, model) '
    '(genmedia_limit_used{@model,limit="daily_generations"} > 0)'
)

VENDOR_FAILS_MEANS = (
    "Share of the creates and polls that failed by the vendor's fault: overloaded, unreachable, timed out, broken off. "
    "Coloured from the shares on at which the error budget burns as fast as the alerts over 6 h and 1 h allow."
)
VENDOR_FAILS = (
    "sum by ({by}) (increase(genmedia:slo_errors:sum{{@account}}[{window}]))"
    " / (sum by ({by}) (increase(genmedia:slo_requests:sum{{@account}}[{window}])) > 0)"
)
VENDOR_FAILED = f'outcome=~"{"|".join(outcomes(Blame.VENDOR))}"'
REFUSED = f'outcome=~"{"|".join(outcomes(Blame.REFUSED))}"'
REFUSED_SHARE = (
    'sum by ({by}) (increase(genmedia:outcomes:sum{{@account,kind="create",' + REFUSED + "}}[{window}]))"
    ' / (sum by ({by}) (increase(genmedia:outcomes:sum{{@account,kind="create",outcome!="client_gone"}}'
    "[{window}])) > 0)"
)
GENERATION_TIME = (
    "histogram_quantile(0.95, sum by ({by}) "
    '(rate(genmedia_task_duration_seconds_bucket{{@model,phase="total"}}[15m]))) > 0'
)
FIRING_SINCE = (
    "max by (alertname, severity, account, model) (ALERTS_FOR_STATE{@alerts} "
    'and ignoring (alertstate) ALERTS{@alerts,alertstate="firing"}) * 1000'
)


def vendor_fails_steps() -> Steps:
    """The shares at which the error budget burns too fast for 6 h, and for 1 h."""
    budget = 1 / threshold("requests_per_error")
    return [(threshold("burn_rate_6h") * budget, SOFT), (threshold("burn_rate_1h") * budget, HARD)]


def throttled_steps() -> Steps:
    """Too old, and so old that clients are about to give up."""
    return [
        (threshold("throttled_age_seconds"), SOFT),
        (threshold("client_wait_seconds") - threshold("client_wait_left_seconds"), HARD),
    ]


def firing_alerts() -> models.Panel:
    """How many there are of the severities that ask for action."""
    firing = 'count(ALERTS{{@alerts,alertstate="firing",severity="{severity}"}})'
    none = '0 * count(ALERTS{alertname="GenmediaWatchdog",alertstate="firing"})'
    colours = {"critical": HARD, "warning": SOFT}
    return figures(
        "Firing alerts",
        "How many alerts fire now. Unknown when Prometheus has not loaded the rules: the watchdog must always fire.",
        [Query(f"{firing.format(severity=severity)} or {none}", severity) for severity in colours],
        unit="short",
        decimals=0,
        overrides=[
            override("byName", name, thresholds=thresholds([(1, colour)], base=OK)) for name, colour in colours.items()
        ],
    )


def failing() -> models.Panel:
    return figures(
        "Failing requests",
        VENDOR_FAILS_MEANS
        + " And the share of creates that the vendor refused: invalid, no credits, key, daily limit. "
        "Over the last 5 minutes.",
        [
            Query(VENDOR_FAILS.format(by="", window="5m"), "vendor fails"),
            Query(REFUSED_SHARE.format(by="", window="5m"), "creates refused"),
        ],
        unit="percentunit",
        decimals=1,
        steps=vendor_fails_steps(),
        absent="no requests",
        overrides=[override("byName", "creates refused", color=fixed(PLAIN))],
        leads=[to("genmedia-api"), runbook("GenmediaApiErrorBudgetBurning")],
    )


def throttled() -> models.Panel:
    return figures(
        "Throttled",
        "Tasks that wait behind the concurrency limit, and the age of the oldest. Waiting is healthy; orange and red "
        "from the age on at which the alerts begin.",
        [
            Query('sum(genmedia_tasks{@model,status="throttled"})', "tasks"),
            Query("max(genmedia_throttled_oldest_age_seconds{@model})", "oldest"),
        ],
        unit="s",
        decimals=0,
        steps=throttled_steps(),
        overrides=[override("byName", "tasks", unit="short", color=fixed(PLAIN))],
        leads=[to("genmedia-tasks"), runbook("GenmediaThrottledTooOld")],
    )


def generation_time() -> models.Panel:
    return figures(
        "Generation time, p95",
        "From acceptance to the end of a task, waiting included, over the last 15 minutes: 95 % took less.",
        [Query(GENERATION_TIME.format(by="le"))],
        unit="s",
        decimals=0,
        base=PLAIN,
        absent="none ended",
        leads=[to("genmedia-tasks"), runbook("GenmediaLatencyHigh")],
    )


def closest_limit() -> models.Panel:
    return figures(
        "Closest limit",
        "The limit with the largest share used, concurrency left out. Orange and red from the daemon's soft and hard "
        "thresholds on. At 100 % the vendor refuses the next generation.",
        graded(f"topk(1, {CLOSEST})", SATURATION_THRESHOLD, "provider, account, limit", legend="{{model}} {{limit}}"),
        unit="percentunit",
        decimals=0,
        absent="no limits known",
        overrides=GRADES,
        leads=[to("genmedia-limits"), runbook("GenmediaDailyLimitApproaching")],
    )


def time_left() -> models.Panel:
    return figures(
        "Time left",
        "Expected time until the first limit is hit or the credits are gone, at the present pace. Where a limit "
        "is full, the time until it has room again. Too early: the daemon has not watched for an hour. Orange where "
        "the alert on daily limits begins.",
        [
            Query(
                f"0 * max({FULL}) or min(genmedia_limit_exhaustion_seconds{{@limits}}) or -1 - max({EARLY})", "hit in"
            ),
            Query(FIRST_FREES_IN.replace("@by", ""), "frees in"),
        ],
        unit="s",
        decimals=1,
        base=SOFT,
        steps=[(threshold("daily_limit_exhaustion_seconds"), PLAIN)],
        words=HIT_IN,
        overrides=[override("byName", "frees in", mappings=mappings(FREES_WORDS), color=fixed(PLAIN))],
        leads=[to("genmedia-limits"), runbook("GenmediaDailyLimitPredicted")],
    )


def credits_last() -> models.Panel:
    return figures(
        "Credits last",
        "The account whose balance is gone first at the present burn. Orange and red from the configured soft and hard "
        "thresholds on.",
        graded(
            "bottomk(1, genmedia_credit_runway_seconds{@account})",
            RUNWAY_THRESHOLD,
            "provider, account",
            legend="{{account}}",
            low=True,
            otherwise="-1 * group(genmedia_credit_balance_credits{@account})",
        ),
        unit="s",
        decimals=1,
        words={"-1": ("not known yet", "text"), "0": ("none left", HARD)},
        overrides=GRADES,
        leads=[to("genmedia-limits"), runbook("GenmediaCreditsLow")],
    )


def balance_over_time() -> models.Panel:
    """The balance of each account."""
    return lines(
        "Balance",
        "What is left, in US dollars, credits at the provider's dated price. Blue marks are recharges.",
        [Query("genmedia_balance_dollars{@account}", "{{account}}")],
        unit="currencyUSD",
    )
