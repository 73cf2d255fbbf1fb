"""What answers from Runware say about tasks. HTTP, WebSocket and webhooks share this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from msgspec.structs import replace

from monitor.observations import AnyObservation, Outcome, Reason, TaskMissing, TaskSeen, TaskStatus, UnknownSeen
from monitor.providers.http import FIRST_ERROR_STATUS
from monitor.providers.runware import errors
from monitor.providers.runware.errors import ErrorClass, refusal_outcome
from monitor.providers.runware.messages import AnswerState, TaskAnswer
from monitor.providers.runware.paths import TASKS
from monitor.providers.runware.requested import RequestedTask


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """When and how a reply came.

    `requested_at` and `at` are the times of the request and the reply, in Unix seconds. `status` is the HTTP status,
    None on a WebSocket. `by_client` tells the application's requests from our own.
    """

    account: str
    requested_at: float
    at: float
    status: int | None = None
    by_client: bool = True

    @property
    def is_error(self) -> bool:
        """Whether the reply has an error status."""
        return self.status is not None and self.status >= FIRST_ERROR_STATUS


@dataclass(slots=True)
class TaskProgress:
    """What the answers about one task have said so far.

    `done` and `failed` count results. `error` is the first error. `has_refusal` says that an error may refuse the
    request instead of ending the task. `has_status` says that an error came with the status that polls get. `cost` is
    the sum in US dollars.
    """

    accepted: bool = False
    running: bool = False
    done: int = 0
    failed: int = 0
    error: ErrorClass = errors.OTHER
    has_refusal: bool = False
    has_status: bool = False
    cost: float | None = None

    @property
    def results(self) -> int:
        """The number of results, failed ones included."""
        return self.done + self.failed

    def add(self, answer: TaskAnswer) -> None:
        """Add one answer. A conflict is no failure: Runware knows the task already, so it has accepted it."""
        if answer.cost is not None:
            self.cost = (self.cost or 0.0) + answer.cost
        if answer.state is AnswerState.ACCEPTED or answer.error is errors.CONFLICT:
            self.accepted = True
            return
        self.running |= answer.state is AnswerState.RUNNING
        self.done += answer.state is AnswerState.DONE
        if answer.state is AnswerState.FAILED:
            self.error = self.error if self.failed else answer.error or errors.OTHER
            self.has_refusal = self.has_refusal or not answer.ends_task
            self.has_status = self.has_status or answer.has_status
            self.failed += 1


def progress_of(answers: Iterable[TaskAnswer]) -> TaskProgress:
    """The progress that answers about one task add up to."""
    progress = TaskProgress()
    for answer in answers:
        progress.add(answer)
    return progress


TaskResult = tuple[Outcome, list[AnyObservation]]
"""The request's outcome for one of its tasks, and the observations of that task."""


def create_result(
    requested: RequestedTask, progress: TaskProgress, context: ReplyContext, *, is_complete: bool
) -> TaskResult:
    """Read the answers to a create. `is_complete` says that no more results will come.

    An error refuses the task or ends it. It cannot refuse a task that Runware has acknowledged, as a stream does with
    its first event.
    """
    if progress.failed and not progress.done:
        refusal = refusal_outcome(progress.error, context.status)
        if refusal is not None and not progress.accepted:
            return refusal, []
        return Outcome.TASK_FAILED, [_task_accepted(requested, context), _task_failed(requested, progress, context)]
    facts: list[AnyObservation] = [_task_accepted(requested, context)]
    if progress.done and is_complete and not progress.running:
        facts.append(_task_seen(requested, context, TaskStatus.SUCCEEDED, cost=progress.cost))
    elif progress.running:
        facts.append(_task_seen(requested, context, TaskStatus.RUNNING))
    return (Outcome.PARTIAL if progress.failed else Outcome.SUCCESS), facts


