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
from monitor.providers.runware.messages import Answer, State
from monitor.providers.runware.paths import TASKS, WEBHOOK
from monitor.providers.runware.task_types import GENERATIONS, KINDS

MIXED_MODELS = "mixed"
ASYNC = "async"
MAX_RESULTS = 1000
NO_PAYMENT = 402
SERVER_ERRORS = 500
GATEWAY_TIMEOUT = 504

RANKED_KINDS = (Kind.CREATE, Kind.POLL, Kind.ACCOUNT)
WITHOUT_TASK = {
    Reason.CAPACITY: Outcome.OVERLOADED,
    Reason.TIMEOUT: Outcome.OVERLOADED,
    Reason.MODERATION: Outcome.INVALID_REQUEST,
    Reason.MODERATION_INPUT: Outcome.INVALID_REQUEST,
}
"""How a request ended by an error that names no task and refuses nothing; `server_error` otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
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


def asked_of(items: Iterable[Item]) -> list[Asked]:
    """The tasks of a request. One without a model carries its type in its place."""
    return [
        Asked(
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


def kind_of(asked: Sequence[Asked]) -> Kind:
    """What a request asks for: that of its tasks which comes first in create, poll, account, other."""
    kinds = {each.kind for each in asked}
    return next((kind for kind in RANKED_KINDS if kind in kinds), Kind.OTHER)


def model_of(asked: Sequence[Asked]) -> str:
    """The model that a request creates with; `mixed` where there are several, empty where it creates nothing."""
    models = {each.model for each in asked if each.kind is Kind.CREATE}
    return MIXED_MODELS if len(models) > 1 else next(iter(models), "")


@dataclass(frozen=True, slots=True)
class Moment:
    """When and how a message came. `status` is HTTP's, None on a WebSocket. Times are Unix seconds."""

    account: str
    asked_at: float
    at: float
    status: int | None = None
    by_client: bool = True

    @property
    def is_error(self) -> bool:
        """Whether HTTP calls the answer an error."""
        return self.status is not None and self.status >= FIRST_ERROR_STATUS


@dataclass(slots=True)
class Progress:
    """What has been told of one task."""

    accepted: bool = False
    running: bool = False
    done: int = 0
    failed: int = 0
    error: ErrorClass = errors.OTHER
    refuses: bool = False
    is_stated: bool = False
    cost: float | None = None

    def add(self, answer: Answer) -> None:
        """Take one more answer into account; the first error is the one that counts, and a conflict is none."""
        if answer.cost is not None:
            self.cost = (self.cost or 0.0) + answer.cost
        if answer.state is State.ACCEPTED or answer.error is errors.CONFLICT:
            self.accepted = True
            return
        self.running |= answer.state is State.RUNNING
        self.done += answer.state is State.DONE
        if answer.state is State.FAILED:
            self.error = self.error if self.failed else answer.error or errors.OTHER
            self.refuses = self.refuses or not answer.is_verdict
            self.is_stated = self.is_stated or answer.is_stated
            self.failed += 1


def progress_of(told: Iterable[Answer]) -> Progress:
    """All answers to one task."""
    progress = Progress()
    for answer in told:
        progress.add(answer)
    return progress


Told = tuple[Outcome, list[AnyObservation]]
"""How the request ended for one of its tasks, and what that tells of the task."""


def created(asked: Asked, progress: Progress, moment: Moment, *, whole: bool) -> Told:
    """What is known of a task that was asked for; `whole` says that no more results will be told by themselves."""
    if progress.failed and not progress.done:
        return _not_made(asked, progress, moment)
    seen = [_accepted(asked, moment)]
    if progress.done and whole and not progress.running:
        seen.append(_seen(asked, moment, TaskStatus.SUCCEEDED, cost=progress.cost))
    elif progress.running:
        seen.append(_seen(asked, moment, TaskStatus.RUNNING))
    return (Outcome.PARTIAL if progress.failed else Outcome.SUCCESS), list(seen)


def _not_made(asked: Asked, progress: Progress, moment: Moment) -> Told:
    """A task that was turned away, or taken and failed.

    What has been acknowledged, as a stream does with its first words, is not turned away any more.
    """
    refusal = turned_away(progress.error, moment.status)
    if refusal is not None and not progress.accepted:
        return refusal, []
    return Outcome.TASK_FAILED, [_accepted(asked, moment), _failure(asked, progress, moment)]


def turned_away(error: ErrorClass, status: int | None) -> Outcome | None:
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


