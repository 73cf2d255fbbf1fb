"""What the daemon counts about itself."""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from monitor import __version__
from monitor.metrics import daemon_families, requests
from monitor.metrics.family import Family
from monitor.observations import Loss, Source
from monitor.store import Operation

Stage = Literal["route", "fields", "exchange", "reply", "decode", "sink", "socket"]
"""Where observing an exchange may fail."""
SECONDS_BOUNDS = (0.01, 0.05, 0.25, 1.0, 5.0)
"""Bounds for commits and jobs: a third of the library's, as each job has a series for each of them."""
Refusal = Literal["account", "target", "path", "header", "body", "malformed", "method", "coding", "browser", "shortage"]
"""Why the gateway itself refused a request."""
WebhookEvent = Literal["received", "forwarded", "failed", "refused", "dropped"]
"""What may happen to a webhook. Other calls are `unknown`, without an account."""


class SelfMetrics:
    """What the daemon counts about itself while it runs; each attribute is a `prometheus_client` metric.

    Labelled counts start at 0, so that Prometheus sees their first increment.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(family: Family) -> Counter:
            return Counter(family.name, family.help, family.labels, registry=registry)

        def gauge(family: Family) -> Gauge:
            return Gauge(family.name, family.help, family.labels, registry=registry)

        def histogram(family: Family) -> Histogram:
            return Histogram(family.name, family.help, family.labels, buckets=SECONDS_BOUNDS, registry=registry)

        disable_created_metrics()  # type: ignore[no-untyped-call]
        gauge(daemon_families.BUILD_INFO).labels(__version__, platform.python_version()).set(1)
        self.in_flight = gauge(requests.IN_FLIGHT)
        self.evaluated = gauge(daemon_families.EVALUATED)
        self.rows_skipped = gauge(daemon_families.ROWS_SKIPPED)
        self.observations = counter(daemon_families.OBSERVATIONS)
        self.dropped = counter(daemon_families.DROPPED)
        self.observer_errors = counter(daemon_families.OBSERVER_ERRORS)
        self.refused = counter(daemon_families.REFUSED)
        self.store_errors = counter(daemon_families.STORE_ERRORS)
        self.store_up = gauge(daemon_families.STORE_UP)
        self.commit_seconds = histogram(daemon_families.COMMIT_SECONDS)
        self.queue_length = gauge(daemon_families.QUEUE_LENGTH)
        self.models_capped = counter(daemon_families.MODELS_CAPPED)
        self.webhooks = counter(daemon_families.WEBHOOKS)
        self.webhooks.labels("", "unknown")
        self.webhooks_waiting = gauge(daemon_families.WEBHOOKS_WAITING)
        self.jobs_missed = counter(daemon_families.JOBS_MISSED)
        self.job_errors = counter(daemon_families.JOB_ERRORS)
        self.job_seconds = histogram(daemon_families.JOB_SECONDS)
        self.loop_lag = gauge(daemon_families.LOOP_LAG)
        self.reload_success = gauge(daemon_families.RELOAD_SUCCESS)
        self.reload_time = gauge(daemon_families.RELOAD_TIME)
        ProcessCollector(registry=registry)
        for source in get_args(Source):
            self.observations.labels(source)
        for operation in get_args(Operation):
            self.store_errors.labels(operation)
        for reason in get_args(Loss):
            self.dropped.labels(reason)
        for stage in get_args(Stage):
            self.observer_errors.labels(stage)
        for refusal in get_args(Refusal):
            self.refused.labels(refusal)

    def note_evaluation(self, providers: Mapping[str, str], failed: Collection[str], rows: Mapping[str, int]) -> None:
        """Show each account, by name with its provider, which of them failed, and the unreadable rows of each table."""
        self.evaluated.clear()
        for account, provider in providers.items():
            self.evaluated.labels(provider, account).set(account not in failed)
        for table, count in rows.items():
            self.rows_skipped.labels(table).set(count)

    def begin_webhooks(self, account: str) -> None:
        """Start the counts of an account that receives webhooks."""
        self.webhooks_waiting.labels(account)
        for event in get_args(WebhookEvent):
            self.webhooks.labels(account, event)

    def begin_job(self, name: str) -> None:
        """Start the counts of a scheduled job."""
        self.jobs_missed.labels(name)
        self.job_errors.labels(name)
        self.job_seconds.labels(name)
