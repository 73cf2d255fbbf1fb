"""Families of what the work costs, and of what the provider itself counts."""

from __future__ import annotations

from msgspec.structs import asdict

from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import EMPTY, FigureSource, Rows, Topic, in_dollars
from monitor.tasks.counters import CounterSpec

topic = Topic()

topic.counted(
    "task_cost_dollars_total",
    CounterSpec.TASK_CREDITS,
    FigureSource.TASKS,
    "US dollars charged for finished tasks, by the cost that the provider stated for each.",
    EMPTY,
    unit=in_dollars,
)

topic.counted(
    "tasks_cost_unknown_total",
    CounterSpec.TASKS_UNPRICED,
    FigureSource.TASKS,
    "Succeeded tasks whose cost the provider did not state. Some providers state it only on request.",
    EMPTY,
)


@topic.gauge(
    "provider_requests",
    FigureSource.READS,
    "Requests by the provider's own count. today is the current UTC day. 30d is the last 30 UTC days, today included.",
    "model",
    "window",
)
def _requests(account: AccountSnapshot, _: float) -> Rows:
    totals = account.usage.totals if account.usage else ()
    return (((one.model, one.window), one.requests) for one in totals if one.requests is not None)


@topic.gauge(
    "provider_errors",
    FigureSource.READS,
    "Errors on the current UTC day by the provider's own count. client is the client's fault (4xx), server the "
    "provider's (5xx).",
    "model",
    "side",
)
def _errors(account: AccountSnapshot, _: float) -> Rows:
    counts = account.provider_errors.models if account.provider_errors else {}
    for model, count in counts.items():
        yield from (((model, side), number) for side, number in asdict(count).items() if number is not None)


@topic.gauge(
    "provider_inference_seconds",
    FigureSource.READS,
    "Inference time on the current UTC day as reported by the provider, which does not say what else it includes.",
    "model",
    "statistic",
)
def _inference_seconds(account: AccountSnapshot, _: float) -> Rows:
    times = account.performance.models if account.performance else {}
    for model, each in times.items():
        yield from (((model, name), seconds) for name, seconds in asdict(each).items() if seconds is not None)


@topic.gauge(
    "model_info",
    FigureSource.TASKS,
    "1 for each model in use that the provider serves for another company. upstream names that company, or other "
    "if unknown. Join on it to tell trouble of the platform from trouble of one supplier.",
    "model",
    "upstream",
)
def _models(account: AccountSnapshot, _: float) -> Rows:
    return (((model, upstream), 1.0) for model, upstream in account.upstreams.items())


topic.counted(
    "wasted_dollars_total",
    CounterSpec.WASTED_CREDITS,
    FigureSource.TASKS,
    "US dollars charged for tasks that did not succeed, by the credits that the provider stated for each, and "
    "(orphaned) for tasks without a webhook whose result nobody fetched within a day.",
    EMPTY,
    unit=in_dollars,
)
