"""The life of a task, as pure functions: `advance(task, observation) -> task`.

A provider's task carries neither the time it started nor the time it ended. All we have are sightings: the reply that
created the task, polls, webhooks, deletes. They come late, twice, out of order, from the application and from our own
follow-up, and some never come. Everything here follows from five rules.

1. A status changes by the table `MOVES`. A move forward always counts, because a task never goes back. A move
   sideways, between pending and throttled, counts only if the sighting is newer than the last one. Everything else is
   an old sighting and changes nothing.
2. A phase that begins between two sightings is taken to begin halfway. With polls every few seconds the error is half
   a poll either way, and it cancels over many tasks. A task that is seen throttled was throttled from its acceptance,
   because the provider decides that at submission.
3. Acceptance and end are facts on their own. A task may be seen running before the reply that created it arrives;
   whatever the order, the same task results.
4. A task whose create was never answered is ASKED. It counts for nothing until a sighting proves that the provider
   took it, and it is forgotten without a trace if none does.
5. A 404 is not an end. A task is lost if it stays missing for a grace period, or is open for over a day.

Runway's statuses are these but ASKED and LOST (`types/task_retrieve_response.py` of its SDK 5.24.0). Runware says
`processing`, `success` or an error (docs `platform/task-polling`, October 2026).
"""

from __future__ import annotations

from enum import Enum, auto

import msgspec
from msgspec.structs import replace

from monitor.observations import OPEN_STATUSES, Reason, TaskDeleted, TaskMissing, TaskSeen, TaskStatus
from monitor.tasks.models import UNKNOWN

LOST_AFTER_SECONDS = 24 * 3600.0
UNCOLLECTED_AFTER_SECONDS = 24 * 3600.0
"""How long a result can be fetched at least. Runway's output URLs expire within 24 to 48 h (SDK 5.24.0)."""
MISSING_GRACE_SECONDS = 60.0
WEBHOOK_GRACE_SECONDS = 3600.0
"""The grace period of a task with a webhook. Its result goes "to the URL you name", and no page says that the task can
be polled as well (Runware docs `models-api/webhooks`, October 2026)."""
CONFIRMED_SECONDS = 600.0
"""How long a poll's word that a task is open counts: as long as figures of an account read that runs once a minute."""
CLOCK_STEP_SECONDS = 300.0

TaskObservation = TaskSeen | TaskMissing | TaskDeleted


class Move(Enum):
    """Whether a change of status counts: always, or only if the sighting is newer than the last one."""

    FORWARD = auto()
    SIDEWAYS = auto()


_ENDS = dict.fromkeys((TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.LOST), Move.FORWARD)

MOVES: dict[TaskStatus, dict[TaskStatus, Move]] = {
    TaskStatus.ASKED: {
        TaskStatus.PENDING: Move.FORWARD,
        TaskStatus.THROTTLED: Move.FORWARD,
        TaskStatus.RUNNING: Move.FORWARD,
        **_ENDS,
    },
    TaskStatus.PENDING: {TaskStatus.THROTTLED: Move.SIDEWAYS, TaskStatus.RUNNING: Move.FORWARD, **_ENDS},
    TaskStatus.THROTTLED: {TaskStatus.PENDING: Move.SIDEWAYS, TaskStatus.RUNNING: Move.FORWARD, **_ENDS},
    TaskStatus.RUNNING: _ENDS,
    TaskStatus.SUCCEEDED: {},
    TaskStatus.FAILED: {},
    TaskStatus.CANCELLED: {},
    TaskStatus.LOST: {},
}
"""The moves from each status. What is not listed changes nothing."""

PROVES_NOTHING = frozenset({TaskStatus.ASKED, TaskStatus.PENDING})
"""Sightings that do not prove that an asked task was accepted: a second request, or a poll that does not mention it."""


# `gc=False`: it holds no cycles, and each sighting makes a new one.
class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of one task. Times are Unix seconds, None while unknown.

    `seen_at` is the newest sighting by anybody, `client_seen_at` the newest by the application. `throttled_at`,
    `queued_at` (when it left the throttle) and `running_at` are the inferred starts of its phases.

    `accepted` says that we saw the reply that created the task, or have proof of it. Only then are `model` and
    `created_at` true; before that they are those of the first sighting. `model` is `unknown` where no sighting named
    it. `confirmed` says that the provider has shown the task open since it accepted it. `written_off` marks a success
    that nobody fetched; a task with a webhook (`has_webhook`) is delivered instead.
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
    """The task after one observation. None if the observation tells of no task that we could know."""
    if isinstance(seen, TaskSeen):
        return see(begin(seen) if task is None else task, seen)
    if task is None:
        return None
    if isinstance(seen, TaskMissing):
        return miss(task, seen)
    return finish(task, TaskStatus.CANCELLED, seen.at) if task.is_open else task


def begin(seen: TaskSeen) -> Task:
    """A task as it stood just before its first sighting."""
    return Task(
        account=seen.account,
        id=seen.task,
        endpoint=seen.endpoint,
        model=seen.model or UNKNOWN,
        status=TaskStatus.ASKED if seen.status is TaskStatus.ASKED else TaskStatus.PENDING,
        created_at=seen.at,
        seen_at=seen.at,
        client_seen_at=seen.at,
    )


