"""A task of the simulated Runware: its request and its results. Pure: the time is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from monitor.simulator.runware.errors import SUCCESS_WITHOUT_CONTENT

Plan = list[str | None]
"""How each part of a task will end: None for a success, else an error code."""


class Status(StrEnum):
    """The state of a task."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCESS = "success"
    ERROR = "error"


class Delivery(StrEnum):
    """How the results of a task are delivered."""

    SYNC = "sync"
    ASYNC = "async"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """One task as the client sent it."""

    uuid: str
    type: str
    model: str
    delivery: Delivery
    results: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One finished result, or one finished piece of a stream. `code` is None for a success."""

    index: int
    id: str
    code: str | None


@dataclass(slots=True, eq=False)
class Task:
    """One accepted task.

    `plan` says how each part will end; it is drawn when the task is accepted. `watchers` are called with each part.
    `cost` is in US dollars, 0 until the task is finished. `polls`, `conflicts` and `reported` (whether a client saw the
    end) are for the request log. Times are Unix seconds.
    """

    request: TaskRequest
    key: str
    submitted_at: float
    seconds: float
    price: float
    plan: Plan
    started_at: float | None = None
    finished_at: float | None = None
    cost: float = 0.0
    polls: int = 0
    conflicts: int = 0
    reported: bool = False
    parts: list[Part] = field(default_factory=list)
    watchers: list[Callable[[Task, Part], None]] = field(default_factory=list)

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None

    @property
    def is_stream(self) -> bool:
        return self.request.delivery is Delivery.STREAM

    @property
    def successes(self) -> int:
        """The number of successful results. A stream is one result, once it is complete."""
        good = sum(part.code in {None, SUCCESS_WITHOUT_CONTENT} for part in self.parts)
        return int(self.is_finished and good == len(self.parts)) if self.is_stream else good

    @property
    def status(self) -> Status:
        if self.is_finished:
            return Status.SUCCESS if self.successes else Status.ERROR
        return Status.QUEUED if self.started_at is None else Status.PROCESSING

    @property
    def codes(self) -> list[str]:
        """The codes of failed parts and of filtered texts."""
        return [part.code for part in self.parts if part.code is not None]
