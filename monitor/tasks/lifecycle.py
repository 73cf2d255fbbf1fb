"""A task's life as a pure transition: `advance(task, observation) -> task`.

A vendor's task carries neither its start nor its end, so every boundary is inferred from sightings. A phase that
began between two sightings is taken to have begun halfway: with polls every few seconds the error is half a poll
either way and cancels over many tasks. A task first seen throttled was throttled from the moment it was accepted,
because the vendor decides that at submission.

A sighting that arrives late, out of order or twice changes nothing that a newer one has settled.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from monitor.observations import OPEN_STATUSES, Reason, TaskDeleted, TaskMissing, TaskSeen, TaskStatus
from monitor.tasks.models import UNKNOWN

LOST_AFTER_SECONDS = 24 * 3600.0
UNCOLLECTED_AFTER_SECONDS = 24 * 3600.0
"""How long a result is there to be fetched at least: Runway's output URLs die within 24 to 48 h (SDK 5.24.0)."""
MISSING_GRACE_SECONDS = 60.0
WEBHOOK_GRACE_SECONDS = 3600.0
"""The same for a task with a webhook: its result goes "to the URL you name", and no page says that it can be polled too
(Runware docs `models-api/webhooks`, October 2026)."""
CONFIRMED_SECONDS = 600.0
"""How long what a poll said of an open task counts: as long as an account read that is made once a minute."""
CLOCK_STEP_SECONDS = 300.0
RANK = {TaskStatus.ASKED: -1, TaskStatus.PENDING: 0, TaskStatus.THROTTLED: 0, TaskStatus.RUNNING: 1}
DOUBTFUL = frozenset({TaskStatus.ASKED, TaskStatus.PENDING})
"""What proves nothing of a task that was asked for: that it was asked for again, or a poll that says nothing of it."""

TaskObservation = TaskSeen | TaskMissing | TaskDeleted


