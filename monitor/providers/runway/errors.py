"""What Runway's errors mean: codes of failed tasks, and the 400 of an account that lacks credits."""

from __future__ import annotations

import re

from monitor.observations import Reason
from monitor.providers.http import Exchange
from monitor.providers.lenient import nested

ERROR_TEXT_BYTES = 2048

FAILURE_CODES = (
    ("ASSET", Reason.ASSET),
    ("INTERNAL.BAD_OUTPUT", Reason.BAD_OUTPUT),
    ("INTERNAL", Reason.INTERNAL),
    ("INPUT_PREPROCESSING.INTERNAL", Reason.INTERNAL),
    ("THIRD_PARTY.INPUT_VALIDATION", Reason.INVALID_INPUT),
    ("THIRD_PARTY", Reason.UPSTREAM),
)
"""Dotted beginnings of a failure code, first match wins, after moderation has been ruled out (docs
`errors/task-failures`, autumn 2026; THIRD_PARTY.INPUT_VALIDATION is undocumented, seen in use in 2026)."""

NO_CREDITS = re.compile(r"(?:\bnot|n't) (?:have )?enough credits", re.IGNORECASE)
"""Out of credits is a 400 told apart by its text, "You do not have enough credits to run this task."
(github runwayml/sdk-node#28, 2024-10-30; seen again 2026-07-14)."""


def reason(code: object) -> Reason | None:
    """The class of a failure code: `internal` where there is no code, None for one that the table does not hold.

    `SAFETY` anywhere is moderation, of the input unless the code says output.
    """
    if code is None or code == "":
        return Reason.INTERNAL
    if not isinstance(code, str):
        return None
    code = code.upper()
    if "SAFETY" in code:
        return _moderation(code)
    return next((known for start, known in FAILURE_CODES if f"{code}.".startswith(f"{start}.")), None)


def _moderation(code: str) -> Reason:
    if code == "SAFETY":
        return Reason.MODERATION
    return Reason.MODERATION_OUTPUT if "OUTPUT" in code else Reason.MODERATION_INPUT


def lacks_credits(exchange: Exchange, document: dict[str, object] | None) -> bool:
    """Whether a 400 is about credits. One that lists `issues` is about the input, and may quote any text from it."""
    if nested(document, "issues"):
        return False
    text = nested(document, "error") or nested(document, "message")
    if not isinstance(text, str):
        text = exchange.body[:ERROR_TEXT_BYTES].decode("utf-8", "replace")
    return NO_CREDITS.search(text) is not None
