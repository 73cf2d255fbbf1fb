"""What the API answers when it will not do as asked: status, body, and a word for the witness.

The texts for no credits, the daily limit, the version header and the host name are as captured from Runway
(2024-2026); the others follow its published schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCS = "https://docs.dev.runwayml.com/api"


class Refusal(Exception):  # noqa: N818  it is an answer, not an error
    """A reply other than 2xx. `reason` is for the witness only."""

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
    """The refusal for a known reason; `more` are further fields of the body."""
    status, error = _ANSWERS[reason]
    return Refusal(status, reason, error, **more)


def issue(path: str, message: str, code: str = "custom") -> dict[str, Any]:
    """One fault of a validated input."""
    return {"code": code, "path": [path], "message": message}


def invalid(issues: list[dict[str, Any]], part: str = "body") -> Refusal:
    """Validation failed on these issues, in the body or the query."""
    return Refusal(400, "validation", f"Validation of {part} failed", issues=issues)
