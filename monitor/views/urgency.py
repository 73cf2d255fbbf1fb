"""Which model an engineer on call sees first, on the status page and in `genmedia-monitor status` alike."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.limits import LimitKind

# A concurrency limit is meant to be full: what tells is how long tasks wait.
URGENT = (LimitKind.DAILY_GENERATIONS, LimitKind.DAILY_GENERATIONS_LEDGER)

Urgency = tuple[bool, float, float, int]


def urgency(waiting_seconds: float | None, saturations: Iterable[float | None], state: QueueState | None) -> Urgency:
    """A key to sort by: the longest wait first, then the urgent limit that is nearest to full, then the worst queue.

    `waiting_seconds` is that of the oldest throttled task, None where there is none.
    """
    nearest = max((saturation or 0.0 for saturation in saturations), default=0.0)
    strain = [*QueueState].index(state or QueueState.HEALTHY)
    return waiting_seconds is None, -(waiting_seconds or 0.0), -nearest, -strain
