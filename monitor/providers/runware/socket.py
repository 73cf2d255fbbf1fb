"""One WebSocket as an observer sees it: which message answers which, and what that tells of tasks.

Answers carry the id of their task only, and come in any order (docs `en/image`, October 2025). So the first answer to
an asynchronous task acknowledges it, later ones answer polls; authentication and ping are told apart by their type; an
error that names no task belongs to the oldest message that it can belong to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, groupby
from typing import NamedTuple

from monitor.observations import AnyObservation, Kind, Outcome, RequestSeen, TaskSeen, UnknownSeen
from monitor.providers.base import UnansweredTasks
from monitor.providers.http import FAILURE_OUTCOMES, Failure, Item, code_label
from monitor.providers.lenient import UNKNOWN_MODEL, json_value
from monitor.providers.runware import errors
from monitor.providers.runware.messages import TaskAnswer, parse_answers
from monitor.providers.runware.paths import ITEM_FIELDS, TASKS
from monitor.providers.runware.task_types import CONTROLS, GET_RESPONSE, KINDS
from monitor.providers.runware.tasks import (
    ReplyContext,
    RequestedTask,
    TaskProgress,
    combined_outcome,
    create_result,
    poll_result,
    progress_of,
    request_kind,
    request_model,
    requested_tasks,
    taskless_outcome,
    unanswered_create,
    unknown_values,
)

MAX_PENDING_MESSAGES = 1000
MAX_PENDING_TASKS = 10_000
MAX_WAIT_SECONDS = 1200.0
"""The longest that an SDK waits for an answer (`runware-sdk` 1.8.0)."""

MAX_RESULT_GAP_SECONDS = 30.0
"""How long after one result of a task has failed others are awaited. Whether an error is about one of several results
or about all of them is not told, and each result comes when it is there (docs `en/image`, October 2025)."""

HALVES = frozenset({Outcome.TASK_FAILED, Outcome.PARTIAL})
NOTHING = RequestedTask("", "", UNKNOWN_MODEL, 1)


@dataclass(slots=True, eq=False)
class PendingMessage:
    """A client's message under way: what of it awaits an answer, and how it ended for the rest."""

    number: int
    requested: list[RequestedTask]
    at: float
    retry: bool
    waiting: dict[int, RequestedTask]
    outcomes: list[Outcome] = field(default_factory=list)
    progress: dict[str, TaskProgress] = field(default_factory=dict)


class TaskSlot(NamedTuple):
    """One task of a message under way, by where it stands there."""

    pending: PendingMessage
    part: int

    @property
    def requested(self) -> RequestedTask:
        return self.pending.requested[self.part]


class UnansweredTask(NamedTuple):
    """A task that was asked for on a socket that is gone, when, and what had been told of it."""

    requested: RequestedTask
    at: float
    progress: TaskProgress


