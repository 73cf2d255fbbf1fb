"""How simulated tasks fail: codes, prose, and who bears the cost.

Codes and refunds follow Runway's page on task failures as of autumn 2026. Runway's pages disagree whether moderated
output is refunded; here it is charged, as its moderation page says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

NO_CODE = "-"
"""Stands for a failure that carries no `failureCode`."""


class Failure(NamedTuple):
    """What a failed task says, and whether its credits come back."""

    message: str
    refunded: bool


FAILURES: Mapping[str, Failure] = {
    "SAFETY.INPUT.TEXT": Failure("The text prompt was flagged by content moderation.", refunded=False),
    "SAFETY.INPUT.IMAGE": Failure("An input image was flagged by content moderation.", refunded=False),
    "SAFETY.INPUT.VIDEO": Failure("An input video was flagged by content moderation.", refunded=False),
    "SAFETY.OUTPUT.VIDEO": Failure("The output was flagged by content moderation.", refunded=False),
    "SAFETY": Failure("The generation was flagged by content moderation.", refunded=False),
    "INPUT_PREPROCESSING.SAFETY.TEXT": Failure("The text prompt was flagged by content moderation.", refunded=False),
    "INPUT_PREPROCESSING.SAFETY.THIRD_PARTY": Failure("The model's provider declined the input.", refunded=False),
    "INPUT_PREPROCESSING.INTERNAL": Failure("An error occurred while processing the inputs.", refunded=True),
    "ASSET.INVALID": Failure("An input asset does not meet the requirements.", refunded=True),
    "INTERNAL.BAD_OUTPUT.CODE01": Failure("The output did not meet quality requirements.", refunded=True),
    "INTERNAL": Failure("An unexpected error occurred.", refunded=True),
    "THIRD_PARTY.UNAVAILABLE": Failure("The model's provider is unavailable.", refunded=True),
    "THIRD_PARTY.INPUT_VALIDATION": Failure("The model's provider rejected the input.", refunded=True),
    NO_CODE: Failure("An unexpected error occurred.", refunded=True),
}
_UNLISTED = Failure("An unexpected error occurred.", refunded=True)

WEIGHTS: Mapping[str, float] = {
    "SAFETY.INPUT.TEXT": 4,
    "SAFETY.OUTPUT.VIDEO": 1,
    "ASSET.INVALID": 1,
    "INTERNAL.BAD_OUTPUT.CODE01": 2,
    "INTERNAL": 1,
    "THIRD_PARTY.UNAVAILABLE": 1,
}
"""How often each code is drawn when a task fails, relative to the others, unless told otherwise."""


def failure(code: str) -> Failure:
    """What `code` means; a code that is not listed is a refunded internal fault."""
    return FAILURES.get(code, _UNLISTED)
