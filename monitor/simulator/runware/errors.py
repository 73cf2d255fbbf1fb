"""Errors as Runware words them. No complete list is published; these codes stand in its documentation and SDKs.

The statuses 400 to 404 are those of docs `platform/errors`, 429, 503 and 504 those of docs `platform/rate-limits`
(both 2026); which status goes with which code is an assumption.
"""

from __future__ import annotations

from typing import Any, NamedTuple

_DOCUMENTATION = "https://runware.ai/docs/platform/errors"
SUCCESS_WITHOUT_CONTENT = "content_filter"
"""Settles a text that ends by its content being filtered: a result, and not an error."""


class Wording(NamedTuple):
    """A code's HTTP status and its text."""

    status: int
    message: str


_UNWORDED = Wording(500, "The task failed.")
WORDINGS = {
    "invalidJson": Wording(400, "The request is not a JSON array of tasks."),
    "missingParameter": Wording(400, "A required parameter is missing."),
    "invalidTaskType": Wording(400, "Invalid value for 'taskType' parameter."),
    "invalidTaskUUID": Wording(400, "Invalid value for 'taskUUID' parameter. It must be a UUIDv4."),
    "invalidModel": Wording(400, "Invalid value for 'model' parameter."),
    "invalidNumberResults": Wording(400, "Invalid value for 'numberResults' parameter."),
    "invalidValue": Wording(400, "A parameter has an invalid value."),
    "conflictTaskUUID": Wording(400, "This 'taskUUID' is already in use."),
    "missingApiKey": Wording(401, "No API key was given."),
    "invalidApiKey": Wording(401, "Invalid API key."),
    "insufficientCredits": Wording(402, "The account's balance is insufficient."),
    "insufficientPermissions": Wording(403, "The API key lacks permission."),
    "taskNotFound": Wording(404, "There is no such task."),
    "notFound": Wording(404, "There is no such address."),
    "rateLimitExceeded": Wording(429, "The queue of this model is full. Try again later."),
    "serviceUnavailable": Wording(503, "The service is at capacity. Try again later."),
    "timeoutProvider": Wording(504, "The external provider did not respond in time."),
    "providerError": Wording(500, "The external provider failed."),
    "noAvailableServer": Wording(503, "No server is available for this model."),
    "internalServerError": Wording(500, "An internal error occurred."),
    "contentPolicyViolation": Wording(400, "The content was refused by the content policy."),
}
WEIGHTS = {"timeoutProvider": 3.0, "providerError": 2.0, "contentPolicyViolation": 2.0, "internalServerError": 1.0}
"""How a random failure is drawn."""


class Refusal(Exception):  # noqa: N818 - the field's word
    """A task is turned away."""

    def __init__(self, code: str, parameter: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.parameter = parameter


def status_of(code: str) -> int:
    """The HTTP status that goes with a code."""
    return WORDINGS.get(code, _UNWORDED).status


def error(code: str, *, parameter: str = "", **about: Any) -> dict[str, Any]:
    """An error object; `about` says which task it is about and what else is known."""
    named = {"parameter": parameter, "type": "string"} if parameter else {}
    message = WORDINGS.get(code, _UNWORDED).message
    return {"code": code, "message": message, **named, **about, "documentation": _DOCUMENTATION}
