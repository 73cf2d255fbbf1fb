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
from monitor.providers.runware.messages import Answer, answers
from monitor.providers.runware.paths import ITEM_FIELDS, TASKS
from monitor.providers.runware.task_types import CONTROLS, GET_RESPONSE, KINDS
from monitor.providers.runware.tasks import (
    Asked,
    Moment,
    Progress,
    asked_of,
    combined,
    created,
    kind_of,
    model_of,
    only_asked,
    polled,
    progress_of,
    strange,
    without_task,
)

MAX_PENDING_MESSAGES = 1000
MAX_PENDING_TASKS = 10_000
MAX_WAIT_SECONDS = 1200.0
"""The longest that an SDK waits for an answer (`runware-sdk` 1.8.0)."""

MAX_RESULT_GAP_SECONDS = 30.0
"""How long after one result of a task has failed others are awaited. Whether an error is about one of several results
or about all of them is not told, and each result comes when it is there (docs `en/image`, October 2025)."""

HALVES = frozenset({Outcome.TASK_FAILED, Outcome.PARTIAL})
NOTHING = Asked("", "", UNKNOWN_MODEL, 1)


@dataclass(slots=True, eq=False)
class Pending:
    """A client's message under way: what of it awaits an answer, and how it ended for the rest."""

    number: int
    asked: list[Asked]
    at: float
    retry: bool
    waiting: dict[int, Asked]
    outcomes: list[Outcome] = field(default_factory=list)
    progress: dict[str, Progress] = field(default_factory=dict)


class Place(NamedTuple):
    """One task of a message under way, by where it stands there."""

    pending: Pending
    part: int

    @property
    def asked(self) -> Asked:
        return self.pending.asked[self.part]


class Left(NamedTuple):
    """A task that was asked for on a socket that is gone, when, and what had been told of it."""

    asked: Asked
    at: float
    progress: Progress


