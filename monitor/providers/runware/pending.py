"""Messages that a client sent on a Runware WebSocket and that still await answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.observations import Outcome
from monitor.providers.runware.requested import RequestedTask
from monitor.providers.runware.tasks import TaskProgress

MAX_PENDING_MESSAGES = 1000
MAX_PENDING_TASKS = 10_000
MAX_WAIT_SECONDS = 1200.0
"""The longest time that an SDK waits for an answer (`runware-sdk` 1.8.0)."""


@dataclass(slots=True, eq=False)
class PendingMessage:
    """One message of the client.

    `waiting` holds the tasks without an answer by their place in `requested`. `outcomes` are those of the answered
    tasks. `progress` collects the results of each task that answers piece by piece. `at` is Unix seconds.
    """

    requested: list[RequestedTask]
    at: float
    retry: bool
    waiting: dict[int, RequestedTask] = field(init=False)
    outcomes: list[Outcome] = field(default_factory=list)
    progress: dict[str, TaskProgress] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waiting = dict(enumerate(self.requested))


class TaskSlot(NamedTuple):
    """One task of a pending message, by its place in the message."""

    message: PendingMessage
    place: int

    @property
    def requested(self) -> RequestedTask:
        return self.message.requested[self.place]


class PendingMessages:
    """The pending messages of one WebSocket, oldest first, and an index of their slots by task.

    `failing` holds the slots of tasks with a failed result that may yet get others, each with the time of the failure.
    """

    def __init__(self) -> None:
        self.failing: dict[TaskSlot, float] = {}
        self._messages: dict[PendingMessage, None] = {}
        self._slots: dict[str, deque[TaskSlot]] = {}
        self._tasks = 0

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: PendingMessage) -> None:
        """Await an answer to each task of a message."""
        self._messages[message] = None
        self._tasks += len(message.requested)
        for place, requested in enumerate(message.requested):
            if requested.task:
                self._slots.setdefault(requested.task, deque()).append(TaskSlot(message, place))

    def of_task(self, task: str) -> Sequence[TaskSlot]:
        """The slots that await an answer about this task, oldest first."""
        return self._slots.get(task, ())

    def oldest(self, task_type: str | None = None) -> TaskSlot | None:
        """The oldest slot of this task type, or of any type."""
        slots = (TaskSlot(message, place) for message in self._messages for place in message.waiting)
        return next((slot for slot in slots if task_type in {None, slot.requested.type}), None)

    def settle(self, slot: TaskSlot, outcome: Outcome) -> bool:
        """Record the outcome of one task. True if its message awaits no further answer and is pending no more."""
        message = slot.message
        self._release(slot)
        message.outcomes.append(outcome)
        if message.waiting:
            return False
        self._remove(message)
        return True

    def expire(self, now: float) -> Iterator[PendingMessage]:
        """Remove and yield messages that have waited too long, and the oldest ones while there are too many."""
        while self._messages:
            oldest = next(iter(self._messages))
            fits = len(self._messages) <= MAX_PENDING_MESSAGES and self._tasks <= MAX_PENDING_TASKS
            if fits and now - oldest.at <= MAX_WAIT_SECONDS:
                return
            for place in tuple(oldest.waiting):
                self._release(TaskSlot(oldest, place))
            self._remove(oldest)
            yield oldest

    def clear(self) -> list[PendingMessage]:
        """Remove every message and return them, oldest first."""
        messages = list(self._messages)
        self._messages.clear()
        self._slots.clear()
        self.failing.clear()
        self._tasks = 0
        return messages

    def _release(self, slot: TaskSlot) -> None:
        requested = slot.message.waiting.pop(slot.place)
        self.failing.pop(slot, None)
        slots = self._slots.get(requested.task)
        if slots:
            slots.remove(slot)
            if not slots:
                del self._slots[requested.task]

    def _remove(self, message: PendingMessage) -> None:
        del self._messages[message]
        self._tasks -= len(message.requested)
