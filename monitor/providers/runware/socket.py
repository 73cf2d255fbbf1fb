"""One WebSocket as an observer sees it: which message answers which, and what that tells of tasks.

Answers carry the id of their task only, and come in any order (docs `en/image`, October 2025). So the first answer to
an asynchronous task acknowledges it, later ones answer polls; authentication and ping are told apart by their type; an
error that names no task belongs to the oldest message that it can belong to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from monitor.model import AnyObservation, Kind, Outcome, RequestSeen, UnknownSeen
from monitor.providers.base import Failure, Item
from monitor.providers.lenient import UNKNOWN_MODEL, json_value
from monitor.providers.runware.messages import Answer, answers
from monitor.providers.runware.tables import CONTROLS, GET_RESPONSE, ITEM_FIELDS, TASKS
from monitor.providers.runware.tasks import (
    KINDS,
    Asked,
    Moment,
    Progress,
    asked_of,
    combined,
    created,
    kind_of,
    model_of,
    polled,
    progress_of,
    strange,
    without_task,
)
from monitor.providers.statuses import BROKEN_OFF, code_label

MOST_PENDING = 1000
LONGEST_WAIT_SECONDS = 1200.0
"""The longest that an SDK waits for an answer (`runware-sdk` 1.8.0)."""

NOTHING = Asked("", "", UNKNOWN_MODEL, 1)


@dataclass(slots=True, eq=False)
class Pending:
    """A client's message under way: what of it awaits an answer, and how it ended for the rest."""

    asked: list[Asked]
    at: float
    retry: bool
    waiting: list[Asked]
    outcomes: list[Outcome] = field(default_factory=list)
    progress: dict[str, Progress] = field(default_factory=dict)


class Socket:
    """Runware's `SocketReader`."""

    fields: tuple[str, ...] = ITEM_FIELDS

    def __init__(self, account: str) -> None:
        self._account = account
        self._pending: deque[Pending] = deque()

    @property
    def pending(self) -> int:
        return len(self._pending)

    def sent(self, items: Sequence[Item], repeated: frozenset[str], now: float) -> list[AnyObservation]:
        asked = asked_of(items) or [NOTHING]
        self._pending.append(Pending(asked, now, bool(repeated), list(asked)))
        return [*self._given_up(now), *strange((), asked, self._moment(now, now))]

    def received(self, message: bytes, now: float) -> list[AnyObservation]:
        document = json_value(message)
        told = answers(document)
        facts: list[AnyObservation] = []
        for (task, kind), group in groupby(sorted(told, key=_key), key=_key):
            mine = list(group)
            facts += self._of_task(mine, now) if task else self._without_task(kind, mine, now)
        if not told and isinstance(document, dict) and document.get("data") == []:
            facts += self._said_nothing(now)
        return [*facts, *strange(told, (), self._moment(now, now))]

    def ended(self, failure: Failure, now: float) -> list[AnyObservation]:
        gone = [self._request(each, BROKEN_OFF[failure], now) for each in self._pending]
        self._pending.clear()
        return list(gone)

    def _given_up(self, now: float) -> Iterator[RequestSeen]:
        """Messages that will not be answered any more, or that are too many to remember."""
        while self._pending and (len(self._pending) > MOST_PENDING or now - self._pending[0].at > LONGEST_WAIT_SECONDS):
            yield self._request(self._pending.popleft(), Outcome.TIMEOUT, now)

    def _of_task(self, mine: list[Answer], now: float) -> list[AnyObservation]:
        """Answers that name their task."""
        task = mine[0].task
        found = self._waiting(lambda asked: asked.task == task)
        if found is None:
            return self._unasked(mine, now)
        pending, asked = found
        if asked.kind is Kind.CREATE:
            return self._progressed(pending, asked, mine, now)
        progress, outcome = progress_of(mine), Outcome.SUCCESS
        facts: list[AnyObservation] = []
        if asked.type == GET_RESPONSE:
            outcome, facts = polled(asked, progress, self._moment(pending.at, now))
        elif progress.failed and not progress.done:
            outcome = without_task(progress.error, None)
        return [*facts, *self._settle(pending, asked, outcome, now)]

    def _progressed(self, pending: Pending, asked: Asked, mine: list[Answer], now: float) -> list[AnyObservation]:
        """More of a task that awaits its acknowledgement or its results, which may come one by one."""
        progress = pending.progress.setdefault(asked.task, Progress())
        for answer in mine:
            progress.add(answer)
        whole = progress.done + progress.failed >= asked.results
        outcome, facts = created(asked, progress, self._moment(pending.at, now), whole=whole)
        is_failed = progress.failed > 0 and not progress.done
        is_taken = progress.accepted or (progress.running and asked.is_async)
        settled = self._settle(pending, asked, outcome, now) if whole or is_failed or is_taken else []
        return [*facts, *settled]

    def _unasked(self, mine: list[Answer], now: float) -> list[AnyObservation]:
        """What nobody awaits here: results replayed to a resumed session, or told after an acknowledgement."""
        first = mine[0]
        if KINDS.get(first.type, Kind.CREATE) is not Kind.CREATE:
            return []
        asked = Asked(first.type, first.task, UNKNOWN_MODEL, len(mine))
        return polled(asked, progress_of(mine), self._moment(now, now))[1]

    def _without_task(self, kind: str, mine: list[Answer], now: float) -> list[AnyObservation]:
        """An answer to a control message, or an error that ends the oldest message of its type, else the oldest."""
        failed = next((answer.error for answer in mine if answer.error is not None), None)
        found = self._waiting(lambda asked: asked.type == kind)
        if failed is None:
            return self._settle(*found, Outcome.SUCCESS, now) if found and kind in CONTROLS else []
        if found is None and self._pending and kind not in CONTROLS:
            found = self._pending[0], self._pending[0].waiting[0]
        if found is None:
            return [UnknownSeen(account=self._account, at=now, field="stray_error")]
        pending = found[0]
        outcome = without_task(failed, None)
        return [told for asked in list(pending.waiting) for told in self._settle(pending, asked, outcome, now)]

    def _said_nothing(self, now: float) -> list[AnyObservation]:
        """An empty answer: a poll may say nothing yet (seen in use, 2026)."""
        found = self._waiting(lambda asked: asked.type == GET_RESPONSE)
        if found is None:
            return []
        pending, asked = found
        outcome, facts = polled(asked, Progress(), self._moment(pending.at, now))
        return [*facts, *self._settle(pending, asked, outcome, now)]

    def _waiting(self, fits: Callable[[Asked], bool]) -> tuple[Pending, Asked] | None:
        """The oldest that awaits an answer and fits."""
        waiting = ((pending, asked) for pending in self._pending for asked in pending.waiting)
        return next((found for found in waiting if fits(found[1])), None)

    def _settle(self, pending: Pending, asked: Asked, outcome: Outcome, now: float) -> list[AnyObservation]:
        """Note how the message ended for one of its tasks; the request ends with the last."""
        pending.waiting.remove(asked)
        pending.outcomes.append(outcome)
        if pending.waiting:
            return []
        self._pending.remove(pending)
        return [self._request(pending, combined(pending.outcomes), now)]

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
