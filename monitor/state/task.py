"""A task's life as a pure transition: `advance(task, observation) -> task`.

A vendor's task carries neither its start nor its end, so every boundary is inferred from sightings. A phase that
began between two sightings is taken to have begun halfway: with polls every few seconds the error is half a poll
either way and cancels over many tasks. A task first seen throttled was throttled from the moment it was accepted,
because the vendor decides that at submission.

A sighting that arrives late, out of order or twice changes nothing that a newer one has settled.
"""

from __future__ import annotations

import msgspec

from monitor.model import Reason, TaskDeleted, TaskMissing, TaskSeen, TaskStatus

LOST_AFTER_SECONDS = 24 * 3600.0
MISSING_GRACE_SECONDS = 60.0
ORDER = {TaskStatus.PENDING: 0, TaskStatus.THROTTLED: 0, TaskStatus.RUNNING: 1}

TaskObservation = TaskSeen | TaskMissing | TaskDeleted


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one task. Times are Unix seconds, None where not (yet) known.

    `seen_at` is the newest sighting by anybody, `client_seen_at` by the application. `throttled_at`, `queued_at`
    (left the throttle) and `running_at` are the inferred starts of its phases.
    """

    account: str
    id: str
    endpoint: str
    model: str
    status: TaskStatus
    created_at: float
    seen_at: float
    client_seen_at: float
    throttled_at: float | None = None
    queued_at: float | None = None
    running_at: float | None = None
    finished_at: float | None = None
    missing_since: float | None = None
    reason: Reason = Reason.NONE
    estimated_credits: float | None = None
    credits: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether its end is still to come."""
        return self.status.is_open


def advance(task: Task | None, seen: TaskObservation) -> Task | None:
    """The task after one observation; None when the observation tells of no task we could know."""
    if task is None:
        return begin(seen) if isinstance(seen, TaskSeen) else None
    if isinstance(seen, TaskSeen):
        return see(task, seen)
    if isinstance(seen, TaskMissing):
        return miss(task, seen)
    return finish(task, TaskStatus.CANCELLED, seen.at) if task.is_open else task


def begin(seen: TaskSeen) -> Task:
    """A task at its first sighting, whether its creation passed through us or not."""
    fresh = Task(
        account=seen.account,
        id=seen.task,
        endpoint=seen.endpoint,
        model=seen.model,
        status=TaskStatus.PENDING,
        created_at=seen.at,
        seen_at=seen.at,
        client_seen_at=seen.at,
    )
    return see(fresh, seen)


def see(task: Task, seen: TaskSeen) -> Task:
    """The task after a sighting in some status."""
    task = _remember(task, seen)
    if not task.is_open:
        return task
    if seen.status.is_open:
        return _move(_touch(task, seen), seen.status, seen.at)
    return finish(_touch(task, seen, moved=False), seen.status, seen.at, seen.reason)


def miss(task: Task, missing: TaskMissing) -> Task:
    """The task after a 404: lost when it was missing before, long enough ago."""
    if not task.is_open or missing.at < task.seen_at:
        return task
    client_seen_at = max(task.client_seen_at, missing.at) if missing.by_client else task.client_seen_at
    task = msgspec.structs.replace(task, client_seen_at=client_seen_at)
    if task.missing_since is None:
        return msgspec.structs.replace(task, missing_since=missing.at)
    if missing.at - task.missing_since < MISSING_GRACE_SECONDS:
        return task
    return finish(task, TaskStatus.LOST, missing.at)


def expire(task: Task, now: float) -> Task:
    """The task, lost when it has been open for over a day."""
    if task.is_open and now - task.created_at > LOST_AFTER_SECONDS:
        return finish(task, TaskStatus.LOST, now)
    return task


def finish(task: Task, status: TaskStatus, at: float, reason: Reason = Reason.NONE) -> Task:
    """The task at its end, taken to lie halfway between its last open sighting and `at`."""
    ended = _between(task.seen_at, at) if status is not TaskStatus.CANCELLED else at
    if status is TaskStatus.FAILED and reason is Reason.NONE:
        reason = Reason.INTERNAL
    if status is not TaskStatus.FAILED:
        reason = Reason.NONE
    return msgspec.structs.replace(
        task, status=status, finished_at=ended, seen_at=max(task.seen_at, at), reason=reason, missing_since=None
    )


def _remember(task: Task, seen: TaskSeen) -> Task:
    """Facts that hold whatever the order of arrival: the model and start from the acceptance, the newest credits."""
    changes: dict[str, object] = {}
    if seen.accepted:
        changes |= {"created_at": min(task.created_at, seen.at), "endpoint": seen.endpoint, "model": seen.model}
    if seen.estimated_credits is not None:
        changes["estimated_credits"] = seen.estimated_credits
    if seen.credits is not None and seen.at >= task.seen_at:
        changes["credits"] = seen.credits
    return msgspec.structs.replace(task, **changes) if changes else task


def _touch(task: Task, seen: TaskSeen, moved: bool = True) -> Task:
    """The task with its sighting times brought forward; `moved=False` leaves the last open sighting."""
    changes: dict[str, object] = {}
    if seen.by_client and seen.at > task.client_seen_at:
        changes["client_seen_at"] = seen.at
    if task.missing_since is not None and seen.at >= task.missing_since:
        changes["missing_since"] = None
    return msgspec.structs.replace(task, **changes) if changes else task


def _move(task: Task, status: TaskStatus, at: float) -> Task:
    """The task after an open sighting; one that is older than the newest, or leads backwards, moves nothing."""
    if at < task.seen_at or ORDER[status] < ORDER[task.status]:
        return task
    changes: dict[str, object] = {"status": status, "seen_at": at}
    turned = _between(task.seen_at, at)
    if status is TaskStatus.THROTTLED and task.throttled_at is None:
        changes["throttled_at"] = task.created_at
    if task.status is TaskStatus.THROTTLED and status is not TaskStatus.THROTTLED:
        changes["queued_at"] = turned
    if status is TaskStatus.RUNNING and task.running_at is None:
        changes["running_at"] = turned
    return msgspec.structs.replace(task, **changes)


def _between(start: float, end: float) -> float:
    return (start + end) / 2 if end > start else end


def phases(task: Task) -> dict[str, float]:
    """Seconds a finished task spent in each phase that is known of it; a lost task tells nothing."""
    if task.finished_at is None or task.status is TaskStatus.LOST:
        return {}
    known = {"total": task.finished_at - task.created_at}
    start = task.created_at
    if task.throttled_at is not None:
        start = task.queued_at if task.queued_at is not None else task.finished_at
        known["throttled"] = start - task.throttled_at
    if task.running_at is not None:
        known["queued"] = task.running_at - start
        known["running"] = task.finished_at - task.running_at
    return {phase: max(0.0, seconds) for phase, seconds in known.items()}
