"""The errors of the simulated Runware, for refused and for failed tasks.

Runware publishes no complete list. These codes appear in its documentation and SDKs. Its page `platform/errors` lists
the statuses 400 to 404, its page `platform/rate-limits` 429, 503 and 504 (both 2026). Which status goes with which code
is an assumption.
"""

from __future__ import annotations

from typing import Any, NamedTuple

_DOCUMENTATION = "https://runware.ai/docs/platform/errors"
SUCCESS_WITHOUT_CONTENT = "content_filter"
"""The code of a text that a content filter ended. It is a result, not an error."""


class ErrorText(NamedTuple):
    """The HTTP status and the message of a code."""

    status: int
    message: str


_UNKNOWN = ErrorText(500, "The task failed.")
ERRORS = {
    "invalidJson": ErrorText(400, "The request is not a JSON array of tasks."),
    "missingParameter": ErrorText(400, "A required parameter is missing."),
    "invalidTaskType": ErrorText(400, "Invalid value for 'taskType' parameter."),
    "invalidTaskUUID": ErrorText(400, "Invalid value for 'taskUUID' parameter. It must be a UUIDv4."),
    "invalidModel": ErrorText(400, "Invalid value for 'model' parameter."),
    "invalidNumberResults": ErrorText(400, "Invalid value for 'numberResults' parameter."),
    "invalidValue": ErrorText(400, "A parameter has an invalid value."),
    "conflictTaskUUID": ErrorText(400, "This 'taskUUID' is already in use."),
    "missingApiKey": ErrorText(401, "No API key was given."),
    "invalidApiKey": ErrorText(401, "Invalid API key."),
    "insufficientCredits": ErrorText(402, "The account's balance is insufficient."),
    "insufficientPermissions": ErrorText(403, "The API key lacks permission."),
    "taskNotFound": ErrorText(404, "There is no such task."),
    "notFound": ErrorText(404, "There is no such address."),
    "rateLimitExceeded": ErrorText(429, "The queue of this model is full. Try again later."),
    "serviceUnavailable": ErrorText(503, "The service is at capacity. Try again later."),
    "timeoutProvider": ErrorText(504, "The external provider did not respond in time."),
    "providerError": ErrorText(500, "The external provider failed."),
    "noAvailableServer": ErrorText(503, "No server is available for this model."),
    "internalServerError": ErrorText(500, "An internal error occurred."),
    "contentPolicyViolation": ErrorText(400, "The content was refused by the content policy."),
}
WEIGHTS = {"timeoutProvider": 3.0, "providerError": 2.0, "contentPolicyViolation": 2.0, "internalServerError": 1.0}
"""The default weight of each code in the draw of a failed task."""


class Refusal(Exception):  # noqa: N818 - the field's word
    """A task or request is refused. `parameter` names the wrong parameter, empty if there is none."""

    def __init__(self, code: str, parameter: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.parameter = parameter


def status_of(code: str) -> int:
    """Return the HTTP status that goes with a code."""
    return ERRORS.get(code, _UNKNOWN).status


def error(code: str, *, parameter: str = "", **about: Any) -> dict[str, Any]:
    """Return an error object. `about` holds further fields, such as the task that it is about."""
    named = {"parameter": parameter, "type": "string"} if parameter else {}
    message = ERRORS.get(code, _UNKNOWN).message
    return {"code": code, "message": message, **named, **about, "documentation": _DOCUMENTATION}
