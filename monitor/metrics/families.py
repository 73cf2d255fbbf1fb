"""Every exported family, and the source of `docs/reference/metrics.md`. A public name keeps its meaning."""

from __future__ import annotations

from monitor.metrics.daemon_families import DAEMON_FAMILIES
from monitor.metrics.family import Family, FigureSource, Type
from monitor.tasks.counters import PART, CounterSpec

ACCOUNT_LABELS = ("provider", "account")


def _account(name: str, kind: Type, source: FigureSource, text: str, *labels: str) -> Family:
    return Family(f"genmedia_{name}", kind, (*ACCOUNT_LABELS, *labels), text, source)


def _counted(name: str, counter: CounterSpec, source: FigureSource, text: str) -> Family:
    """The family of a durable count, which gives it its labels."""
    labels = (label for label in counter.labels if label != PART)
    kind = Type.HISTOGRAM if counter.bounds else Type.COUNTER
    return Family(f"genmedia_{name}", kind, (*ACCOUNT_LABELS, *labels), text, source, counter)


REQUESTS = _counted(
    "requests_total",
    CounterSpec.REQUESTS,
    FigureSource.TRAFFIC,
    "Requests on the wire, every attempt counted. A poll that reports a failed task is a success. Each kind and "
    "outcome starts at 0 with the other labels empty.",
)
REQUEST_RETRIES = _counted(
    "request_retries_total",
    CounterSpec.REQUEST_RETRIES,
    FigureSource.TRAFFIC,
    "Attempts that the client marked as retries, or that name a task which was sent before; others are not seen.",
)
REQUEST_SECONDS = _counted(
    "request_duration_seconds",
    CounterSpec.REQUEST_SECONDS,
    FigureSource.TRAFFIC,
    "Time from the first byte of a request to the last byte of its reply, the client's own slowness included.",
)
REQUESTS_IN_FLIGHT = _account(
    "requests_in_flight",
    Type.GAUGE,
    FigureSource.DAEMON,
    "Requests that this daemon's gateway has passed on and that have not ended yet.",
)
TASKS_CREATED = _counted(
    "tasks_created_total",
    CounterSpec.TASKS_CREATED,
    FigureSource.TASKS,
    "Generations that the vendor accepted. What it refused at the door is a request only.",
)
TASKS = _account(
    "tasks",
    Type.GAUGE,
    FigureSource.TASKS,
    "Open tasks by the status last seen; before its first poll a task counts as pending.",
    "model",
    "status",
)
TASKS_UNCONFIRMED = _account(
    "tasks_unconfirmed",
    Type.GAUGE,
    FigureSource.TASKS,
    "Pending or running tasks that the newest poll does not show so: none was made since the task was accepted, it did "
    "not find the task, or it is older than 10 minutes. Tasks that were never polled are among the pending of "
    "genmedia_tasks.",
    "model",
)
TASKS_FINISHED = _counted(
    "tasks_finished_total",
    CounterSpec.TASKS_FINISHED,
    FigureSource.TASKS,
    "Tasks that ended, counted when a poll or a follow-up shows it. The reason is empty unless the outcome is failed; "
    "lost means that the end cannot be learnt.",
)
TASK_SECONDS = _counted(
    "task_duration_seconds",
    CounterSpec.TASK_SECONDS,
    FigureSource.TASKS,
    "Time a finished task spent in each phase, inferred from polls: a change lies halfway between the two sightings "
    "around it. Phases nobody saw are not observed, lost tasks not at all.",
)
THROTTLED_OLDEST_AGE = _account(
    "throttled_oldest_age_seconds",
    Type.GAUGE,
    FigureSource.TASKS,
    "Age of the oldest task last seen throttled, 0 when none is.",
    "model",
)
THROTTLED_DRAIN = _account(
    "throttled_drain_seconds",
    Type.GAUGE,
    FigureSource.TASKS,
    "Estimated time until no present task is throttled, from the recent pace or the concurrency limit and recent "
    "durations; 0 when none is throttled, absent without evidence.",
    "model",
)
TASKS_ORPHANED = _account(
    "tasks_orphaned",
    Type.GAUGE,
    FigureSource.TASKS,
    "Open tasks without a webhook that their client has stopped polling.",
    "model",
)
LIMIT = _account(
    "limit",
    Type.GAUGE,
    FigureSource.READS,
    "A limit in its own unit; 0 is a real limit. Absent where unlimited or unknown.",
    "model",
    "limit",
)
LIMIT_USED = _account(
    "limit_used",
    Type.GAUGE,
    FigureSource.READS,
    "Use of a limit in its own unit. concurrency counts the tasks whose newest poll said pending or running "
    "(genmedia_tasks_unconfirmed has the others), also one that has ended since; daily_generations is the provider's "
    "own figure, daily_generations_ledger what we saw accepted in 24 hours.",
    "model",
    "limit",
)
SATURATION = _account(
    "saturation_ratio",
    Type.GAUGE,
    FigureSource.READS,
    "Use of a limit over the limit, 1 when full; a limit of 0 is full. A full concurrency limit is healthy: watch how "
    "long tasks are throttled.",
    "model",
    "limit",
)
THRESHOLD = _account(
    "saturation_threshold_ratio",
    Type.GAUGE,
    FigureSource.CONFIGURATION,
    "Saturation from which on a limit deserves attention (soft) and action (hard), as configured.",
    "limit",
    "level",
)
EXHAUSTION = _account(
    "limit_exhaustion_seconds",
    Type.GAUGE,
    FigureSource.TASKS,
    "Expected time until a limit is hit, from what expires and what comes. Absent when no hit is predicted, and while "
    "the limit is hit: saturation tells that. credit_balance is hit when the credits are gone.",
    "model",
    "limit",
)
READY = _account(
    "forecast_ready",
    Type.GAUGE,
    FigureSource.TASKS,
    "1 when enough was watched to forecast daily limits; while it is 0 it is too early to say that no hit is expected.",
)
FREE = _account(
    "limit_free_seconds",
    Type.GAUGE,
    FigureSource.TASKS,
    "Time until use of a full limit falls below it: slots that free, purchases that grow 30 days old. Absent while the "
    "limit is not full, and where the gateway did not see all of its use; 0 when the provider's count is older than a "
    "slot that has freed.",
    "model",
    "limit",
)
NEXT_FREE = _account(
    "daily_generations_next_free_seconds",
    Type.GAUGE,
    FigureSource.TASKS,
    "Time until the first slot of the rolling 24 hours frees, of the generations that passed through the gateway. "
    "Absent while none is taken.",
    "model",
)
FREEING = _account(
    "daily_generations_freeing",
    Type.GAUGE,
    FigureSource.TASKS,
    "Of the generations that passed through the gateway and count towards the daily limit now, those that no longer do "
    "after this time.",
    "model",
    "within",
)
COVERAGE = _account(
    "ledger_coverage_ratio",
    Type.GAUGE,
    FigureSource.TASKS,
    "Share of the last 24 hours in which the gateway watched; below 1 our own count of generations may be short.",
)
DRIFT = _account(
    "ledger_drift_generations",
    Type.GAUGE,
    FigureSource.READS,
    "The provider's count of generations in 24 hours less our own at that time: above 0, some do not pass through the "
    "gateway. Absent unless nearly all of the 24 hours were watched.",
    "model",
)
UNSEEN = _account(
    "unseen_generations_ratio",
    Type.GAUGE,
    FigureSource.READS,
    "Share of the provider's generations of 24 hours that did not pass through the gateway. low and high bound it with "
    "95 % confidence: small numbers, moments that were not watched, and when exactly the provider counted. Absent "
    "unless nearly all of the same 24 hours were watched.",
    "model",
    "bound",
)
TIER = _account(
    "tier",
    Type.GAUGE,
    FigureSource.READS,
    "Number of the usage tier, as configured and as inferred from the limits that the provider tells. Absent where "
    "not configured, and where the limits are those of no tier or of several.",
    "source",
)
TIER_MISMATCHES = _account(
    "tier_table_mismatches",
    Type.GAUGE,
    FigureSource.READS,
    "Limits that the provider tells otherwise than the newest dated table of tiers has them for this tier; where the "
    "tier is unknown, for the nearest. What the provider tells holds; the log names them.",
)
RECOMMENDED_TIER = _account(
    "recommended_tier",
    Type.GAUGE,
    FigureSource.TASKS,
    "Lowest usage tier that would have sufficed in this window: generations in 24 hours and tasks wanted at once of "
    "each model, and credits spent in 30 days. Absent when too little was watched, or none would have.",
    "window",
)
PRECISION = _account(
    "forecast_precision_ratio",
    Type.GAUGE,
    FigureSource.TASKS,
    "Share of right ones among the warnings of limits to be hit that ended in the last 4 weeks; absent without any.",
)
RECALL = _account(
    "forecast_recall_ratio",
    Type.GAUGE,
    FigureSource.TASKS,
    "Share of the limits hit in the last 4 weeks that a right warning had foretold; absent without any.",
)
CREDIT_BALANCE = _account(
    "credit_balance_credits", Type.GAUGE, FigureSource.READS, "Balance in the provider's credits, as it last told."
)
BALANCE = _account(
    "balance_dollars", Type.GAUGE, FigureSource.READS, "Balance in US dollars, credits at the provider's dated price."
)
CREDITS_SPENT = _account(
    "credits_spent_credits",
    Type.GAUGE,
    FigureSource.READS,
    "Credits spent as the provider's usage says, refunds deducted, so it may fall and be negative. today is the "
    "current UTC day, absent until the usage was read on it, 30d the last 30 UTC days with it.",
    "model",
    "window",
)
SPENT = _account(
    "spent_dollars",
    Type.GAUGE,
    FigureSource.READS,
    "The same spend in US dollars, credits at the provider's dated price.",
    "model",
    "window",
)
CREDIT_BURN = _account(
    "credit_burn_credits",
    Type.GAUGE,
    FigureSource.READS,
    "Credits that left the balance in the time up to now, less refunds, in so much of the window as "
    "genmedia_burn_watched_seconds says. Absent until two balances were read.",
    "window",
)
BURN = _account(
    "burn_dollars",
    Type.GAUGE,
    FigureSource.READS,
    "The same burn in US dollars, credits at the provider's dated price.",
    "window",
)
BURN_WATCHED = _account(
    "burn_watched_seconds",
    Type.GAUGE,
    FigureSource.READS,
    "How much of the window the burn is of: less than the whole of it after a start. Burn over this is the pace.",
    "window",
)
RUNWAY_BURN = _account(
    "runway_burn_dollars_per_hour",
    Type.GAUGE,
    FigureSource.READS,
    "Burn that the credit runway is reckoned with, in US dollars an hour: the balance over it is the runway. Absent "
    "while nothing is burnt.",
)
RUNWAY = _account(
    "credit_runway_seconds",
    Type.GAUGE,
    FigureSource.READS,
    "How long the balance lasts at the burn of the last hour, or of the last 24 when that hour had none, if nothing is "
    "bought. Absent while nothing is burnt.",
)
RUNWAY_THRESHOLD = _account(
    "credit_runway_threshold_seconds",
    Type.GAUGE,
    FigureSource.CONFIGURATION,
    "Credit runway below which the balance deserves attention (soft) and action (hard), as configured.",
    "level",
)
RECHARGES = _counted(
    "credit_recharges_total",
    CounterSpec.RECHARGES,
    FigureSource.READS,
    "Purchases of credits, recognised as upward steps of the balance that are no refunds.",
)
RECHARGED = _counted(
    "credit_recharged_credits_total",
    CounterSpec.RECHARGED_CREDITS,
    FigureSource.READS,
    "Credits bought by these purchases.",
)
REFUNDS = _counted(
    "credit_refunds_total",
    CounterSpec.REFUNDS,
    FigureSource.READS,
    "Upward steps of the balance that were refunds. Those that charges outweigh between two reads are not seen.",
)
REFUNDED = _counted(
    "credit_refunded_credits_total",
    CounterSpec.REFUNDED_CREDITS,
    FigureSource.READS,
    "Credits that came back by these refunds.",
)
PURCHASE_COVERAGE = _account(
    "purchase_coverage_ratio",
    Type.GAUGE,
    FigureSource.READS,
    "Share of the last 30 days of which all purchases are known; below 1 the use of monthly_spend_credits may be "
    "higher than shown.",
)
AUTOBILLING = _account(
    "autobilling_state",
    Type.GAUGE,
    FigureSource.READS,
    "1 on the state that the balance shows autobilling to be in, 0 on the others; absent unless its threshold is "
    "configured.",
    "state",
)
TASK_COST = _counted(
    "task_cost_dollars_total",
    CounterSpec.TASK_CREDITS,
    FigureSource.TASKS,
    "US dollars charged for tasks that ended, by what the provider named for each.",
)
TASKS_UNPRICED = _counted(
    "tasks_cost_unknown_total",
    CounterSpec.TASKS_UNPRICED,
    FigureSource.TASKS,
    "Tasks that succeeded without a word of what they cost; some providers tell it only to those who ask.",
)
PROVIDER_REQUESTS = _account(
    "provider_requests",
    Type.GAUGE,
    FigureSource.READS,
    "Requests by the provider's own count. today is the current UTC day, 30d the last 30 UTC days with it.",
    "model",
    "window",
)
PROVIDER_ERRORS = _account(
    "provider_errors",
    Type.GAUGE,
    FigureSource.READS,
    "Errors on the current UTC day by the provider's own count: the client's fault (4xx), or the server's (5xx).",
    "model",
    "side",
)
PROVIDER_INFERENCE = _account(
    "provider_inference_seconds",
    Type.GAUGE,
    FigureSource.READS,
    "Inference time on the current UTC day as the provider tells it; what it includes besides is not stated.",
    "model",
    "statistic",
)
MODEL_INFO = _account(
    "model_info",
    Type.GAUGE,
    FigureSource.TASKS,
    "1 for each model in use that the provider serves for others: upstream says whose it is, other where not known. "
    "Join on it to tell a platform in trouble from one of its suppliers.",
    "model",
    "upstream",
)
WASTED = _counted(
    "wasted_dollars_total",
    CounterSpec.WASTED_CREDITS,
    FigureSource.TASKS,
    "US dollars charged for tasks that did not succeed, by the credits the provider named for each, and (orphaned) for "
    "those without a webhook whose result nobody had asked for a day after it was there.",
)
CAPACITY_STATE = _account(
    "capacity_state",
    Type.GAUGE,
    FigureSource.TASKS,
    "1 on the state of the model's queue, at a provider without limits: healthy, approaching or saturated, judged from "
    "how long tasks take against what they usually take, and from how many find no room. Absent while too little is "
    "seen.",
    "model",
    "state",
)
RECOMMENDED_CONCURRENCY = _account(
    "recommended_concurrency",
    Type.GAUGE,
    FigureSource.TASKS,
    "How many tasks a client should have open at once at most, at a provider without limits.",
    "model",
)
READ_UP = _account(
    "account_read_up",
    Type.GAUGE,
    FigureSource.READS,
    "1 when the last account read worked, 0 when not or not yet.",
    "read",
)
READ_AGE = _account(
    "account_read_age_seconds",
    Type.GAUGE,
    FigureSource.READS,
    "Time since an account read last worked, which is the age of what it shows; absent when it never did.",
    "read",
)
READS = _counted(
    "account_reads_total",
    CounterSpec.READS,
    FigureSource.READS,
    "Account reads of our own, by outcome.",
)
UNKNOWN_VALUES = _counted(
    "unknown_values_total",
    CounterSpec.UNKNOWN_VALUES,
    FigureSource.TRAFFIC,
    "Values from the provider that this version does not know, by field.",
)

FAMILIES = (*(value for value in list(vars().values()) if isinstance(value, Family)), *DAEMON_FAMILIES)
