"""What Runway's errors mean, as dated tables. To add a failure code, add one line to `FAILURE_CODES`."""

from __future__ import annotations

import re

from monitor.observations import Kind, Outcome, Reason
from monitor.providers.http import Exchange, error_outcome
from monitor.providers.lenient import nested

MAX_ERROR_TEXT_BYTES = 2048

FAILURE_CODES = (
    ("ASSET", Reason.ASSET),
    ("INTERNAL.BAD_OUTPUT", Reason.BAD_OUTPUT),
    ("INTERNAL", Reason.INTERNAL),
    ("INPUT_PREPROCESSING.INTERNAL", Reason.INTERNAL),
    ("THIRD_PARTY.INPUT_VALIDATION", Reason.INVALID_INPUT),
    ("THIRD_PARTY", Reason.UPSTREAM),
)
"""Dotted prefixes of the `failureCode` of a failed task. The first match wins. `SAFETY` has a rule of its own in
`failure_reason` (docs `errors/task-failures`, autumn 2026; THIRD_PARTY.INPUT_VALIDATION is undocumented, seen in use in
2026)."""

NO_CREDITS = re.compile(r"(?:\bnot|n't) (?:have )?enough credits", re.IGNORECASE)
"""A lack of credits is a 400 with the text "You do not have enough credits to run this task." (github
runwayml/sdk-node#28, 2024-10-30; seen again 2026-07-14)."""


def failure_reason(code: object) -> Reason | None:
    """The reason of a failed task: `internal` without a code, None for a code that the table lacks.

    `SAFETY` anywhere in a code is moderation, of the input unless the code says output.
    """
    if code is None or code == "":
        return Reason.INTERNAL
    if not isinstance(code, str):
        return None
    code = code.upper()
    if code == "SAFETY":
        return Reason.MODERATION
    if "SAFETY" in code:
        return Reason.MODERATION_OUTPUT if "OUTPUT" in code else Reason.MODERATION_INPUT
    return next((reason for prefix, reason in FAILURE_CODES if f"{code}.".startswith(f"{prefix}.")), None)


def refusal_outcome(exchange: Exchange, status: int, document: dict[str, object] | None) -> Outcome:
    """The outcome of an exchange with an error status. `document` is the JSON object in its reply.

    A 429 on a create is the rolling daily limit: Runway has no limit of requests a minute (docs `usage/tiers`, 2026).
    """
    outcome = error_outcome(status)
    if outcome is Outcome.NOT_FOUND and exchange.route.kind is Kind.DELETE:
        return Outcome.BENIGN_NOT_FOUND
    if outcome is Outcome.INVALID_REQUEST and _lacks_credits(exchange, document):
        return Outcome.INSUFFICIENT_CREDITS
    return outcome


def _lacks_credits(exchange: Exchange, document: dict[str, object] | None) -> bool:
    """Whether a 400 is about credits. One with `issues` is about the input, and may quote any text from it."""
    if nested(document, "issues"):
        return False
    text = nested(document, "error") or nested(document, "message")
    if not isinstance(text, str):
        text = exchange.body[:MAX_ERROR_TEXT_BYTES].decode("utf-8", "replace")
    return NO_CREDITS.search(text) is not None
