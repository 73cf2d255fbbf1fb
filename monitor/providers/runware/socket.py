"""Follows one Runware WebSocket: which message answers which, and what the answers say about tasks.

**The problem.** HTTP pairs each reply with its request. A WebSocket does not. The client sends JSON arrays of tasks
whenever it wants to. Runware sends JSON objects, and an answer names only the `taskUUID` that it is about (docs
`en/image`, October 2025). It does not say which message it answers or whether more answers follow, and answers come in
any order. The same id passes several times: in the message that creates the task, in each poll, in each retry. This
module decides which of these messages an answer belongs to.

**Pending messages** (`pending.py`). A message stays pending until each of its tasks has an answer. A slot is one task
of one pending message. When the last slot of a message is settled, the message becomes one `RequestSeen`. Its outcome
combines the outcomes of its tasks.

**Which slot an answer settles.**

- An answer that names a task settles the oldest slot of that task, with two exceptions. `conflictTaskUUID` goes to the
  newest create, because it rejects the message that repeated the id. An answer with a `status` goes to the oldest poll,
  because answers to creates have no status; without a poll it goes to the oldest slot after all.
- An answer to authentication or ping has no task. It settles the oldest slot of its type.
- An error without a task settles the whole oldest message that contains its task type. Without such a message it
  settles the oldest message of all, unless its type is authentication or ping. An error that fits nothing is reported
  as `stray_error`.
- Empty `data` answers the oldest poll: Runware may know nothing yet (seen in use, 2026).

**When a create is answered.** An asynchronous task is acknowledged, so its first answer settles it. Later answers
belong to polls. A synchronous task gets each result when it is ready (docs `en/image`, October 2025), and the last of
`numberResults` settles it. A refusal settles it at once. Any other error is ambiguous: Runware does not say whether it
is about one result or about all of them. The slot then stays open for `MAX_RESULT_GAP_SECONDS` after the error. Without
a further result, the whole task ends at the time of the error.

**Unanswered tasks.** A connection can end while creates are pending. Runware may have accepted them and may charge for
them, but nobody knows. Each one is reported with the status `asked` and kept in the account's `UnansweredTasks`, which
all sockets of the account share.

**Resumed connections.** A client that reconnects can resume its session for 120 s (SDK 1.8.0). Runware then replays the
missed results on the new socket, where no message asked for them. An answer that fits no slot is therefore looked up
among the unanswered tasks. If the task is there, Runware accepted it when it was sent on the old socket, and the answer
continues its progress. The answer to a poll on the new socket proves the acceptance, too, if it names the task. If the
task is not there, its answer is read like the answer to a poll.

**Bounds.** A message that waits longer than any SDK does ends as a timeout. So does the oldest message when too many
messages or tasks are pending.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from monitor.observations import AnyObservation, Kind, Outcome, RequestSeen, TaskSeen, UnknownSeen
from monitor.providers.base import UnansweredTasks
from monitor.providers.http import FAILURE_OUTCOMES, Failure, Item, code_label
from monitor.providers.lenient import UNKNOWN_MODEL, json_value
from monitor.providers.runware import errors
from monitor.providers.runware.errors import taskless_outcome
from monitor.providers.runware.messages import TaskAnswer, parse_answers
from monitor.providers.runware.paths import ITEM_FIELDS, TASKS
from monitor.providers.runware.pending import PendingMessage, PendingMessages, TaskSlot
from monitor.providers.runware.requested import RequestedTask, request_kind, request_model, requested_tasks
from monitor.providers.runware.task_types import CONTROLS, GET_RESPONSE
from monitor.providers.runware.tasks import (
    ReplyContext,
    TaskProgress,
    combined_outcome,
    create_result,
    poll_result,
    progress_of,
    unanswered_create,
    unknown_values,
)

MAX_RESULT_GAP_SECONDS = 30.0
"""How long a task with a failed result waits for its next result. Runware states no figure; this one is our choice."""

AMBIGUOUS_OUTCOMES = frozenset({Outcome.TASK_FAILED, Outcome.PARTIAL})
UNREADABLE_REQUEST = RequestedTask("", "", UNKNOWN_MODEL, 1)


class UnansweredTask(NamedTuple):
    """A task that a socket left without an answer: when it was sent (Unix seconds), and its results until then."""

    requested: RequestedTask
    at: float
    progress: TaskProgress


class RunwareSocket:
    """Runware's `SocketReader`. The module's docstring explains how it pairs messages."""

    fields: tuple[str, ...] = ITEM_FIELDS

    def __init__(self, account: str, unanswered_tasks: UnansweredTasks) -> None:
        self._account = account
        self._unanswered_tasks = unanswered_tasks
        self._pending = PendingMessages()

    @property
    def pending(self) -> int:
        return len(self._pending)

    def sent(self, items: Sequence[Item], repeated: frozenset[str], now: float) -> list[AnyObservation]:
        facts = self._end_failing_tasks(now - MAX_RESULT_GAP_SECONDS)
        requested = requested_tasks(items) or [UNREADABLE_REQUEST]
        self._pending.add(PendingMessage(requested, now, bool(repeated)))
        expired = [self._request(message, Outcome.TIMEOUT, now) for message in self._pending.expire(now)]
        return [*facts, *expired, *unknown_values((), requested, self._context(now, now))]

    def received(self, message: bytes, now: float) -> list[AnyObservation]:
        document = json_value(message)
        answers = parse_answers(document)
        facts = self._end_failing_tasks(now - MAX_RESULT_GAP_SECONDS)
        for (task, task_type), each in groupby(sorted(answers, key=_subject), key=_subject):
            group = list(each)
            facts += self._task_answered(group, now) if task else self._taskless_answered(task_type, group, now)
        if not answers and isinstance(document, dict) and document.get("data") == []:
            facts += self._empty_answer(now)
        return [*facts, *unknown_values(answers, (), self._context(now, now))]

    def ended(self, failure: Failure, now: float) -> list[AnyObservation]:
        facts = self._end_failing_tasks(now)
        for message in self._pending.clear():
            facts.append(self._request(message, FAILURE_OUTCOMES[failure], now))
            for requested in message.waiting.values():
                if requested.kind is Kind.CREATE and requested.task:
                    progress = message.progress.get(requested.task, TaskProgress())
                    self._unanswered_tasks.add(requested.task, UnansweredTask(requested, message.at, progress))
                    facts.append(unanswered_create(requested, self._account, message.at))
        return facts

    def _task_answered(self, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """Read answers that name one task."""
        slot = self._find_slot(group)
        if slot is None:
            return self._unexpected(group, now)
        if slot.requested.kind is Kind.CREATE:
            return self._create_answered(slot, group, now)
        progress = progress_of(group)
        if slot.requested.type == GET_RESPONSE:
            return self._poll_answered(slot, progress, now)
        has_failed = progress.failed and not progress.done
        return self._settle(slot, taskless_outcome(progress.error, None) if has_failed else Outcome.SUCCESS, now)

    def _find_slot(self, group: list[TaskAnswer]) -> TaskSlot | None:
        slots = self._pending.of_task(group[0].task)
        preferred: Iterable[TaskSlot] = ()
        if any(answer.error is errors.CONFLICT for answer in group):
            preferred = (slot for slot in reversed(slots) if slot.requested.kind is Kind.CREATE)
        elif group[0].has_status:
            preferred = (slot for slot in slots if slot.requested.kind is Kind.POLL)
        return next(chain(preferred, slots), None)

    def _create_answered(self, slot: TaskSlot, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        message, requested = slot.message, slot.requested
        progress = message.progress.setdefault(requested.task, TaskProgress())
        for answer in group:
            progress.add(answer)
            message.retry = message.retry or answer.error is errors.CONFLICT
        is_complete = progress.results >= requested.results
        outcome, facts = create_result(requested, progress, self._context(message.at, now), is_complete=is_complete)
        if outcome in AMBIGUOUS_OUTCOMES and not (is_complete or requested.is_async):
            self._pending.failing[slot] = now
            return facts[:1]
        is_acknowledged = progress.accepted or (progress.running and requested.is_async)
        if is_complete or progress.failed or is_acknowledged:
            return [*facts, *self._settle(slot, outcome, now)]
        return facts

    def _end_failing_tasks(self, until: float) -> list[AnyObservation]:
        """End each task whose last answer was a failed result, at `until` (Unix seconds) or before."""
        facts: list[AnyObservation] = []
        for slot, at in tuple(self._pending.failing.items()):
            if at <= until:
                progress, context = slot.message.progress[slot.requested.task], self._context(slot.message.at, at)
                outcome, seen = create_result(slot.requested, progress, context, is_complete=True)
                facts += [*seen, *self._settle(slot, outcome, at)]
        return facts

    def _poll_answered(self, slot: TaskSlot, progress: TaskProgress, now: float) -> list[AnyObservation]:
        """Read the answer to a poll. If another socket left the task unanswered, this answer proves its acceptance."""
        outcome, facts = poll_result(slot.requested, progress, self._context(slot.message.at, now))
        task = next((fact.task for fact in facts if isinstance(fact, TaskSeen)), "")
        unanswered: UnansweredTask | None = self._unanswered_tasks.pop(task)
        if unanswered is not None:
            context = self._context(unanswered.at, unanswered.at)
            accepted = create_result(unanswered.requested, TaskProgress(accepted=True), context, is_complete=False)[1]
            facts = [*accepted, *facts]
        return [*facts, *self._settle(slot, outcome, now)]

    def _empty_answer(self, now: float) -> list[AnyObservation]:
        slot = self._pending.oldest(GET_RESPONSE)
        if slot is None:
            return []
        outcome, facts = poll_result(slot.requested, TaskProgress(), self._context(slot.message.at, now))
        return [*facts, *self._settle(slot, outcome, now)]

    def _unexpected(self, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """Read answers that fit no slot: replayed to a resumed session, or sent after an acknowledgement.

        A second refusal of a task says nothing new.
        """
        first = group[0]
        unanswered: UnansweredTask | None = self._unanswered_tasks.pop(first.task)
        if unanswered is not None:
            return self._resumed(unanswered, group, now)
        requested, progress = RequestedTask(first.type, first.task, UNKNOWN_MODEL, len(group)), progress_of(group)
        is_refusal = progress.failed and progress.error.refusal is not None and not progress.has_status
        if requested.kind is not Kind.CREATE or is_refusal:
            return []
        return poll_result(requested, progress, self._context(now, now))[1]

    def _resumed(self, unanswered: UnansweredTask, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """Continue a task that was sent on another socket of the account."""
        requested, at, progress = unanswered
        for answer in group:
            progress.add(answer)
        is_complete = progress.results >= requested.results
        if not is_complete:
            self._unanswered_tasks.add(requested.task, unanswered)
        return create_result(requested, progress, self._context(at, now), is_complete=is_complete)[1]

    def _taskless_answered(self, task_type: str, group: list[TaskAnswer], now: float) -> list[AnyObservation]:
        """Read answers of one type that name no task."""
        error = next((answer.error for answer in group if answer.error is not None), None)
        slot = self._pending.oldest(task_type)
        if error is None:
            return self._settle(slot, Outcome.SUCCESS, now) if slot and task_type in CONTROLS else []
        if slot is None and task_type not in CONTROLS:
            slot = self._pending.oldest()
        if slot is None:
            return [UnknownSeen(account=self._account, at=now, field="stray_error")]
        message, outcome = slot.message, taskless_outcome(error, None)
        settled = [self._settle(TaskSlot(message, place), outcome, now) for place in tuple(message.waiting)]
        return [*chain.from_iterable(settled)]

    def _settle(self, slot: TaskSlot, outcome: Outcome, now: float) -> list[AnyObservation]:
        """Settle one slot. The last one of a message ends the request."""
        message = slot.message
        if not self._pending.settle(slot, outcome):
            return []
        return [self._request(message, combined_outcome(message.outcomes), now)]

    def _request(self, message: PendingMessage, outcome: Outcome, now: float) -> RequestSeen:
        return RequestSeen(
            account=self._account,
            at=now,
            endpoint=TASKS,
            kind=request_kind(message.requested),
            outcome=outcome,
            duration_seconds=max(0.0, now - message.at),
            model=request_model(message.requested),
            code=code_label(None),
            retry=message.retry,
        )

    def _context(self, requested_at: float, now: float) -> ReplyContext:
        return ReplyContext(account=self._account, requested_at=requested_at, at=now)


def _subject(answer: TaskAnswer) -> tuple[str, str]:
    """Sort key that puts the answers about one task together, and those without a task by their type."""
    return (answer.task, "") if answer.task else ("", answer.type)
