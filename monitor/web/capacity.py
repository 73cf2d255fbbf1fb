"""Capacity as the status page words it, at a provider without limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.views.formatting import TOO_LITTLE_SEEN, UNKNOWN, amount, duration, ratio

LEVELS = {QueueState.HEALTHY: "good", QueueState.APPROACHING: "warn", QueueState.SATURATED: "bad"}
"""The CSS class of each state, from the best to the worst."""


@dataclass(frozen=True, slots=True)
class CapacityView:
    """How a model's queue stands, and how many tasks to have open at once. `level` is a CSS class."""

    state: str = TOO_LITTLE_SEEN
    level: str = "soft"
    recommended: str = UNKNOWN
    takes: str = UNKNOWN
    usually: str = UNKNOWN
    no_room: str = UNKNOWN


def capacity_view(one: ModelCapacity) -> CapacityView:
    """One model's."""
    judged = {} if one.state is None else {"state": one.state.value, "level": LEVELS[one.state]}
    return CapacityView(
        **judged,
        recommended=amount(one.recommended_concurrency),
        takes=duration(one.latency_seconds),
        usually=duration(one.baseline_seconds),
        no_room=ratio(one.failure_ratio),
    )


def worst(models: Sequence[ModelCapacity]) -> tuple[QueueState, list[str]] | None:
    """The worst state that any is in, and who is; None while too little is seen of all."""
    states = {one.state for one in models}
    state = next((state for state in reversed(QueueState) if state in states), None)
    return None if state is None else (state, [one.model for one in models if one.state is state])
