"""What the daemon counts about itself."""

from __future__ import annotations

import platform

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from monitor import __version__
from monitor.metrics import families
from monitor.metrics.families import Family


class Own:
    """What the daemon counts about itself while it runs; each attribute is a `prometheus_client` metric."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(family: Family) -> Counter:
            return Counter(family.name, family.help, family.labels, registry=registry)

        def gauge(family: Family) -> Gauge:
            return Gauge(family.name, family.help, family.labels, registry=registry)

        def histogram(family: Family) -> Histogram:
            return Histogram(family.name, family.help, family.labels, registry=registry)

        disable_created_metrics()  # type: ignore[no-untyped-call]
        gauge(families.BUILD_INFO).labels(__version__, platform.python_version()).set(1)
        self.in_flight = gauge(families.REQUESTS_IN_FLIGHT)
        self.observations = counter(families.OBSERVATIONS)
        self.dropped = counter(families.DROPPED)
        self.observer_errors = counter(families.OBSERVER_ERRORS)
        self.refused = counter(families.REFUSED)
        self.store_errors = counter(families.STORE_ERRORS)
        self.store_up = gauge(families.STORE_UP)
        self.commit_seconds = histogram(families.COMMIT_SECONDS)
        self.queue_length = gauge(families.QUEUE_LENGTH)
        self.models_capped = counter(families.MODELS_CAPPED)
        self.jobs_missed = counter(families.JOBS_MISSED)
        self.job_errors = counter(families.JOB_ERRORS)
        self.job_seconds = histogram(families.JOB_SECONDS)
        self.loop_lag = gauge(families.LOOP_LAG)
        self.reload_success = gauge(families.RELOAD_SUCCESS)
        self.reload_time = gauge(families.RELOAD_TIME)
        ProcessCollector(registry=registry)
