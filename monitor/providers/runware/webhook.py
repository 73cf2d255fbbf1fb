"""What Runware POSTs to a task's `webhookURL`: its results one by one, or its errors.

The same answers as a poll's, bare or in an envelope (docs `models-api/webhooks`, October 2026, show the one, `platform/
webhooks`, July 2026, the other); each may come more than once.
"""

from __future__ import annotations

from itertools import groupby

from msgspec.structs import replace

from monitor.observations import AnyObservation, TaskSeen
from monitor.providers.lenient import UNKNOWN_MODEL, json_value
from monitor.providers.runware.messages import TaskAnswer, parse_answers
from monitor.providers.runware.tasks import ReplyContext, RequestedTask, poll_result, progress_of, unknown_values


def decode_webhook(account: str, body: bytes, now: float) -> list[AnyObservation]:
    """How each task that it names stands, told as it happened."""
    answers, context = parse_answers(json_value(body)), ReplyContext(account=account, requested_at=now, at=now)
    facts: list[AnyObservation] = []
    for task, each in groupby(sorted(answers, key=_task), key=_task):
        group = list(each)
        if task:
            requested = RequestedTask(group[0].type, task, UNKNOWN_MODEL, len(group))
            seen = poll_result(requested, progress_of(group), context)[1]
            facts += [replace(one, exact=True) for one in seen if isinstance(one, TaskSeen)]
    return [*facts, *unknown_values(answers, (), context)]


def _task(answer: TaskAnswer) -> str:
    return answer.task
