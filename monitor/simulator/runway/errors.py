"""The errors of the simulated Runway, for refused requests and for failed tasks.

The texts for missing credits, the daily limit, the version header and the host name are as captured from Runway
(2024-2026). The other refusals follow its published schema. The codes and refunds of failed tasks follow Runway's page
on task failures as of autumn 2026. Runway's pages disagree on whether moderated output is refunded. Here it is charged,
as its moderation page says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

DOCS = "https://docs.dev.runwayml.com/api"


class Refusal(Exception):  # noqa: N818  it is an answer, not an error
    """A reply other than 2xx. `reason` is for the request log only."""

    def __init__(self, status: int, reason: str, error: str, **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.reason = reason
        self.body: Mapping[str, Any] = {"error": error, **more, "docUrl": DOCS}


_ANSWERS: Mapping[str, tuple[int, str]] = {
    "unauthorized": (401, "The API key that was provided is not valid."),
    "wrong_host": (401, "Incorrect hostname for API key"),
    "wrong_version": (400, "The API version that was provided in the X-Runway-Version header is not valid."),
    "not_json": (400, "The request body is not valid JSON."),
    "no_credits": (400, "You do not have enough credits to run this task."),
    "not_found": (404, "Not found."),
    "router_config_not_found": (404, "No router config has this slug."),
    "wrong_method": (405, "Method not allowed."),
    "conflict": (409, "This avatar is still being processed."),
    "daily_limit": (429, "Your daily task limit has been reached."),
    "no_eligible_model": (400, "No model is eligible for this request."),
}


def refuse(reason: str, **more: Any) -> Refusal:
    """Return the refusal for a known reason. `more` holds further fields of the body."""
    status, error = _ANSWERS[reason]
    return Refusal(status, reason, error, **more)


def issue(path: str, message: str, code: str = "custom") -> dict[str, Any]:
    """Return one issue of a failed validation."""
    return {"code": code, "path": [path], "message": message}


def invalid(issues: list[dict[str, Any]], part: str = "body") -> Refusal:
    """Return the refusal of a body or a query that failed its validation."""
    return Refusal(400, "validation", f"Validation of {part} failed", issues=issues)


NO_CODE = "-"
"""The code of a failure that carries no `failureCode`."""


class Failure(NamedTuple):
    """The message of a failed task, and whether its credits are refunded."""

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
"""The default weight of each code in the draw of a failed task."""


def failure(code: str) -> Failure:
    """Return the failure for a code. An unknown code is a refunded internal error."""
    return FAILURES.get(code, _UNLISTED)