def without_task(error: ErrorClass, status: int | None) -> Outcome:
    """How a request ended by an error that names no task."""
    if error.refusal is not None:
        return error.refusal
    if status is not None and status >= FIRST_ERROR_STATUS:
        return status_outcome(status)
    return WITHOUT_TASK.get(error.reason, Outcome.SERVER_ERROR)


def polled(asked: Asked, progress: Progress, moment: Moment) -> Told:
    """What a poll tells of its task. A poll without an answer still shows that the client attends to it."""
    if progress.error is errors.MISSING and progress.failed:
        missing = TaskMissing(account=moment.account, at=moment.at, task=asked.task, by_client=moment.by_client)
        return Outcome.NOT_FOUND, [missing]
    if progress.failed and not (progress.done or progress.running):
        return _failed_poll(asked, progress, moment)
    if progress.running:
        seen = _seen(asked, moment, TaskStatus.RUNNING, exact=False)
    elif progress.done:
        seen = _seen(asked, moment, TaskStatus.SUCCEEDED, cost=progress.cost, exact=False)
    else:
        seen = replace(_seen(asked, moment, TaskStatus.PENDING, exact=False), unanswered=not progress.accepted)
    return Outcome.SUCCESS, [seen]


def _failed_poll(asked: Asked, progress: Progress, moment: Moment) -> Told:
    """The end of the task, or a poll that was refused, which tells nothing of it.

    In an error status only what states to be the end is it, but for a 504, which was seen to hold one (2026).
    """
    doubtful = moment.is_error and moment.status != GATEWAY_TIMEOUT and not progress.is_stated
    refusal = turned_away(progress.error, moment.status) if progress.refuses or doubtful else None
    if refusal is not None:
        return refusal, []
    outcome = Outcome.TASK_FAILED if moment.is_error else Outcome.SUCCESS
    return outcome, [_failure(asked, progress, moment, exact=False)]


def only_asked(asked: Asked, account: str, asked_at: float) -> TaskSeen:
    """A task whose request was left unanswered: the vendor may have taken it."""
    seen = _seen(asked, Moment(account=account, asked_at=asked_at, at=asked_at), TaskStatus.ASKED)
    return replace(seen, has_webhook=asked.has_webhook)


def combined(outcomes: Sequence[Outcome]) -> Outcome:
    """How a request ended whose tasks ended so: a class that all share, `partial` where some went well."""
    kinds = list(dict.fromkeys(outcomes))
    if not kinds:
        return Outcome.SUCCESS
    if len(kinds) > 1 and not {Outcome.SUCCESS, Outcome.PARTIAL}.isdisjoint(kinds):
        return Outcome.PARTIAL
    return Outcome.TASK_FAILED if Outcome.TASK_FAILED in kinds else kinds[0]


def strange(told: Iterable[Answer], asked: Iterable[Asked], moment: Moment) -> Iterator[UnknownSeen]:
    """What the tables do not hold, each kind of it once a message."""
    fields = {answer.unknown for answer in told if answer.unknown}
    if any(not each.is_known for each in asked):
        fields.add("task_type")
    return (UnknownSeen(account=moment.account, at=moment.at, field=field) for field in sorted(fields))


def _accepted(asked: Asked, moment: Moment) -> TaskSeen:
    """Taken when it was asked for: its duration is what the application waited."""
    return TaskSeen(
        account=moment.account,
        at=moment.asked_at,
        task=asked.task,
        status=TaskStatus.PENDING,
        endpoint=TASKS,
        model=asked.model,
        accepted=True,
        by_client=moment.by_client,
        has_webhook=asked.has_webhook,
    )


def _failure(asked: Asked, progress: Progress, moment: Moment, *, exact: bool = True) -> TaskSeen:
    if progress.error is errors.CANCELLED:
        return _seen(asked, moment, TaskStatus.CANCELLED, cost=progress.cost)
    return _seen(asked, moment, TaskStatus.FAILED, progress.error.reason, cost=progress.cost, exact=exact)


def _seen(
    asked: Asked,
    moment: Moment,
    status: TaskStatus,
    reason: Reason = Reason.NONE,
    *,
    cost: float | None = None,
    exact: bool = True,
) -> TaskSeen:
    return TaskSeen(
        account=moment.account,
        at=moment.at,
        task=asked.task,
        status=status,
        endpoint=TASKS,
        model=asked.model,
        by_client=moment.by_client,
        exact=exact,
        reason=reason,
        credits=cost,
    )
