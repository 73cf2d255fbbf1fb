"""The answers in a message from Runware: one for each element of `data` and for each error.

Errors come in several places: beside `data`, as a single `error`, inside an element of `data`, or inside an array
(docs `models-api/errors`, October 2026, and `en/task-responses`, October 2025; the SDKs' parsers; replies seen in use).
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
"""The `status` of a polled task (docs `models-api/task-polling`, October 2026). Only `processing` of the open ones is
documented. The SDK `runware` 0.5.24 (June 2026) accepts the others."""

MEDIA_ENDINGS = ("URL", "Base64Data", "DataURI")
RESULT_KEYS = ("text", "structuredData", "outputs", "air", "result")
"""An answer holds a result if one of these keys, or a key with one of these endings, has a value (SDK 1.8.0,
`client.py`)."""

FILTERED = "content_filter"
"""The `finishReason` of a text that moderation cut off (SDK 1.8.0)."""


class AnswerState(Enum):
    """The state that an answer reports of its task or of one result."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """One element of a message.

    `task` is empty if the element names no task. `cost` is US dollars. `unknown` is the field of an `UnknownSeen` if
    the element holds a value that the tables lack. `ends_task` says that an error is probably the end of the task
    instead of the refusal of its request. `has_status` says that the element has a `status`, as answers to polls do.
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
    """The first 1,000 answers in a message. A message of an unknown shape has none."""
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
    """Read an element of `data`, or an event of a stream."""
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
    """The state of an element, and its unknown field. An unknown status counts as running, unless a result is there."""
    if "delta" in item:
        return (AnswerState.DONE if isinstance(item.get("finishReason"), str) else AnswerState.ACCEPTED), ""
    if status == FINISHED_STATUS:
        return AnswerState.DONE, ""
    if isinstance(status, str) and status in OPEN_STATUSES:
        return AnswerState.RUNNING, ""
    unknown = "task_status" if status is not None and _type(item) in GENERATIONS else ""
    if any(value is not None and (key in RESULT_KEYS or key.endswith(MEDIA_ENDINGS)) for key, value in item.items()):
        return AnswerState.DONE, unknown
    return (AnswerState.ACCEPTED if status is None else AnswerState.RUNNING), unknown


def _error(error: dict[str, object], around: dict[str, object]) -> TaskAnswer:
    """Read an error object. The object `around` it names the type and the task if the error itself does not."""
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
    """Read an error of the protocol of 2024, which names no task."""
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