class RunwareSocket:
    """Runware's `SocketReader`."""

    fields: tuple[str, ...] = ITEM_FIELDS

    def __init__(self, account: str, unanswered_tasks: UnansweredTasks) -> None:
        self._account = account
        self._unanswered_tasks = unanswered_tasks
        self._pending: dict[int, PendingMessage] = {}
        self._slots: dict[str, deque[TaskSlot]] = {}
        self._failing: dict[TaskSlot, float] = {}
        self._numbers = count()
        self._tasks = 0

    @property
    def pending(self) -> int:
        return len(self._pending)

    def sent(self, items: Sequence[Item], repeated: frozenset[str], now: float) -> list[AnyObservation]:
        facts = self._failed_alone(now - MAX_RESULT_GAP_SECONDS)
        requested = requested_tasks(items) or [NOTHING]
        pending = PendingMessage(next(self._numbers), requested, now, bool(repeated), dict(enumerate(requested)))
        self._pending[pending.number] = pending
        self._tasks += len(requested)
        for index, each in enumerate(requested):
            if each.task:
                self._slots.setdefault(each.task, deque()).append(TaskSlot(pending, index))
        return [*facts, *self._given_up(now), *unknown_values((), requested, self._context(now, now))]

    def received(self, message: bytes, now: float) -> list[AnyObservation]:
        document = json_value(message)
        answers = parse_answers(document)
        facts = self._failed_alone(now - MAX_RESULT_GAP_SECONDS)
        for (task, kind), each in groupby(sorted(answers, key=_key), key=_key):
            group = list(each)
            facts += self._of_task(group, now) if task else self._without_task(kind, group, now)
        if not answers and isinstance(document, dict) and document.get("data") == []:
            facts += self._said_nothing(now)
        return [*facts, *unknown_values(answers, (), self._context(now, now))]

    def ended(self, failure: Failure, now: float) -> list[AnyObservation]:
        gone = self._failed_alone(now)
        for each in self._pending.values():
            gone += [self._request(each, FAILURE_OUTCOMES[failure], now), *self._left(each)]
        self._pending.clear()
        self._tasks = 0
        self._slots.clear()
        return gone

    def _left(self, pending: PendingMessage) -> Iterator[TaskSeen]:
        """Tasks that were not told of; they are kept: who resumes the session is told (SDK 1.8.0, for 120 s)."""
        for requested in pending.waiting.values():
            if requested.kind is Kind.CREATE and requested.task:
                answers = pending.progress.get(requested.task, TaskProgress())
                self._unanswered_tasks.add(requested.task, UnansweredTask(requested, pending.at, answers))
                yield unanswered_create(requested, self._account, pending.at)

    def _given_up(self, now: float) -> Iterator[RequestSeen]:
        """Messages that will not be answered any more, or that are too many to remember."""
        while self._pending:
            oldest = next(iter(self._pending.values()))
            is_little = len(self._pending) <= MAX_PENDING_MESSAGES and self._tasks <= MAX_PENDING_TASKS
            if is_little and now - oldest.at <= MAX_WAIT_SECONDS:
                return
            for index in tuple(oldest.waiting):
                self._forget(TaskSlot(oldest, index))
            self._end(oldest)
            yield self._request(oldest, Outcome.TIMEOUT, now)

    def _of_task(self, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """Answers that name their task."""
        slot = self._find_slot(group)
        if slot is None:
            return self._unasked(group, now)
        requested = slot.requested
        if requested.kind is Kind.CREATE:
            return self._progressed(slot, group, now)
        progress, outcome = progress_of(group), Outcome.SUCCESS
        facts: list[AnyObservation] = []
        if requested.type == GET_RESPONSE:
            outcome, facts = poll_result(requested, progress, self._context(slot.pending.at, now))
            facts = [*self._taken(facts), *facts]
        elif progress.failed and not progress.done:
            outcome = taskless_outcome(progress.error, None)
        return [*facts, *self._settle(slot, outcome, now)]

    def _taken(self, seen: list[AnyObservation]) -> list[AnyObservation]:
        """The acceptance of a task that a poll has `seen`, where another socket left it without an answer."""
        tasks = (each.task for each in seen if isinstance(each, TaskSeen))
        unanswered: UnansweredTask | None = self._unanswered_tasks.pop(next(tasks, ""))
        if unanswered is None:
            return []
        return create_result(
            unanswered.requested,
            TaskProgress(accepted=True),
            self._context(unanswered.at, unanswered.at),
            is_complete=False,
        )[1]

    def _find_slot(self, group: list[TaskAnswer]) -> TaskSlot | None:
        """Who awaits these answers: the first to ask; a conflict answers the last sending, and a status a poll."""
        slots = self._slots.get(group[0].task, ())
        fitting: Iterable[TaskSlot] = ()
        if any(answer.error is errors.CONFLICT for answer in group):
            fitting = (slot for slot in reversed(slots) if slot.requested.kind is Kind.CREATE)
        elif group[0].has_status:
            fitting = (slot for slot in slots if slot.requested.kind is Kind.POLL)
        return next(chain(fitting, slots), None)

    def _progressed(self, slot: TaskSlot, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """More of a task that awaits its acknowledgement or its results, which may come one by one."""
        pending, requested = slot.pending, slot.requested
        progress = pending.progress.setdefault(requested.task, TaskProgress())
        for answer in group:
            progress.add(answer)
            pending.retry = pending.retry or answer.error is errors.CONFLICT
        is_complete = progress.done + progress.failed >= requested.results
        outcome, facts = create_result(requested, progress, self._context(pending.at, now), is_complete=is_complete)
        if outcome in HALVES and not (is_complete or requested.is_async):
            self._failing[slot] = now
            return facts[:1]
        is_taken = progress.accepted or (progress.running and requested.is_async)
        settled = self._settle(slot, outcome, now) if is_complete or progress.failed or is_taken else []
        return [*facts, *settled]

    def _failed_alone(self, until: float) -> list[AnyObservation]:
        """End the tasks of which a result has failed, at `until` or before, and no other has been told since."""
        facts: list[AnyObservation] = []
        for slot, at in tuple(self._failing.items()):
            if at <= until:
                progress, context = slot.pending.progress[slot.requested.task], self._context(slot.pending.at, at)
                outcome, seen = create_result(slot.requested, progress, context, is_complete=True)
                facts += [*seen, *self._settle(slot, outcome, at)]
        return facts

    def _unasked(self, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """What nobody awaits here: results replayed to a resumed session, or told after an acknowledgement."""
        first = group[0]
        unanswered: UnansweredTask | None = self._unanswered_tasks.pop(first.task)
        if unanswered is not None:
            return self._resumed(unanswered, group, now)
        if KINDS.get(first.type, Kind.CREATE) is not Kind.CREATE:
            return []
        progress = progress_of(group)
        if progress.failed and progress.error.refusal is not None and not progress.has_status:
            return []
        return poll_result(
            RequestedTask(first.type, first.task, UNKNOWN_MODEL, len(group)), progress, self._context(now, now)
        )[1]

    def _resumed(self, unanswered: UnansweredTask, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """More of a task that was asked for on another socket of the account."""
        for answer in group:
            unanswered.progress.add(answer)
        is_complete = unanswered.progress.done + unanswered.progress.failed >= unanswered.requested.results
        if not is_complete:
            self._unanswered_tasks.add(unanswered.requested.task, unanswered)
        return create_result(
            unanswered.requested, unanswered.progress, self._context(unanswered.at, now), is_complete=is_complete
        )[1]

    def _without_task(self, kind: str, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """An answer to a control message, or an error that ends the oldest message of its type, else the oldest."""
        failed = next((answer.error for answer in group if answer.error is not None), None)
        slot = self._oldest(kind)
        if failed is None:
            return self._settle(slot, Outcome.SUCCESS, now) if slot and kind in CONTROLS else []
        if slot is None and kind not in CONTROLS:
            slot = self._oldest()
        if slot is None:
            return [UnknownSeen(account=self._account, at=now, field="stray_error")]
        outcome, pending = taskless_outcome(failed, None), slot.pending
        ends = [self._settle(TaskSlot(pending, index), outcome, now) for index in tuple(pending.waiting)]
        return [answers for end in ends for answers in end]

    def _said_nothing(self, now: float) -> list[AnyObservation]:
        """An empty answer: a poll may say nothing yet (seen in use, 2026)."""
        slot = self._oldest(GET_RESPONSE)
        if slot is None:
            return []
        outcome, facts = poll_result(slot.requested, TaskProgress(), self._context(slot.pending.at, now))
        return [*facts, *self._settle(slot, outcome, now)]

    def _oldest(self, kind: str | None = None) -> TaskSlot | None:
        """The oldest that awaits an answer, of this type if one is given."""
        waiting = (TaskSlot(each, index) for each in self._pending.values() for index in each.waiting)
        return next((slot for slot in waiting if kind in {None, slot.requested.type}), None)

    def _settle(self, slot: TaskSlot, outcome: Outcome, now: float) -> list[AnyObservation]:
        """Note how the message ended for one of its tasks; the request ends with the last."""
        pending = slot.pending
        self._forget(slot)
        pending.outcomes.append(outcome)
        if pending.waiting:
            return []
        self._end(pending)
        return [self._request(pending, combined_outcome(pending.outcomes), now)]

    def _end(self, pending: PendingMessage) -> None:
        del self._pending[pending.number]
        self._tasks -= len(pending.requested)

    def _forget(self, slot: TaskSlot) -> None:
        """Await no answer there any more."""
        requested = slot.pending.waiting.pop(slot.part)
        self._failing.pop(slot, None)
        slots = self._slots.get(requested.task)
        if slots:
            slots.remove(slot)
            if not slots:
                del self._slots[requested.task]

    def _request(self, pending: PendingMessage, outcome: Outcome, now: float) -> RequestSeen:
        return RequestSeen(
            account=self._account,
            at=now,
            endpoint=TASKS,
            kind=request_kind(pending.requested),
            outcome=outcome,
            duration_seconds=max(0.0, now - pending.at),
            model=request_model(pending.requested),
            code=code_label(None),
            retry=pending.retry,
        )

    def _context(self, requested_at: float, now: float) -> ReplyContext:
        return ReplyContext(account=self._account, requested_at=requested_at, at=now)


def _key(answer: TaskAnswer) -> tuple[str, str]:
    """Answers of one task belong together, and without one those of a type."""
    return (answer.task, "") if answer.task else ("", answer.type)
