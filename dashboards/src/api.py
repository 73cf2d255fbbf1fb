"""What goes over the wire: requests, failures, retries and latency, by endpoint and outcome."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards.src import shared
from dashboards.src.frame import Section, board
from dashboards.src.links import runbook
from dashboards.src.panels import figures, heat, lines
from dashboards.src.parts import Query
from dashboards.src.tables import Column, rows
from dashboards.src.thresholds import threshold
from dashboards.src.words import KIND, OUTCOME, PLAIN, SOFT, counted


def api() -> models.Dashboard:
    return board(
        "genmedia-api",
        "What goes over the wire: requests, failures, retries and latency, by endpoint and outcome.",
        [
            Section(
                "",
                [
                    (4, [shared.failing(), _rate_limited(), _retried()]),
                    (4, [_rate(), _latency_now(), _in_flight()]),
                    (8, [_failures(), _failing_over_time()]),
                    (9, [_endpoints()]),
                    (8, [_requests(), _retries()]),
                    (8, [_latency(), _latency_spread()]),
                ],
            )
        ],
    )


def _rate_limited() -> models.Panel:
    return figures(
        "Rate limited",
        "Creates that the vendor refused with a 429 in the last 15 minutes, of the model that has most: at Runway its "
        "rolling daily limit is used up. Orange where the alert begins.",
        [Query("max(round(increase(genmedia:creates_rate_limited:sum{@model}[15m])))")],
        unit="short",
        decimals=0,
        steps=[(threshold("rate_limited_requests"), SOFT)],
        leads=[runbook("GenmediaRateLimited")],
    )


def _retried() -> models.Panel:
    return figures(
        "Retried",
        "Attempts in the shown time that clients marked as retries, as a share of all creates. Clients that retry "
        "without saying so are not seen.",
        [
            Query(
                "sum(increase(genmedia_request_retries_total{@account}[$__range]))"
                ' / (sum(increase(genmedia_requests_total{@account,kind="create"}[$__range])) > 0)'
            )
        ],
        unit="percentunit",
        decimals=1,
        base="text",
        absent="no creates",
    )


def _rate() -> models.Panel:
    return figures(
        "Requests",
        "Requests a second on the wire, every attempt counted, over the last 5 minutes.",
        [
            Query(f'sum(rate(genmedia_requests_total{{@account,kind="{kind}"}}[5m]))', kind + "s")
            for kind in ("create", "poll")
        ],
        unit="reqps",
        decimals=2,
        base=PLAIN,
    )


def _latency_now() -> models.Panel:
    return figures(
        "Reply time, p95",
        "From the first byte of a request to the last byte of its reply, over the last 5 minutes: 95 % took less.",
        [
            Query(
                "histogram_quantile(0.95, sum by (le) "
                f'(rate(genmedia_request_duration_seconds_bucket{{@account,kind="{kind}"}}[5m])))',
                kind + "s",
            )
            for kind in ("create", "poll")
        ],
        unit="s",
        decimals=2,
        base=PLAIN,
    )


def _in_flight() -> models.Panel:
    return figures(
        "In flight",
        "Requests that the gateway has passed on and that have not ended yet.",
        [Query("sum(genmedia_requests_in_flight{@account})")],
        unit="short",
        decimals=0,
        base=PLAIN,
    )


def _failures() -> models.Panel:
    return lines(
        "Requests that did not succeed",
        "By outcome, all kinds of requests. docs/reference/metrics.md tells which of them are errors.",
        [Query(counted('genmedia_requests_total{@account,outcome!="success"}', "outcome") + " > 0", "{{outcome}}")],
        unit="short",
        colours=OUTCOME,
        bars=True,
    )


def _failing_over_time() -> models.Panel:
    return lines(
        "Failing requests over time",
        shared.VENDOR_FAILS_MEANS + " And the share of creates that the vendor refused.",
        [
            Query(shared.VENDOR_FAILS.format(by="kind", window="$__rate_interval"), "vendor fails {{kind}}s"),
            Query(shared.REFUSED_SHARE.format(by="kind", window="$__rate_interval"), "{{kind}}s refused"),
        ],
        unit="percentunit",
        steps=shared.vendor_fails_steps(),
        every="2m",
        leads=[runbook("GenmediaApiErrorBudgetBurning")],
    )


def _endpoints() -> models.Panel:
    return rows(
        "Endpoints",
        "In the shown time: requests, those that failed by the vendor's fault and those that it refused; reply times.",
        [
            Column("Endpoint", label="endpoint", width=240),
            Column("Kind", label="kind", width=80),
            Column("Requests", _requests_in_range(""), decimals=0),
            Column(
                "Vendor fails",
                _requests_in_range("," + shared.VENDOR_FAILED),
                decimals=0,
            ),
            Column("Refused", _requests_in_range("," + shared.REFUSED), decimals=0),
            *(
                Column(
                    f"p{q * 100:.0f}",
                    f"histogram_quantile({q}, sum by (endpoint, kind, le) "
                    "(rate(genmedia_request_duration_seconds_bucket{@account}[$__range])))",
                    unit="s",
                    decimals=2,
                )
                for q in (0.5, 0.95)
            ),
        ],
        sort="Requests",
        absent="none",
    )


def _requests_in_range(more: str) -> str:
    series = f'genmedia_requests_total{{@account,endpoint!=""{more}}}'
    return counted(series, "endpoint, kind", "$__range") + " > 0"


def _requests() -> models.Panel:
    return lines(
        "Requests by kind",
        "Requests a second on the wire, every attempt counted. Polls are most of the traffic.",
        [Query("sum by (kind) (rate(genmedia_requests_total{@account}[$__rate_interval]))", "{{kind}}")],
        unit="reqps",
        colours=KIND,
        stacked=True,
    )


def _retries() -> models.Panel:
    return lines(
        "Retries by endpoint",
        "Attempts that clients marked as retries: what their SDKs hide.",
        [
            Query(
                counted('genmedia_request_retries_total{@account,endpoint!=""}', "endpoint"),
                "{{endpoint}}",
            )
        ],
        unit="short",
        bars=True,
    )


def _latency() -> models.Panel:
    return lines(
        "Reply time by kind, p95",
        "From the first byte of a request to the last byte of its reply: 95 % took less.",
        [
            Query(
                "histogram_quantile(0.95, sum by (kind, le) "
                "(rate(genmedia_request_duration_seconds_bucket{@account}[$__rate_interval])))",
                "{{kind}}",
            )
        ],
        unit="s",
        colours=KIND,
        every="2m",
    )


def _latency_spread() -> models.Panel:
    return heat(
        "Reply time of creates",
        "How long the vendor takes to accept or refuse a generation.",
        'sum by (le) (increase(genmedia_request_duration_seconds_bucket{@account,kind="create"}[$__rate_interval]))',
    )