def poll_result(requested: RequestedTask, progress: TaskProgress, context: ReplyContext) -> TaskResult:
    """Read the answers to a poll. Even an empty one shows that the client still polls the task."""
    if progress.error is errors.MISSING and progress.failed:
        missing = TaskMissing(account=context.account, at=context.at, task=requested.task, by_client=context.by_client)
        return Outcome.NOT_FOUND, [missing]
    if progress.failed and not (progress.done or progress.running):
        return _failed_poll(requested, progress, context)
    if progress.running:
        seen = _task_seen(requested, context, TaskStatus.RUNNING, exact=False)
    elif progress.done:
        seen = _task_seen(requested, context, TaskStatus.SUCCEEDED, cost=progress.cost, exact=False)
    else:
        pending = _task_seen(requested, context, TaskStatus.PENDING, exact=False)
        seen = replace(pending, unanswered=not progress.accepted)
    return Outcome.SUCCESS, [seen]


def _failed_poll(requested: RequestedTask, progress: TaskProgress, context: ReplyContext) -> TaskResult:
    """Tell the failure of the task from the refusal of the poll. A refusal says nothing about the task.

    Under an error status, only an error with a `status` of its own is the task's end. A 504 is the exception: one was
    seen to carry the end of a task without it (in use, October 2026).
    """
    is_doubtful = context.is_error and context.status != HTTPStatus.GATEWAY_TIMEOUT and not progress.has_status
    refusal = refusal_outcome(progress.error, context.status) if progress.has_refusal or is_doubtful else None
    if refusal is not None:
        return refusal, []
    outcome = Outcome.TASK_FAILED if context.is_error else Outcome.SUCCESS
    return outcome, [_task_failed(requested, progress, context, exact=False)]


def unanswered_create(requested: RequestedTask, account: str, requested_at: float) -> TaskSeen:
    """A task whose create got no answer, so that Runware may have accepted it. `requested_at` is Unix seconds."""
    context = ReplyContext(account=account, requested_at=requested_at, at=requested_at)
    return replace(_task_seen(requested, context, TaskStatus.ASKED), has_webhook=requested.has_webhook)


def combined_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of a request from those of its tasks.

    It is `partial` if some tasks went well and some did not. If none did, it is `task_failed` when any task failed
    after acceptance, else the first task's outcome.
    """
    distinct = list(dict.fromkeys(outcomes))
    if not distinct:
        return Outcome.SUCCESS
    if len(distinct) > 1 and not {Outcome.SUCCESS, Outcome.PARTIAL}.isdisjoint(distinct):
        return Outcome.PARTIAL
    return Outcome.TASK_FAILED if Outcome.TASK_FAILED in distinct else distinct[0]


def unknown_values(
    answers: Iterable[TaskAnswer], requested: Iterable[RequestedTask], context: ReplyContext
) -> Iterator[UnknownSeen]:
    """Report values that the tables lack. Each field is reported once a message."""
    fields = {answer.unknown for answer in answers if answer.unknown}
    if any(not each.is_known for each in requested):
        fields.add("task_type")
    return (UnknownSeen(account=context.account, at=context.at, field=field) for field in sorted(fields))


def _task_accepted(requested: RequestedTask, context: ReplyContext) -> TaskSeen:
    """The acceptance is dated at the request, so that the task's duration is what the application waited."""
    return TaskSeen(
        account=context.account,
        at=context.requested_at,
        task=requested.task,
        status=TaskStatus.PENDING,
        endpoint=TASKS,
        model=requested.model,
        accepted=True,
        by_client=context.by_client,
        has_webhook=requested.has_webhook,
    )


def _task_failed(
    requested: RequestedTask, progress: TaskProgress, context: ReplyContext, *, exact: bool = True
) -> TaskSeen:
    if progress.error is errors.CANCELLED:
        return _task_seen(requested, context, TaskStatus.CANCELLED, cost=progress.cost)
    return _task_seen(requested, context, TaskStatus.FAILED, progress.error.reason, cost=progress.cost, exact=exact)


def _task_seen(
    requested: RequestedTask,
    context: ReplyContext,
    status: TaskStatus,
    reason: Reason = Reason.NONE,
    *,
    cost: float | None = None,
    exact: bool = True,
) -> TaskSeen:
    return TaskSeen(
        account=context.account,
        at=context.at,
        task=requested.task,
        status=status,
        endpoint=TASKS,
        model=requested.model,
        by_client=context.by_client,
        exact=exact,
        reason=reason,
        credits=cost,
    )