class Socket:
    """Runware's `SocketReader`."""

    fields: tuple[str, ...] = ITEM_FIELDS

    def __init__(self, account: str, unanswered_tasks: UnansweredTasks) -> None:
        self._account = account
        self._unanswered_tasks = unanswered_tasks
        self._pending: dict[int, Pending] = {}
        self._places: dict[str, deque[Place]] = {}
        self._failing: dict[Place, float] = {}
        self._numbers = count()
        self._tasks = 0

    @property
    def pending(self) -> int:
        return len(self._pending)

    def sent(self, items: Sequence[Item], repeated: frozenset[str], now: float) -> list[AnyObservation]:
        facts = self._failed_alone(now - MAX_RESULT_GAP_SECONDS)
        asked = asked_of(items) or [NOTHING]
        pending = Pending(next(self._numbers), asked, now, bool(repeated), dict(enumerate(asked)))
        self._pending[pending.number] = pending
        self._tasks += len(asked)
        for index, each in enumerate(asked):
            if each.task:
                self._places.setdefault(each.task, deque()).append(Place(pending, index))
        return [*facts, *self._given_up(now), *strange((), asked, self._moment(now, now))]

    def received(self, message: bytes, now: float) -> list[AnyObservation]:
        document = json_value(message)
        told = answers(document)
        facts = self._failed_alone(now - MAX_RESULT_GAP_SECONDS)
        for (task, kind), group in groupby(sorted(told, key=_key), key=_key):
            mine = list(group)
            facts += self._of_task(mine, now) if task else self._without_task(kind, mine, now)
        if not told and isinstance(document, dict) and document.get("data") == []:
            facts += self._said_nothing(now)
        return [*facts, *strange(told, (), self._moment(now, now))]

    def ended(self, failure: Failure, now: float) -> list[AnyObservation]:
        gone = self._failed_alone(now)
        for each in self._pending.values():
            gone += [self._request(each, FAILURE_OUTCOMES[failure], now), *self._left(each)]
        self._pending.clear()
        self._tasks = 0
        self._places.clear()
        return gone

    def _left(self, pending: Pending) -> Iterator[TaskSeen]:
        """Tasks that were not told of; they are kept: who resumes the session is told (SDK 1.8.0, for 120 s)."""
        for asked in pending.waiting.values():
            if asked.kind is Kind.CREATE and asked.task:
                told = pending.progress.get(asked.task, Progress())
                self._unanswered_tasks.add(asked.task, Left(asked, pending.at, told))
                yield only_asked(asked, self._account, pending.at)

    def _given_up(self, now: float) -> Iterator[RequestSeen]:
        """Messages that will not be answered any more, or that are too many to remember."""
        while self._pending:
            oldest = next(iter(self._pending.values()))
            is_little = len(self._pending) <= MAX_PENDING_MESSAGES and self._tasks <= MAX_PENDING_TASKS
            if is_little and now - oldest.at <= MAX_WAIT_SECONDS:
                return
            for index in tuple(oldest.waiting):
                self._forget(Place(oldest, index))
            self._end(oldest)
            yield self._request(oldest, Outcome.TIMEOUT, now)

    def _of_task(self, mine: list[Answer], now: float) -> list[AnyObservation]:
        """Answers that name their task."""
        place = self._place(mine)
        if place is None:
            return self._unasked(mine, now)
        asked = place.asked
        if asked.kind is Kind.CREATE:
            return self._progressed(place, mine, now)
        progress, outcome = progress_of(mine), Outcome.SUCCESS
        facts: list[AnyObservation] = []
        if asked.type == GET_RESPONSE:
            outcome, facts = polled(asked, progress, self._moment(place.pending.at, now))
            facts = [*self._taken(facts), *facts]
        elif progress.failed and not progress.done:
            outcome = without_task(progress.error, None)
        return [*facts, *self._settle(place, outcome, now)]

    def _taken(self, seen: list[AnyObservation]) -> list[AnyObservation]:
        """The acceptance of a task that a poll has `seen`, where another socket left it without an answer."""
        tasks = (each.task for each in seen if isinstance(each, TaskSeen))
        left: Left | None = self._unanswered_tasks.pop(next(tasks, ""))
        if left is None:
            return []
        return created(left.asked, Progress(accepted=True), self._moment(left.at, left.at), whole=False)[1]

    def _place(self, mine: list[Answer]) -> Place | None:
        """Who awaits these answers: the first to ask; a conflict answers the last sending, and a status a poll."""
        places = self._places.get(mine[0].task, ())
        fitting: Iterable[Place] = ()
        if any(answer.error is errors.CONFLICT for answer in mine):
            fitting = (place for place in reversed(places) if place.asked.kind is Kind.CREATE)
        elif mine[0].is_stated:
            fitting = (place for place in places if place.asked.kind is Kind.POLL)
        return next(chain(fitting, places), None)

    def _progressed(self, place: Place, mine: list[Answer], now: float) -> list[AnyObservation]:
        """More of a task that awaits its acknowledgement or its results, which may come one by one."""
        pending, asked = place.pending, place.asked
        progress = pending.progress.setdefault(asked.task, Progress())
        for answer in mine:
            progress.add(answer)
            pending.retry = pending.retry or answer.error is errors.CONFLICT
        whole = progress.done + progress.failed >= asked.results
        outcome, facts = created(asked, progress, self._moment(pending.at, now), whole=whole)
        if outcome in HALVES and not (whole or asked.is_async):
            self._failing[place] = now
            return facts[:1]
        is_taken = progress.accepted or (progress.running and asked.is_async)
        settled = self._settle(place, outcome, now) if whole or progress.failed or is_taken else []
        return [*facts, *settled]

    def _failed_alone(self, until: float) -> list[AnyObservation]:
        """End the tasks of which a result has failed, at `until` or before, and no other has been told since."""
        facts: list[AnyObservation] = []
        for place, at in tuple(self._failing.items()):
            if at <= until:
                progress, moment = place.pending.progress[place.asked.task], self._moment(place.pending.at, at)
                outcome, seen = created(place.asked, progress, moment, whole=True)
                facts += [*seen, *self._settle(place, outcome, at)]
        return facts

    def _unasked(self, mine: list[Answer], now: float) -> list[AnyObservation]:
        """What nobody awaits here: results replayed to a resumed session, or told after an acknowledgement."""
        first = mine[0]
        left: Left | None = self._unanswered_tasks.pop(first.task)
        if left is not None:
            return self._resumed(left, mine, now)
        if KINDS.get(first.type, Kind.CREATE) is not Kind.CREATE:
            return []
        progress = progress_of(mine)
        if progress.failed and progress.error.refusal is not None and not progress.is_stated:
            return []
        return polled(Asked(first.type, first.task, UNKNOWN_MODEL, len(mine)), progress, self._moment(now, now))[1]

    def _resumed(self, left: Left, mine: list[Answer], now: float) -> list[AnyObservation]:
        """More of a task that was asked for on another socket of the account."""
        for answer in mine:
            left.progress.add(answer)
        whole = left.progress.done + left.progress.failed >= left.asked.results
        if not whole:
            self._unanswered_tasks.add(left.asked.task, left)
        return created(left.asked, left.progress, self._moment(left.at, now), whole=whole)[1]

    def _without_task(self, kind: str, mine: list[Answer], now: float) -> list[AnyObservation]:
        """An answer to a control message, or an error that ends the oldest message of its type, else the oldest."""
        failed = next((answer.error for answer in mine if answer.error is not None), None)
        place = self._oldest(kind)
        if failed is None:
            return self._settle(place, Outcome.SUCCESS, now) if place and kind in CONTROLS else []
        if place is None and kind not in CONTROLS:
            place = self._oldest()
        if place is None:
            return [UnknownSeen(account=self._account, at=now, field="stray_error")]
        outcome, pending = without_task(failed, None), place.pending
        ends = [self._settle(Place(pending, index), outcome, now) for index in tuple(pending.waiting)]
        return [told for end in ends for told in end]

    def _said_nothing(self, now: float) -> list[AnyObservation]:
        """An empty answer: a poll may say nothing yet (seen in use, 2026)."""
        place = self._oldest(GET_RESPONSE)
        if place is None:
            return []
        outcome, facts = polled(place.asked, Progress(), self._moment(place.pending.at, now))
        return [*facts, *self._settle(place, outcome, now)]

    def _oldest(self, kind: str | None = None) -> Place | None:
        """The oldest that awaits an answer, of this type if one is given."""
        waiting = (Place(each, index) for each in self._pending.values() for index in each.waiting)
        return next((place for place in waiting if kind in {None, place.asked.type}), None)

    def _settle(self, place: Place, outcome: Outcome, now: float) -> list[AnyObservation]:
        """Note how the message ended for one of its tasks; the request ends with the last."""
        pending = place.pending
        self._forget(place)
        pending.outcomes.append(outcome)
        if pending.waiting:
            return []
        self._end(pending)
        return [self._request(pending, combined(pending.outcomes), now)]

    def _end(self, pending: Pending) -> None:
        del self._pending[pending.number]
        self._tasks -= len(pending.asked)

    def _forget(self, place: Place) -> None:
        """Await no answer there any more."""
        asked = place.pending.waiting.pop(place.part)
        self._failing.pop(place, None)
        places = self._places.get(asked.task)
        if places:
            places.remove(place)
            if not places:
                del self._places[asked.task]

    def _request(self, pending: Pending, outcome: Outcome, now: float) -> RequestSeen:
        return RequestSeen(
            account=self._account,
            at=now,
            endpoint=TASKS,
            kind=kind_of(pending.asked),
            outcome=outcome,
            duration_seconds=max(0.0, now - pending.at),
            model=model_of(pending.asked),
            code=code_label(None),
            retry=pending.retry,
        )

    def _moment(self, asked_at: float, now: float) -> Moment:
        return Moment(account=self._account, asked_at=asked_at, at=now)


def _key(answer: Answer) -> tuple[str, str]:
    """Answers of one task belong together, and without one those of a type."""
    return (answer.task, "") if answer.task else ("", answer.type)