# `gc=False`: it holds no cycles, and each sighting makes a new one.
class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of one task. Times are Unix seconds, None where not (yet) known.

    `seen_at` is the newest sighting by anybody, `client_seen_at` by the application. `throttled_at`, `queued_at`
    (left the throttle) and `running_at` are the inferred starts of its phases. `accepted` says that the reply which
    created it was seen, or that one which never came was due: only then are `model` and `created_at` the truth and not
    the first sighting's. `written_off` is a success whose result nobody came for; with a webhook (`has_webhook`) it is
    brought. `model` is `unknown` where nobody has told it. `confirmed` says that the vendor has shown the task open
    since it took it.
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
    accepted: bool = False
    confirmed: bool = False
    has_webhook: bool = False
    reason: Reason = Reason.NONE
    estimated_credits: float | None = None
    credits: float | None = None
    written_off: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its end is still to come."""
        return self.finished_at is None


def advance(task: Task | None, seen: TaskObservation) -> Task | None:
    """The task after one observation; None when the observation tells of no task we could know."""
    if isinstance(seen, TaskSeen):
        return see(begin(seen) if task is None else task, seen)
    if task is None:
        return None
    if isinstance(seen, TaskMissing):
        return miss(task, seen)
    return finish(task, TaskStatus.CANCELLED, seen.at) if task.is_open else task


def begin(seen: TaskSeen) -> Task:
    """A task as it stood before its first sighting, whether its creation passed through us or not."""
    status = TaskStatus.ASKED if seen.status is TaskStatus.ASKED else TaskStatus.PENDING
    return Task(
        account=seen.account,
        id=seen.task,
        endpoint=seen.endpoint,
        model=seen.model or UNKNOWN,
        status=status,
        created_at=seen.at,
        seen_at=seen.at,
        client_seen_at=seen.at,
    )


def see(task: Task, seen: TaskSeen) -> Task:
    """The task after a sighting in some status."""
    if seen.accepted or not task.accepted:
        task = _accept(task, seen)
    if seen.status is not task.status and task.is_open:
        task = _step(task, seen)
    return _note(task, seen)


def miss(task: Task, missing: TaskMissing) -> Task:
    """The task after a 404: lost when it was missing before, long enough ago."""
    if not task.is_open or not _is_news(missing.at, task.seen_at):
        return task
    task = replace(task, client_seen_at=_client_seen_at(task, missing))
    if task.missing_since is None:
        return replace(task, missing_since=missing.at)
    grace = WEBHOOK_GRACE_SECONDS if task.has_webhook else MISSING_GRACE_SECONDS
    if missing.at - task.missing_since < grace:
        return task
    return finish(task, TaskStatus.LOST, missing.at)


def expire(task: Task, now: float) -> Task:
    """The task, lost when it has been open for over a day."""
    if task.is_open and now - task.created_at > LOST_AFTER_SECONDS:
        return finish(task, TaskStatus.LOST, now)
    return task


def write_off(task: Task, now: float) -> Task:
    """The task, written off when it succeeded a day ago and the application has not seen it since."""
    ended = task.finished_at
    is_awaited = task.has_webhook or ended is None or task.client_seen_at >= ended
    if task.status is not TaskStatus.SUCCEEDED or ended is None or is_awaited:
        return task
    return replace(task, written_off=True) if now - ended > UNCOLLECTED_AFTER_SECONDS else task


def finish(task: Task, status: TaskStatus, at: float, reason: Reason = Reason.NONE, *, exact: bool = False) -> Task:
    """The task at its end: halfway to its last open sighting, unless it is known to the second.

    A cancellation is, and an end that is `exact`. A failure without a reason is the vendor's own fault, `internal`;
    only failures keep a reason.
    """
    ended = at if exact or status is TaskStatus.CANCELLED else _between(task.seen_at, at)
    queued_at = ended if status is TaskStatus.CANCELLED and task.status is TaskStatus.THROTTLED else task.queued_at
    if status is not TaskStatus.FAILED:
        reason = Reason.NONE
    elif reason is Reason.NONE:
        reason = Reason.INTERNAL
    return replace(task, status=status, queued_at=queued_at, finished_at=ended, reason=reason, missing_since=None)


def _accept(task: Task, seen: TaskSeen) -> Task:
    """The task with what its acceptance told, or the proof that there was one; that holds whatever the order."""
    is_proved = seen.status is TaskStatus.ASKED and not task.accepted and task.status not in DOUBTFUL
    if seen.accepted or is_proved:
        is_known = task.accepted or task.status is TaskStatus.ASKED
        created_at = min(task.created_at, seen.at) if is_known else seen.at
        return replace(
            task,
            created_at=created_at,
            endpoint=seen.endpoint,
            model=seen.model or UNKNOWN,
            accepted=True,
            throttled_at=None if task.throttled_at is None else created_at,
        )
    if task.status is TaskStatus.ASKED and seen.status not in DOUBTFUL:
        return replace(task, accepted=True)
    return task


def _step(task: Task, seen: TaskSeen) -> Task:
    """An open task in another status: a step forward always counts, one at the same rank only where it is news."""
    if not seen.status.is_open:
        return finish(task, seen.status, seen.at, seen.reason, exact=seen.exact)
    step = RANK[seen.status] - RANK[task.status]
    if step < 0 or (step == 0 and not _is_news(seen.at, task.seen_at)):
        return task
    turned = _between(task.seen_at, seen.at)
    throttled_at, running_at = task.throttled_at, task.running_at
    if seen.status is TaskStatus.THROTTLED and throttled_at is None:
        throttled_at = task.created_at
    if seen.status is TaskStatus.RUNNING and running_at is None:
        running_at = turned
    queued_at = turned if task.status is TaskStatus.THROTTLED else task.queued_at
    return replace(task, status=seen.status, throttled_at=throttled_at, queued_at=queued_at, running_at=running_at)


def _note(task: Task, seen: TaskSeen) -> Task:
    """The task with what a sighting in any status tells: that it is there, who asked, its webhook and its credits."""
    is_news = _is_news(seen.at, task.seen_at)
    is_found = task.missing_since is not None and seen.at >= task.missing_since
    return replace(
        task,
        seen_at=seen.at if is_news and seen.status is task.status and task.is_open else task.seen_at,
        client_seen_at=_client_seen_at(task, seen),
        missing_since=None if is_found else task.missing_since,
        confirmed=task.confirmed or _confirms(seen),
        has_webhook=task.has_webhook or seen.has_webhook,
        estimated_credits=task.estimated_credits if seen.estimated_credits is None else seen.estimated_credits,
        credits=seen.credits if seen.credits is not None and is_news else task.credits,
    )


def _confirms(seen: TaskSeen) -> bool:
    """Whether the vendor shows the task open; a reply that creates a pending task promises it only."""
    if seen.status is TaskStatus.PENDING:
        return not (seen.accepted or seen.unanswered)
    return seen.status in OPEN_STATUSES


def _client_seen_at(task: Task, seen: TaskSeen | TaskMissing) -> float:
    """When the application itself last looked."""
    return seen.at if seen.by_client and _is_news(seen.at, task.client_seen_at) else task.client_seen_at


def _is_news(at: float, newest: float) -> bool:
    """Whether `at` is not older than `newest`, or so much older that the clock must have stepped back."""
    return at >= newest or newest - at > CLOCK_STEP_SECONDS


def _between(start: float, end: float) -> float:
    return (start + end) / 2 if end > start else end


def phases(task: Task) -> dict[str, float]:
    """Seconds a finished task spent in each phase that is known of it; a lost task tells nothing.

    A task that was never seen between its throttle and its end tells neither how long it was held nor how long it ran.
    """
    if task.finished_at is None or task.status is TaskStatus.LOST:
        return {}
    known = {"total": task.finished_at - task.created_at}
    start = task.created_at if task.throttled_at is None else task.queued_at
    if task.throttled_at is not None and task.queued_at is not None:
        known["throttled"] = task.queued_at - task.throttled_at
    if task.running_at is not None:
        known["running"] = task.finished_at - task.running_at
        if start is not None:
            known["queued"] = task.running_at - start
    return {phase: max(0.0, seconds) for phase, seconds in known.items()}