def see(task: Task, seen: TaskSeen) -> Task:
    """The task after a sighting: first its acceptance, then its status, then the rest."""
    if seen.accepted or not task.accepted:
        task = _accept(task, seen)
    if task.is_open:
        task = _move(task, seen)
    return _note(task, seen)


def miss(task: Task, missing: TaskMissing) -> Task:
    """The task after a 404. It is lost if it was missing before, a grace period ago."""
    if not task.is_open or not _is_news(missing.at, task.seen_at):
        return task
    task = replace(task, client_seen_at=_client_seen_at(task, missing))
    if task.missing_since is None:
        return replace(task, missing_since=missing.at)
    grace = WEBHOOK_GRACE_SECONDS if task.has_webhook else MISSING_GRACE_SECONDS
    return task if missing.at - task.missing_since < grace else finish(task, TaskStatus.LOST, missing.at)


def expire(task: Task, now: float) -> Task:
    """The task, lost if it has been open for over a day."""
    if task.is_open and now - task.created_at > LOST_AFTER_SECONDS:
        return finish(task, TaskStatus.LOST, now)
    return task


def write_off(task: Task, now: float) -> Task:
    """The task, written off if it succeeded over a day ago and the application has not looked since."""
    if task.status is not TaskStatus.SUCCEEDED or task.finished_at is None or task.has_webhook:
        return task
    is_fetched = task.client_seen_at >= task.finished_at
    is_late = now - task.finished_at > UNCOLLECTED_AFTER_SECONDS
    return replace(task, written_off=True) if is_late and not is_fetched else task


def finish(task: Task, status: TaskStatus, at: float, reason: Reason = Reason.NONE, *, exact: bool = False) -> Task:
    """The task at its end, which lies halfway between its last open sighting and `at`.

    The end of a cancelled task is known to the second, and so is one that is `exact`. A failure without a reason is the
    provider's fault, `internal`. Only failures keep a reason.
    """
    ended = at if exact or status is TaskStatus.CANCELLED else _halfway(task.seen_at, at)
    queued_at = ended if status is TaskStatus.CANCELLED and task.status is TaskStatus.THROTTLED else task.queued_at
    if status is not TaskStatus.FAILED:
        reason = Reason.NONE
    elif reason is Reason.NONE:
        reason = Reason.INTERNAL
    return replace(task, status=status, queued_at=queued_at, finished_at=ended, reason=reason, missing_since=None)


def _accept(task: Task, seen: TaskSeen) -> Task:
    """The task with its acceptance: from the reply that created it, or from a sighting that proves it."""
    is_proved = seen.status is TaskStatus.ASKED and not task.accepted and task.status not in PROVES_NOTHING
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
    if task.status is TaskStatus.ASKED and seen.status not in PROVES_NOTHING:
        return replace(task, accepted=True)
    return task


def _move(task: Task, seen: TaskSeen) -> Task:
    """An open task after its status was seen."""
    move = MOVES[task.status].get(seen.status)
    if move is None or (move is Move.SIDEWAYS and not _is_news(seen.at, task.seen_at)):
        return task
    if not seen.status.is_open:
        return finish(task, seen.status, seen.at, seen.reason, exact=seen.exact)
    turned = _halfway(task.seen_at, seen.at)
    throttled_at, running_at = task.throttled_at, task.running_at
    if seen.status is TaskStatus.THROTTLED and throttled_at is None:
        throttled_at = task.created_at
    if seen.status is TaskStatus.RUNNING and running_at is None:
        running_at = turned
    queued_at = turned if task.status is TaskStatus.THROTTLED else task.queued_at
    return replace(task, status=seen.status, throttled_at=throttled_at, queued_at=queued_at, running_at=running_at)


def _note(task: Task, seen: TaskSeen) -> Task:
    """The task with what a sighting says in any status: that the task exists, who asked, its webhook, its credits."""
    is_news = _is_news(seen.at, task.seen_at)
    is_found = task.missing_since is not None and seen.at >= task.missing_since
    is_confirmed = seen.status in OPEN_STATUSES
    if seen.status is TaskStatus.PENDING:  # the reply that creates a task only promises that it will be pending
        is_confirmed = not (seen.accepted or seen.unanswered)
    return replace(
        task,
        seen_at=seen.at if is_news and seen.status is task.status and task.is_open else task.seen_at,
        client_seen_at=_client_seen_at(task, seen),
        missing_since=None if is_found else task.missing_since,
        confirmed=task.confirmed or is_confirmed,
        has_webhook=task.has_webhook or seen.has_webhook,
        estimated_credits=task.estimated_credits if seen.estimated_credits is None else seen.estimated_credits,
        credits=seen.credits if seen.credits is not None and is_news else task.credits,
    )


def _client_seen_at(task: Task, seen: TaskSeen | TaskMissing) -> float:
    """When the application itself last looked."""
    return seen.at if seen.by_client and _is_news(seen.at, task.client_seen_at) else task.client_seen_at


def _is_news(at: float, newest: float) -> bool:
    """Whether `at` is not older than `newest`, or so much older that the clock must have stepped back."""
    return at >= newest or newest - at > CLOCK_STEP_SECONDS


def _halfway(start: float, end: float) -> float:
    return (start + end) / 2 if end > start else end


def phases(task: Task) -> dict[str, float]:
    """The seconds that a finished task spent in each phase, as far as they are known. A lost task has none.

    A task that was not seen between its throttle and its end says neither how long it was throttled nor how long it
    ran.
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
