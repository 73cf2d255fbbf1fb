"""How much of each limit is used, when it will be hit, when it frees, and how long the credits last."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards.src import shared
from dashboards.src.frame import Section, board
from dashboards.src.links import runbook
from dashboards.src.panels import figures, lines, ranks, states
from dashboards.src.parts import DASHED, Query, dashed, fixed, override
from dashboards.src.tables import Column, rows
from dashboards.src.thresholds import threshold
from dashboards.src.words import AUTOBILLING, HARD, OK, PLAIN, SOFT

LIMIT_NAMES = {
    "concurrency": ("at once", "text"),
    "daily_generations": ("in 24 hours", "text"),
    "monthly_spend_credits": ("bought", "text"),
    "credit_balance": ("credits", "text"),
}

UNCONFIRMED = (
    'label_replace(genmedia_tasks_unconfirmed{@model} > 0, "limit", "concurrency", "", "")'
    ' and on (provider, account, model) genmedia_limit{@limits,limit="concurrency"}'
)


def limits() -> models.Dashboard:
    return board(
        "genmedia-limits",
        "How much of each limit is used, when it will be hit, when it frees, and how long the credits last.",
        [
            Section("", [(4, [shared.closest_limit(), shared.time_left(), shared.credits_last(), _balance()])]),
            Section(
                "Limits",
                [(9, [_limits()]), (9, [_use(), _time_left()]), (9, [_window(), _generations()])],
            ),
            Section(
                "Credits",
                [
                    (8, [shared.balance_over_time(), _burn()]),
                    (8, [_runway(), _spend()]),
                    (6, [_autobilling(), _bought()]),
                ],
            ),
            Section("Without limits: queues that fill up", [(7, [_capacity(), _concurrency()])]),
            Section("Tier and unseen traffic", [(5, [_tier(), _unseen(), _trust()])]),
        ],
        since="now-6h",
    )


def _balance() -> models.Panel:
    return figures(
        "Balance",
        "What is left, in US dollars, credits at the provider's dated price.",
        [Query("genmedia_balance_dollars{@account}", "{{account}}")],
        unit="currencyUSD",
        decimals=0,
        base=PLAIN,
    )


def _limits() -> models.Panel:
    by = "by (account, model, limit)"
    every = '@limits,limit!="daily_generations_ledger"'
    return rows(
        "Limits in use",
        "Every limit of which something is used. Without a model it is the whole account's. A full concurrency "
        "limit is healthy, and so it has no state; it counts the tasks whose newest poll said pending or running, and "
        "those that no poll has confirmed stand apart. Daily generations are those of the rolling 24 hours, as the "
        "provider counts them. A full limit frees when use falls below it; not known: the gateway did not see all of "
        "that use.",
        [
            Column("Model", label="model", width=150),
            Column("Limit", label="limit", words=LIMIT_NAMES, width=100),
            Column("Share", f"max {by} (genmedia_saturation_ratio{{{every}}} > 0)", unit="percentunit", decimals=0),
            Column("State", f"max {by} ({shared.EACH_LIMIT_STATE})", words=shared.LIMIT_STATES, absent="not judged"),
            Column(
                "Hit in",
                f"max {by} (0 * {shared.FULL} or genmedia_limit_exhaustion_seconds{{@limits}}"
                f" or (0 * ({shared.CLOSEST} > 0) - 1) * on (provider, account) group_left () (1 + {shared.EARLY}))",
                unit="s",
                decimals=1,
                words=shared.HIT_IN,
                absent="not forecast",
            ),
            Column(
                "Frees in",
                f"max {by} ({shared.FREES_IN})",
                unit="s",
                decimals=1,
                words=shared.FREES_WORDS,
                absent="not full",
            ),
            Column("Used", f"max {by} (genmedia_limit_used{{{every}}} > 0)", decimals=0),
            Column(
                "Of",
                f"max {by} (genmedia_limit{{{every}}} and genmedia_limit_used{{{every}}} > 0)",
                decimals=0,
                absent="no limit",
            ),
            Column("More, not confirmed", f"max {by} ({UNCONFIRMED})", decimals=0, absent="none"),
            Column("Account", label="account"),
        ],
        sort="Share",
    )


def _use() -> models.Panel:
    return lines(
        "Use of limits",
        "Share used of each limit that is used at all, concurrency left out, with the daemon's thresholds.",
        [
            Query(f"{shared.CLOSEST} > 0", "{{account}} {{model}} {{limit}}"),
            Query(shared.THRESHOLDS, "{{level}}"),
        ],
        unit="percentunit",
        top=1,
        overrides=DASHED,
    )


def _time_left() -> models.Panel:
    return lines(
        "Forecast: time left",
        "Expected time until a limit is hit, forecast once a minute, or the credits are gone (credit_balance). A "
        "line that falls by an hour an hour is a forecast that holds; no line: no hit is foreseen, or it has happened. "
        "The dashed line is where the alert on daily limits begins.",
        [
            Query("genmedia_limit_exhaustion_seconds{@limits}", "{{account}} {{model}} {{limit}}"),
            Query("genmedia:threshold:daily_limit_exhaustion_seconds", "alert"),
        ],
        unit="s",
        overrides=[override("byName", "alert", **dashed(SOFT))],
    )


def _window() -> models.Panel:
    by = "by (account, model)"
    return rows(
        "Rolling 24 hours: slots that free",
        "Daily limits have no midnight: a generation counts for 24 hours. When the next slot frees and how many do "
        "within the next hours, of the generations that passed through the gateway.",
        [
            Column("Model", label="model", width=150),
            Column("Used", f'max {by} (genmedia_limit_used{{@model,limit="daily_generations"}} > 0)', decimals=0),
            Column("Left", f"max {by} ({shared.DAILY_LEFT})", decimals=0),
            Column(
                "Next",
                f"max {by} (genmedia_daily_generations_next_free_seconds{{@model}})",
                unit="s",
                decimals=1,
                absent="none seen",
            ),
            *(
                Column(
                    f"in {within}",
                    f'max {by} (genmedia_daily_generations_freeing{{@model,within="{within}"}})',
                    decimals=0,
                    absent="none seen",
                )
                for within in ("1h", "4h", "12h")
            ),
            Column("Account", label="account"),
        ],
        sort="Used",
    )


def _generations() -> models.Panel:
    return lines(
        "Generations in the rolling 24 hours",
        "The provider's own count, and what passed through the gateway. Where the first is above the second, some "
        "traffic is not seen, or the gateway has not watched for 24 hours yet.",
        [
            Query('sum by (account) (genmedia_limit_used{@model,limit="daily_generations"})', "{{account}} provider"),
            Query(
                'sum by (account) (genmedia_limit_used{@model,limit="daily_generations_ledger"})', "{{account}} gateway"
            ),
        ],
        unit="short",
    )


def _pace(window: str) -> str:
    """Dollars an hour over as much of the window as was watched."""
    which = f'{{@account,window="{window}"}}'
    return f"3600 * genmedia_burn_dollars{which} / genmedia_burn_watched_seconds{which}"


def _burn() -> models.Panel:
    return lines(
        "Burn per hour",
        "US dollars an hour that left the balance in the last hour and in the last day; after a start, in so much of "
        "them as the balance was watched. The runway beside it is the balance over the first, or over the second "
        "where the hour had no burn.",
        [
            Query(_pace("1h"), "{{account}} last hour"),
            Query(_pace("24h"), "{{account}} last day"),
        ],
        unit="currencyUSD",
    )


def _runway() -> models.Panel:
    return lines(
        "Credits last",
        "How long the balance lasts at the present burn, which stands beside it, with the configured thresholds.",
        [
            Query("genmedia_credit_runway_seconds{@account}", "{{account}}"),
            Query(shared.RUNWAY_THRESHOLDS, "{{level}}"),
        ],
        unit="s",
        overrides=DASHED,
    )


def _spend() -> models.Panel:
    return ranks(
        "Spend by model, 30 days",
        "As the provider's usage says, refunds deducted: the ten largest.",
        [Query('topk(10, sum by (model) (genmedia_spent_dollars{@model,window="30d"}))', "{{model}}")],
        unit="currencyUSD",
        decimals=2,
    )


def _autobilling() -> models.Panel:
    words = {str(place): (state, colour) for place, (state, colour) in enumerate(AUTOBILLING.items())}
    places = " or ".join(
        f'{place} * max by (account) (genmedia_autobilling_state{{@account,state="{state}"}} == 1)'
        for place, state in enumerate(AUTOBILLING)
    )
    return states(
        "Autobilling",
        "Whether the recharge configured for this account comes when it should. due: the balance is below the "
        "threshold; overdue: for too long; clipped: less came than configured; stopped: the cap of purchases is hit.",
        [Query(places, "{{account}}")],
        words=words,
        leads=[runbook("GenmediaAutobillingOverdue")],
    )


def _bought() -> models.Panel:
    return figures(
        "Bought and refunded",
        "Credits that came back to the balance since the monitor first saw the account, told apart by size and timing.",
        [
            Query("sum(genmedia_credit_recharged_credits_total{@account})", "credits bought"),
            Query("sum(genmedia_credit_recharges_total{@account})", "recharges"),
            Query("sum(genmedia_credit_refunded_credits_total{@account})", "credits refunded"),
        ],
        unit="short",
        decimals=0,
        base=PLAIN,
    )


def _capacity() -> models.Panel:
    approaching, saturated = (
        f'max by (account, model) (genmedia_capacity_state{{@model,state="{state}"}})'
        for state in ("approaching", "saturated")
    )
    return states(
        "Capacity",
        "How each model's queue stands at a provider without limits, by how long tasks take against what they usually "
        "take, and by how many find no room.",
        [Query(f"{approaching} + 2 * {saturated}", "{{account}} {{model}}")],
        words={"0": ("healthy", OK), "1": ("approaching", SOFT), "2": ("saturated", HARD)},
        leads=[runbook("GenmediaCapacitySaturated")],
    )


def _concurrency() -> models.Panel:
    return lines(
        "Concurrency: used and recommended",
        "Tasks open at once on average over 5 minutes, and how many a client should have open at most at a provider "
        "without limits.",
        [
            Query("genmedia:concurrency:mean5m{@model}", "{{account}} {{model}} used"),
            Query(
                "max by (account, model) (genmedia_recommended_concurrency{@model})",
                "{{account}} {{model}} recommended",
            ),
        ],
        unit="short",
        overrides=[override("byRegexp", "/recommended$/", **dashed(SOFT))],
        leads=[runbook("GenmediaConcurrencyAboveRecommended")],
    )


def _tier() -> models.Panel:
    return figures(
        "Tier",
        "The usage tier as configured and as the live limits show it, and the lowest one that the last 7 and 30 days "
        "would have needed. Mismatches are limits that the dated table has otherwise than the provider.",
        [
            Query("max by (source) (genmedia_tier{@account})", "{{source}}"),
            Query("max by (window) (genmedia_recommended_tier{@account})", "needed {{window}}"),
            Query("max(genmedia_tier_table_mismatches{@account})", "mismatches"),
        ],
        unit="short",
        decimals=0,
        base=PLAIN,
        leads=[runbook("GenmediaTierTooSmall")],
    )


def _unseen() -> models.Panel:
    return figures(
        "Unseen traffic",
        "Share of the provider's generations of 24 hours that did not pass through the gateway, as a range: above 0 at "
        "least is certain, perhaps a leaked key. Told once the gateway has watched for 24 hours. Orange: the alert's.",
        [
            Query('max(genmedia_unseen_generations_ratio{@model,bound="low"})', "at least"),
            Query('max(genmedia_unseen_generations_ratio{@model,bound="high"})', "at most"),
            Query("min(genmedia_ledger_coverage_ratio{@account})", "of 24 h watched"),
        ],
        unit="percentunit",
        decimals=1,
        steps=[(threshold("unseen_generations_ratio"), SOFT)],
        overrides=[override("byName", name, color=fixed(PLAIN)) for name in ("at most", "of 24 h watched")],
        leads=[runbook("GenmediaUnseenTraffic")],
    )


def _trust() -> models.Panel:
    return figures(
        "Trust in the forecast",
        "Of the warnings of the last 4 weeks, the share that was right; of the limits hit, the share foretold; of the "
        "last 30 days, the share of which all purchases are known.",
        [
            Query("min(genmedia_forecast_precision_ratio{@account})", "warnings right"),
            Query("min(genmedia_forecast_recall_ratio{@account})", "hits foretold"),
            Query("min(genmedia_purchase_coverage_ratio{@account})", "purchases known"),
        ],
        unit="percentunit",
        decimals=1,
        base=PLAIN,
        leads=[runbook("GenmediaForecastPoor")],
    )
