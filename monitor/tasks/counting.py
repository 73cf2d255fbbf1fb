"""What each observation adds to the durable counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from monitor.observations import ReadFinished, RequestSeen, TaskDeleted, TaskMissing, TaskSeen, TaskStatus, UnknownSeen
from monitor.tasks.counters import CounterSpec, Increment, observe
from monitor.tasks.lifecycle import Task, TaskObservation, advance, phases

TASK_OBSERVATIONS = (TaskSeen, TaskMissing, TaskDeleted)
ORPHANED = "orphaned"
"""The reason of waste when a task succeeded and nobody fetched its result."""

Effect: TypeAlias = tuple[Task | None, list[Increment]]


def apply(task: Task | None, seen: TaskObservation) -> Effect:
    """The task after the observation, and what the change adds. `task` is the task that it names, None if unknown.

    The observation's model must have been admitted by `monitor.tasks.models.admit`.
    """
    after = advance(task, seen)
    return after, transition(task, after)


def transition(before: Task | None, after: Task | None) -> list[Increment]:
    """What a change of a task adds: one creation when it is accepted, one end with its durations when it ends.

    A task that was accepted elsewhere has no known start, so only its end counts. A task that was only asked for has no
    end: no provider has ever heard of it.
    """
    if after is None or after is before:
        return []
    is_new = after.accepted and not (before and before.accepted)
    creation = [Increment(after.account, CounterSpec.TASKS_CREATED, (after.model,))] if is_new else []
    if after.is_open:
        return creation
    was_only_asked_for = before is not None and before.status is TaskStatus.ASKED
    if after.status is TaskStatus.LOST and was_only_asked_for:
        return []
    return [*creation, *_end(before, after)]


def _end(before: Task | None, after: Task) -> Iterator[Increment]:
    """What a task that has ended adds: its end if that is new, and the cost that has become known."""
    if before is None or before.is_open:
        yield Increment(after.account, CounterSpec.TASKS_FINISHED, (after.model, after.status, after.reason))
        if after.accepted:
            for phase, seconds in phases(after).items():
                yield from observe(after.account, CounterSpec.TASK_SECONDS, (after.model, phase), [seconds])
        if after.status is TaskStatus.SUCCEEDED and after.credits is None:
            yield Increment(after.account, CounterSpec.TASKS_UNPRICED, (after.model,))
    charged = _charged_credits(after) - (_charged_credits(before) if before else 0)
    if charged > 0:
        yield Increment(after.account, CounterSpec.TASK_CREDITS, (after.model,), charged)
    wasted = _wasted_credits(after) - (_wasted_credits(before) if before else 0)
    if wasted > 0:
        cause = ORPHANED if after.written_off else after.reason or after.status
        yield Increment(after.account, CounterSpec.WASTED_CREDITS, (after.model, cause), wasted)


def _charged_credits(task: Task) -> float:
    """Credits charged for a task that has ended."""
    return 0 if task.is_open else task.credits or 0


def _wasted_credits(task: Task) -> float:
    """Credits charged for a task that failed, or whose result nobody fetched."""
    is_of_use = task.status is TaskStatus.SUCCEEDED and not task.written_off
    return 0 if task.is_open or is_of_use else task.credits or 0


def count(seen: UnknownSeen | ReadFinished) -> Increment:
    """What an observation adds that concerns no task."""
    if isinstance(seen, UnknownSeen):
        return Increment(seen.account, CounterSpec.UNKNOWN_VALUES, (seen.field,))
    return Increment(seen.account, CounterSpec.READS, (seen.read, seen.outcome))


def count_requests(requests: Iterable[RequestSeen]) -> Iterator[Increment]:
    """What requests add. Equal ones are added together: most are polls that differ in their duration only."""
    alike: defaultdict[tuple[str, str, str, str, str, str, bool], list[float]] = defaultdict(list)
    for seen in requests:
        sort = seen.account, seen.endpoint, seen.kind, seen.model, seen.code, seen.outcome, seen.retry
        alike[sort].append(seen.duration_seconds)
    for (account, endpoint, kind, model, code, outcome, retry), seconds in alike.items():
        yield Increment(account, CounterSpec.REQUESTS, (endpoint, kind, model, code, outcome), len(seconds))
        if retry:
            yield Increment(account, CounterSpec.REQUEST_RETRIES, (endpoint,), len(seconds))
        yield from observe(account, CounterSpec.REQUEST_SECONDS, (endpoint, kind), seconds)
