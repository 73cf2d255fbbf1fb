"""The open tasks of a model, as an evaluation shows them."""

from __future__ import annotations

import msgspec

from monitor.observations import TaskStatus


class ModelTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Open tasks of one model, by status.

    `unconfirmed` counts pending and running tasks that no recent poll confirms: the task was not polled since it was
    accepted, the poll did not find it, or the poll is too old. `throttled_drain_seconds` is the time until no task is
    throttled, None where it cannot be estimated.
    """

    model: str
    open: dict[TaskStatus, int]
    unconfirmed: int = 0
    orphaned: int = 0
    throttled_oldest_age_seconds: float = 0.0
    throttled_drain_seconds: float | None = None
    accepted_24h: int = 0

    @property
    def admitted(self) -> int:
        """Tasks that take up concurrency for sure: the newest poll said that they were pending or running."""
        return self.open.get(TaskStatus.PENDING, 0) + self.open.get(TaskStatus.RUNNING, 0) - self.unconfirmed
