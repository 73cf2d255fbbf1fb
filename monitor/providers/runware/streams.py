"""Streams of server-sent events: which events matter, and how a stream ended."""

from __future__ import annotations

import re
from dataclasses import replace

from monitor.observations import Outcome
from monitor.providers.runware.messages import AnswerState, TaskAnswer

STREAM_EVENTS = re.compile(
    rb'"finish_?[rR]eason"\s*:\s*"|"errors?"\s*+:\s*+(?!null)|"cost"\s*:|^\[DONE\]'
    rb'|"(?:message_stop|response\.(?:completed|incomplete|failed))"'
)
"""Events of a stream that tell how it ended, in Runware's format (SDK 1.8.0, `stream.py`) and in those of the vendors
whose formats it also speaks (their documentation, 2026)."""

STREAM_ENDS = re.compile(
    rb'"finish_reason"\s*:\s*"|^\[DONE\]|"(?:message_stop|response\.(?:completed|incomplete))"', re.MULTILINE
)
"""Of those, the ones that say in another vendor's format that all is told."""

STREAM_ERROR = re.compile(rb'"error"\s*+:\s*+(?!null)')
"""And the ones that say there that it failed. A response that goes well holds an `error` of null (OpenAI, 2026)."""

ENDS = frozenset({AnswerState.DONE, AnswerState.FAILED})


def of_stream(answers: list[TaskAnswer]) -> list[TaskAnswer]:
    """A stream tells of one task: once it has named it, an error without a task is about it too."""
    task = next((answer.task for answer in answers if answer.task), "")
    return [answer if answer.task else replace(answer, task=task) for answer in answers]


def has_ended(answers: list[TaskAnswer]) -> bool:
    """Whether a stream of tasks has told its end."""
    return any(answer.state in ENDS for answer in answers)


def stream_outcome(body: bytes) -> Outcome | None:
    """How a stream in another vendor's format says that it ended; None where it does not say."""
    if STREAM_ERROR.search(body):
        return Outcome.SERVER_ERROR
    return Outcome.SUCCESS if STREAM_ENDS.search(body) else None
