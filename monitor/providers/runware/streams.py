"""Streams of server-sent events: which events matter, and how a stream ended."""

from __future__ import annotations

import re
from dataclasses import replace

from monitor.observations import Outcome
from monitor.providers.runware.messages import AnswerState, TaskAnswer

MAX_EVENTS = 1000

STREAM_EVENTS = re.compile(
    rb'"finish_?[rR]eason"\s*:\s*"|"errors?"\s*+:\s*+(?!null)|"cost"\s*:|^\[DONE\]'
    rb'|"(?:message_stop|response\.(?:completed|incomplete|failed))"'
)
"""Events that say how a stream ended, in Runware's format (SDK 1.8.0, `stream.py`) and in the formats of other
providers that Runware also speaks (those providers' documentation, 2026)."""

STREAM_ENDS = re.compile(
    rb'"finish_reason"\s*:\s*"|^\[DONE\]|"(?:message_stop|response\.(?:completed|incomplete))"', re.MULTILINE
)
"""Events in another provider's format that report a complete stream (those providers' documentation, 2026)."""

STREAM_ERROR = re.compile(rb'"error"\s*+:\s*+(?!null)')
"""Events in another provider's format that report a failure. In a success `error` may be null (OpenAI, 2026)."""

END_STATES = frozenset({AnswerState.DONE, AnswerState.FAILED})


def answers_in_stream(answers: list[TaskAnswer]) -> list[TaskAnswer]:
    """Give answers without a task the task of the stream. A stream is about one task, which its first events name."""
    task = next((answer.task for answer in answers if answer.task), "")
    return [answer if answer.task else replace(answer, task=task) for answer in answers]


def has_ended(answers: list[TaskAnswer]) -> bool:
    """Whether a stream in Runware's format reported its end."""
    return any(answer.state in END_STATES for answer in answers)


def stream_outcome(body: bytes) -> Outcome | None:
    """The outcome that a stream in another provider's format reports, None if it reports none."""
    if STREAM_ERROR.search(body):
        return Outcome.SERVER_ERROR
    return Outcome.SUCCESS if STREAM_ENDS.search(body) else None
