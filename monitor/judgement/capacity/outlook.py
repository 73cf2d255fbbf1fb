"""What is told of a model's capacity."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class QueueState(StrEnum):
    """How a model's queue stands, from the best to the worst."""

    HEALTHY = "healthy"
    APPROACHING = "approaching"
    SATURATED = "saturated"


class ModelCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """The capacity of one model, as far as it is known.

    `state` is None while too little was seen lately. `recommended_concurrency` is how many tasks a client should have
    open at once at most. `latency_seconds` is the usual duration of the tasks that were judged, `baseline_seconds` what
    it was held against (None before it is learnt), `failure_ratio` the share that timed out or was refused for load.
    """

    model: str
    state: QueueState | None
    recommended_concurrency: int
    latency_seconds: float | None = None
    baseline_seconds: float | None = None
    failure_ratio: float | None = None
