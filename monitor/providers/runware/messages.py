"""What a message from Runware says of tasks, one answer for each element of its `data` and its errors.

The shapes are those of docs `models-api/errors` and `en/task-responses`, of the SDKs' parsers, and of replies seen in
use: errors may stand beside data, in the singular, inside an element of `data`, or inside an array of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from monitor.providers.lenient import is_task_id, number
from monitor.providers.runware import errors
from monitor.providers.runware.errors import OLD_KEY_REFUSED, ErrorClass, classify
from monitor.providers.runware.task_types import GENERATIONS

MAX_ANSWERS = 1000
MAX_TYPE_LENGTH = 64

FINISHED_STATUS = "success"
FAILED_STATUS = "error"
OPEN_STATUSES = frozenset({"processing", "queued", "pending", "scheduled", "waiting"})
"""`status` of a polled task (docs `models-api/task-polling`, October 2026). All open ones but the first are tolerated
by the SDK `runware` 0.5.24 and documented nowhere."""

MEDIA_ENDINGS = ("URL", "Base64Data", "DataURI")
RESULT_KEYS = ("text", "structuredData", "outputs", "air", "result")
"""A result is there once one of these keys, or one that ends so, has a value (SDK 1.8.0, `client.py`)."""

FILTERED = "content_filter"
"""The `finishReason` of a text that was cut off for what it says (SDK 1.8.0)."""


class AnswerState(Enum):
    """How one answer says its task, or one of its results, stands."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """One element of a message. `task` is empty where it names none, `cost` is US dollars.

    `unknown` names what of it the tables do not hold. `ends_task` says that an error is the task's own end, as far as
    its type tells, and not the refusal of the request that asked for it; `has_status`, that an answer has a status, as
    those to polls do.
    """

    type: str
    task: str
    state: AnswerState
    error: ErrorClass | None = None
    cost: float | None = None
    unknown: str = ""
    ends_task: bool = False
    has_status: bool = False


def parse_answers(message: object) -> list[TaskAnswer]:
    """Every answer in a message, 1,000 at most; none where it is not in any known shape."""
    return list(islice(_answers(message), MAX_ANSWERS))


def _answers(message: object) -> Iterator[TaskAnswer]:
    if isinstance(message, list):
        for element in message[:MAX_ANSWERS]:
            if isinstance(element, dict):
                yield from _answers(element)
        return
    if not isinstance(message, dict):
        return
    yield from (_item(each) for each in _objects(message.get("data")))
    yield from (_error(each, {}) for each in _objects(message.get("errors")))
    single = message.get("error")
    if isinstance(single, dict | list):
        yield from (_error(each, message) for each in _objects(single))
    elif single is True and "errors" not in message:
        yield _old_error(message)
    elif "data" not in message and "errors" not in message and "taskUUID" in message:
        yield _item(message)


def _objects(value: object) -> Iterator[dict[str, object]]:
    listed = value if isinstance(value, list) else [value]
    return (each for each in listed if isinstance(each, dict))


def _item(item: dict[str, object]) -> TaskAnswer:
    """An element of `data`, or an event of a stream."""
    error, status = item.get("error"), item.get("status")
    if isinstance(error, dict) or status == FAILED_STATUS:
        return _error(error if isinstance(error, dict) else item, item)
    filtered = item.get("finishReason") == FILTERED
    state, unknown = (AnswerState.FAILED, "") if filtered else _state(item, status)
    return TaskAnswer(
        type=_type(item),
        task=_task(item),
        state=state,
        error=errors.MODERATION_OUTPUT if filtered else None,
        cost=_cost(item),
        unknown=unknown,
        ends_task=filtered,
        has_status=status is not None,
    )


def _state(item: dict[str, object], status: object) -> tuple[AnswerState, str]:
    """How far the task is, and what cannot be told of it. In an unknown status it runs, unless it has a result."""
    if "delta" in item:
        return (AnswerState.DONE if isinstance(item.get("finishReason"), str) else AnswerState.ACCEPTED), ""
    if status == FINISHED_STATUS:
        return AnswerState.DONE, ""
    if isinstance(status, str) and status in OPEN_STATUSES:
        return AnswerState.RUNNING, ""
    unknown = "task_status" if status is not None and _type(item) in GENERATIONS else ""
    if _has_result(item):
        return AnswerState.DONE, unknown
    return (AnswerState.ACCEPTED if status is None else AnswerState.RUNNING), unknown


def _has_result(item: dict[str, object]) -> bool:
    return any(value is not None and (key in RESULT_KEYS or key.endswith(MEDIA_ENDINGS)) for key, value in item.items())


def _error(error: dict[str, object], around: dict[str, object]) -> TaskAnswer:
    """An error object; what it does not say itself of its task is said `around` it."""
    kind, code = _type(error) or _type(around), error.get("code")
    known = classify(code, error.get("message"))
    stated = FAILED_STATUS in {_text(error, "status"), _text(around, "status")}
    return TaskAnswer(
        type=kind,
        task=_task(error) or _task(around),
        state=AnswerState.FAILED,
        error=errors.OTHER if known is None else known,
        cost=_cost(error),
        unknown="error_code" if known is None else "",
        ends_task=stated or kind in GENERATIONS,
        has_status=stated,
    )


def _old_error(message: dict[str, object]) -> TaskAnswer:
    """The protocol of 2024, whose errors name no task."""
    refused = message.get("errorId") == OLD_KEY_REFUSED
    known = errors.UNAUTHORIZED if refused else classify(None, message.get("errorMessage"))
    return TaskAnswer("authentication" if refused else "", "", AnswerState.FAILED, known or errors.OTHER)


def _text(item: dict[str, object], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _type(item: dict[str, object]) -> str:
    return _text(item, "taskType")[:MAX_TYPE_LENGTH]


def _task(item: dict[str, object]) -> str:
    task = item.get("taskUUID")
    return task if is_task_id(task) else ""


def _cost(item: dict[str, object]) -> float | None:
    cost = number(item.get("cost"))
    return cost if cost is not None and cost >= 0 else None
