"""Families of the capacity of a provider without limits."""

from __future__ import annotations

from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import FigureSource, Rows, Topic

topic = Topic()


@topic.gauge(
    "capacity_state",
    FigureSource.TASKS,
    "1 for the state of the model's queue at a provider without limits: healthy, approaching or saturated. It "
    "compares task durations with their usual level and counts tasks rejected for lack of capacity. Absent with "
    "too few tasks.",
    "model",
    "state",
)
def _states(account: AccountSnapshot, _: float) -> Rows:
    for one in account.capacity:
        if one.state is not None:
            yield from (((one.model, state.value), float(state is one.state)) for state in QueueState)


@topic.gauge(
    "recommended_concurrency",
    FigureSource.TASKS,
    "Recommended parallel tasks at a provider without limits.",
    "model",
)
def _recommended(account: AccountSnapshot, _: float) -> Rows:
    return (((one.model,), one.recommended_concurrency) for one in account.capacity)
