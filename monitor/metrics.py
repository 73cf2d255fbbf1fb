"""Every metric: its name, its labels, its help."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "genmedia"


class Own:
    """What the daemon counts about itself while it runs; each attribute is a `prometheus_client` metric."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"{PREFIX}_monitor_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"{PREFIX}_monitor_{name}", text, labels, registry=registry)

        self.in_flight = Gauge(
            f"{PREFIX}_requests_in_flight",
            "Requests that the gateway has passed on and that have not ended yet.",
            ("provider", "account"),
            registry=registry,
        )
        self.observations = counter("observations", "Observations applied, by way in.", "source")
        self.dropped = counter("observations_dropped", "Observations lost, by reason.", "reason")
        self.observer_errors = counter("observer_errors", "Exchanges passed on but not understood.", "stage")
        self.refused = counter("gateway_refused", "Requests that the gateway itself refused.", "reason")
        self.store_errors = counter("store_errors", "Failed database operations.", "operation")
        self.store_up = gauge("store_up", "1 while the last write to the store worked.")
        self.commit_seconds = Histogram(
            f"{PREFIX}_monitor_commit_seconds", "Time to commit one batch of observations.", registry=registry
        )
        self.queue_length = gauge("queue_length", "Observations waiting for the next commit.")
        self.models_capped = counter("models_capped", "Observations whose model went to `other`.", "account")
        self.jobs_missed = counter("jobs_missed", "Scheduled runs that did not start.", "job")
        self.job_errors = counter("job_errors", "Scheduled runs that raised.", "job")
        self.job_seconds = Histogram(
            f"{PREFIX}_monitor_job_seconds", "Duration of scheduled runs.", ("job",), registry=registry
        )
        self.loop_lag = gauge("loop_lag_seconds", "How late the event loop woke up last.")
        self.reload_success = gauge("config_last_reload_successful", "1 when the last configuration load worked.")
        self.reload_time = gauge("config_last_reload_success_timestamp_seconds", "When a configuration last loaded.")
