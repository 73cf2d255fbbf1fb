"""Webhooks: what Runware sends to a task's `webhookURL`.

Runware sends each result in one POST, or the task's errors. The body has the shape of an answer to a poll, without an
envelope (docs `models-api/webhooks`, October 2026) or in one (docs `platform/webhooks`, July 2026). The same webhook
may come more than once.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from msgspec.structs import replace

from monitor.observations import AnyObservation, TaskSeen
from monitor.providers.lenient import UNKNOWN_MODEL, json_value
from monitor.providers.runware.messages import parse_answers
from monitor.providers.runware.requested import RequestedTask
from monitor.providers.runware.tasks import ReplyContext, poll_result, progress_of, unknown_values


def decode_webhook(account: str, body: bytes, now: float) -> list[AnyObservation]:
    """Read one webhook: the status of each task in it. `now` is Unix seconds. Never raises.

    The times are exact, because Runware sends a webhook when the task ends.
    """
    answers, context = parse_answers(json_value(body)), ReplyContext(account=account, requested_at=now, at=now)
    facts: list[AnyObservation] = []
    by_task = attrgetter("task")
    for task, group in groupby(sorted(answers, key=by_task), key=by_task):
        answers_of_task = list(group)
        if task:
            requested = RequestedTask(answers_of_task[0].type, task, UNKNOWN_MODEL, len(answers_of_task))
            seen = poll_result(requested, progress_of(answers_of_task), context)[1]
            facts += [replace(each, exact=True) for each in seen if isinstance(each, TaskSeen)]
    return [*facts, *unknown_values(answers, (), context)]
