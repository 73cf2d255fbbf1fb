"""What is shown of a model's capacity."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class QueueState(StrEnum):
    """The state of a model's queue, from the best to the worst."""

    HEALTHY = "healthy"
    APPROACHING = "approaching"
    SATURATED = "saturated"


class ModelCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """The known capacity of one model.

    `state` is None while too little was seen lately. `recommended_concurrency` is how many tasks a client should keep
    open at most. `latency_seconds` is the usual duration of the judged tasks, and `baseline_seconds` what it is
    compared with, None until that is learnt. `failure_ratio` is the share that timed out or was refused for load.
    """

    model: str
    state: QueueState | None
    recommended_concurrency: int
    latency_seconds: float | None = None
    baseline_seconds: float | None = None
    failure_ratio: float | None = None
