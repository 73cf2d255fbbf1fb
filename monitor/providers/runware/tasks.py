"""From what was asked and what was answered to how each task stands: the same over HTTP and on a WebSocket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from monitor.observations import AnyObservation, Kind, Outcome, Reason, TaskMissing, TaskSeen, TaskStatus, UnknownSeen
from monitor.providers.http import FIRST_ERROR_STATUS, Item, error_outcome
from monitor.providers.lenient import UNKNOWN_MODEL, count, is_task_id, model_id
from monitor.providers.runware import errors
from monitor.providers.runware.errors import ErrorClass
from monitor.providers.runware.messages import AnswerState, TaskAnswer
from monitor.providers.runware.paths import TASKS, WEBHOOK
from monitor.providers.runware.task_types import GENERATIONS, KINDS

MIXED_MODELS = "mixed"
ASYNC = "async"
MAX_RESULTS = 1000
NO_PAYMENT = 402
SERVER_ERRORS = 500
GATEWAY_TIMEOUT = 504

KINDS_BY_RANK = (Kind.CREATE, Kind.POLL, Kind.ACCOUNT)
TASKLESS_OUTCOMES = {
    Reason.CAPACITY: Outcome.OVERLOADED,
    Reason.TIMEOUT: Outcome.OVERLOADED,
    Reason.MODERATION: Outcome.INVALID_REQUEST,
    Reason.MODERATION_INPUT: Outcome.INVALID_REQUEST,
}
"""How a request ended by an error that names no task and refuses nothing; `server_error` otherwise."""


@dataclass(frozen=True, slots=True)
class RequestedTask:
    """One task of a request. `results` is how many it wants; `is_async`, that it is to be acknowledged first.

    `has_webhook` says that the results are sent elsewhere; then it is acknowledged first, too.
    """

    type: str
    task: str
    model: str
    results: int
    is_async: bool = False
    has_webhook: bool = False

    @property
    def kind(self) -> Kind:
        """What it asks for; a type that the tables do not hold is taken for a generation."""
        return KINDS.get(self.type, Kind.CREATE)

    @property
    def is_known(self) -> bool:
        """Whether the tables hold its type."""
        return self.type in KINDS or self.type in GENERATIONS


def requested_tasks(items: Iterable[Item]) -> list[RequestedTask]:
    """The tasks of a request. One without a model carries its type in its place."""
    return [
        RequestedTask(
            type=item.get("taskType", ""),
            task=task if is_task_id(task := item.get("taskUUID", "")) else "",
            model=_model(item),
            results=_results(item.get("numberResults", "1")),
            is_async=item.get("deliveryMethod") == ASYNC or WEBHOOK in item,
            has_webhook=WEBHOOK in item,
        )
        for item in items
    ]


def _model(item: Item) -> str:
    kind = item.get("taskType", "")
    return model_id(item["model"]) if "model" in item else kind if kind in GENERATIONS else UNKNOWN_MODEL


def _results(text: str) -> int:
    known = count(int(text)) if text.isascii() and text.isdecimal() and len(text) < len("1000000") else None
    return min(max(known or 1, 1), MAX_RESULTS)


def request_kind(requested: Sequence[RequestedTask]) -> Kind:
    """What a request asks for: that of its tasks which comes first in create, poll, account, other."""
    kinds = {each.kind for each in requested}
    return next((kind for kind in KINDS_BY_RANK if kind in kinds), Kind.OTHER)


def request_model(requested: Sequence[RequestedTask]) -> str:
    """The model that a request creates with; `mixed` where there are several, empty where it creates nothing."""
    models = {each.model for each in requested if each.kind is Kind.CREATE}
    return MIXED_MODELS if len(models) > 1 else next(iter(models), "")


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """When and how a message came. `status` is HTTP's, None on a WebSocket. Times are Unix seconds."""

    account: str
    requested_at: float
    at: float
    status: int | None = None
    by_client: bool = True

    @property
    def is_error(self) -> bool:
        """Whether HTTP calls the answer an error."""
        return self.status is not None and self.status >= FIRST_ERROR_STATUS


@dataclass(slots=True)
class TaskProgress:
    """What has been told of one task."""

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
        """How many results are there, failed ones included."""
        return self.done + self.failed

    def add(self, answer: TaskAnswer) -> None:
        """Take one more answer into account; the first error is the one that counts, and a conflict is none."""
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
    """All answers to one task."""
    progress = TaskProgress()
    for answer in answers:
        progress.add(answer)
    return progress


TaskResult = tuple[Outcome, list[AnyObservation]]
"""How the request ended for one of its tasks, and what that tells of the task."""


