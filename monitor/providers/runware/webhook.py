"""What Runware POSTs to a task's `webhookURL`: its results one by one, or its errors.

The same answers as a poll's, bare or in an envelope (docs `models-api/webhooks`, October 2026, show the one, `platform/
webhooks`, July 2026, the other); each may come more than once.
"""

from __future__ import annotations

from itertools import groupby

from msgspec.structs import replace

from monitor.observations import AnyObservation, TaskSeen
from monitor.providers.lenient import UNKNOWN_MODEL, json_value
from monitor.providers.runware.messages import Answer, answers
from monitor.providers.runware.tasks import Asked, Moment, polled, progress_of, strange


def decode_webhook(account: str, body: bytes, now: float) -> list[AnyObservation]:
    """How each task that it names stands, told as it happened."""
    told, moment = answers(json_value(body)), Moment(account=account, asked_at=now, at=now)
    facts: list[AnyObservation] = []
    for task, group in groupby(sorted(told, key=_task), key=_task):
        mine = list(group)
        if task:
            asked = Asked(mine[0].type, task, UNKNOWN_MODEL, len(mine))
            seen = polled(asked, progress_of(mine), moment)[1]
            facts += [replace(each, exact=True) for each in seen if isinstance(each, TaskSeen)]
    return [*facts, *strange(told, (), moment)]


def _task(answer: Answer) -> str:
    return answer.task
