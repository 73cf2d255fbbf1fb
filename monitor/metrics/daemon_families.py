"""The families about the daemon itself: `genmedia_monitor_*`."""

from __future__ import annotations

from monitor.metrics.family import Family, FigureSource, Type


def _own(name: str, kind: Type, text: str, *labels: str) -> Family:
    return Family(f"genmedia_monitor_{name}", kind, labels, text, FigureSource.DAEMON)


BUILD_INFO = _own("build_info", Type.GAUGE, "Always 1. The labels show the versions that run.", "version", "python")
EVALUATION_TIME = _own(
    "last_evaluation_timestamp_seconds", Type.GAUGE, "Unix time of the evaluation behind the account series."
)
EVALUATED = _own(
    "account_evaluated",
    Type.GAUGE,
    "1 when the last evaluation of the account worked. 0 when it failed: the account's figures stay as they were.",
    "provider",
    "account",
)
ROWS_SKIPPED = _own(
    "store_rows_skipped", Type.GAUGE, "Rows skipped since the start because this version cannot read them.", "table"
)
OBSERVATIONS = _own("observations_total", Type.COUNTER, "Applied observations by source.", "source")
DROPPED = _own("observations_dropped_total", Type.COUNTER, "Lost observations by reason.", "reason")
OBSERVER_ERRORS = _own(
    "observer_errors_total", Type.COUNTER, "Exchanges that were passed on but not understood.", "stage"
)
REFUSED = _own("gateway_refused_total", Type.COUNTER, "Requests that the gateway itself refused.", "reason")
STORE_ERRORS = _own("store_errors_total", Type.COUNTER, "Failed database operations.", "operation")
STORE_UP = _own("store_up", Type.GAUGE, "1 when the last write to the store worked.")
COMMIT_SECONDS = _own("commit_seconds", Type.HISTOGRAM, "Time to commit one batch of observations.")
QUEUE_LENGTH = _own("queue_length", Type.GAUGE, "Observations waiting for the next commit.")
MODELS_CAPPED = _own(
    "models_capped_total", Type.COUNTER, "Observations whose model or other labels became `other`.", "account"
)
WEBHOOKS = _own(
    "webhooks_total",
    Type.COUNTER,
    "Webhooks by event. `received`: taken in. `forwarded`: the application has it. `refused`: too many wait, the "
    "store fails, or the body is too large, too slow or malformed. `dropped`: given up after three days. "
    "`failed`: an attempt to forward it failed. Calls without account and secret are `unknown`, under an empty "
    "account.",
    "account",
    "event",
)
WEBHOOKS_WAITING = _own(
    "webhooks_waiting", Type.GAUGE, "Webhooks that the application has not accepted yet.", "account"
)
JOBS_MISSED = _own("jobs_missed_total", Type.COUNTER, "Scheduled runs that did not start.", "name")
JOB_ERRORS = _own("job_errors_total", Type.COUNTER, "Scheduled runs that failed.", "name")
JOB_SECONDS = _own("job_seconds", Type.HISTOGRAM, "Duration of scheduled runs.", "name")
LOOP_LAG = _own("loop_lag_seconds", Type.GAUGE, "Delay of the event loop's last wake-up.")
RELOAD_SUCCESS = _own(
    "config_last_reload_successful",
    Type.GAUGE,
    "1 when the last configuration load worked. 0 when the configuration was rejected.",
)
RELOAD_TIME = _own(
    "config_last_reload_success_timestamp_seconds", Type.GAUGE, "Unix time of the last successful configuration load."
)

DAEMON_FAMILIES = tuple(value for value in list(vars().values()) if isinstance(value, Family))