def create_result(
    requested: RequestedTask, progress: TaskProgress, context: ReplyContext, *, is_complete: bool
) -> TaskResult:
    """What is known of a task that was asked for; `is_complete` says that no more results will come."""
    if progress.failed and not progress.done:
        return _not_made(requested, progress, context)
    seen = [_task_accepted(requested, context)]
    if progress.done and is_complete and not progress.running:
        seen.append(_task_seen(requested, context, TaskStatus.SUCCEEDED, cost=progress.cost))
    elif progress.running:
        seen.append(_task_seen(requested, context, TaskStatus.RUNNING))
    return (Outcome.PARTIAL if progress.failed else Outcome.SUCCESS), list(seen)


def _not_made(requested: RequestedTask, progress: TaskProgress, context: ReplyContext) -> TaskResult:
    """A task that was turned away, or taken and failed.

    What has been acknowledged, as a stream does with its first words, is not turned away any more.
    """
    refusal = refusal_outcome(progress.error, context.status)
    if refusal is not None and not progress.accepted:
        return refusal, []
    return Outcome.TASK_FAILED, [_task_accepted(requested, context), _task_failed(requested, progress, context)]


def refusal_outcome(error: ErrorClass, status: int | None) -> Outcome | None:
    """How the vendor refuses a task with an error; None where the error is the end of a task that it took.

    A load error in an error status turns a task away, and so does an unknown one in a 4xx.
    """
    if error.refusal is not None:
        return error.refusal
    is_refusal = error.is_load or (error is errors.OTHER and status is not None and status < SERVER_ERRORS)
    if status is not None and status >= FIRST_ERROR_STATUS and is_refusal:
        return status_outcome(status)
    return None


def status_outcome(status: int) -> Outcome:
    """What an error status says; 402 is the balance (docs `platform/errors`, 2026)."""
    return Outcome.INSUFFICIENT_CREDITS if status == NO_PAYMENT else error_outcome(status)


def taskless_outcome(error: ErrorClass, status: int | None) -> Outcome:
    """How a request ended by an error that names no task."""
    if error.refusal is not None:
        return error.refusal
    if status is not None and status >= FIRST_ERROR_STATUS:
        return status_outcome(status)
    return TASKLESS_OUTCOMES.get(error.reason, Outcome.SERVER_ERROR)


def poll_result(requested: RequestedTask, progress: TaskProgress, context: ReplyContext) -> TaskResult:
    """What a poll tells of its task. A poll without an answer still shows that the client attends to it."""
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
        seen = replace(
            _task_seen(requested, context, TaskStatus.PENDING, exact=False), unanswered=not progress.accepted
        )
    return Outcome.SUCCESS, [seen]


def _failed_poll(requested: RequestedTask, progress: TaskProgress, context: ReplyContext) -> TaskResult:
    """The end of the task, or a poll that was refused, which tells nothing of it.

    In an error status only what states to be the end is it, but for a 504, which was seen to hold one (2026).
    """
    doubtful = context.is_error and context.status != GATEWAY_TIMEOUT and not progress.has_status
    refusal = refusal_outcome(progress.error, context.status) if progress.has_refusal or doubtful else None
    if refusal is not None:
        return refusal, []
    outcome = Outcome.TASK_FAILED if context.is_error else Outcome.SUCCESS
    return outcome, [_task_failed(requested, progress, context, exact=False)]


def unanswered_create(requested: RequestedTask, account: str, requested_at: float) -> TaskSeen:
    """A task whose request was left unanswered: the vendor may have taken it."""
    seen = _task_seen(
        requested, ReplyContext(account=account, requested_at=requested_at, at=requested_at), TaskStatus.ASKED
    )
    return replace(seen, has_webhook=requested.has_webhook)


def combined_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """How a request ended whose tasks ended so: a class that all share, `partial` where some went well."""
    kinds = list(dict.fromkeys(outcomes))
    if not kinds:
        return Outcome.SUCCESS
    if len(kinds) > 1 and not {Outcome.SUCCESS, Outcome.PARTIAL}.isdisjoint(kinds):
        return Outcome.PARTIAL
    return Outcome.TASK_FAILED if Outcome.TASK_FAILED in kinds else kinds[0]


def unknown_values(
    answers: Iterable[TaskAnswer], requested: Iterable[RequestedTask], context: ReplyContext
) -> Iterator[UnknownSeen]:
    """What the tables do not hold, each kind of it once a message."""
    fields = {answer.unknown for answer in answers if answer.unknown}
    if any(not each.is_known for each in requested):
        fields.add("task_type")
    return (UnknownSeen(account=context.account, at=context.at, field=field) for field in sorted(fields))


def _task_accepted(requested: RequestedTask, context: ReplyContext) -> TaskSeen:
    """Taken when it was asked for: its duration is what the application waited."""
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
