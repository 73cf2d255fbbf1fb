"""An independent recount: what the figures must be, from the simulator's record of every request and task alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

OUTCOMES = {401: "unauthorized", 403: "forbidden", 429: "rate_limited", 502: "overloaded", 503: "overloaded"}
REASONS = {
    "SAFETY.INPUT.TEXT": "moderation_input",
    "SAFETY.OUTPUT.VIDEO": "moderation_output",
    "ASSET.INVALID": "asset",
    "INTERNAL.BAD_OUTPUT.CODE01": "bad_output",
    "THIRD_PARTY.UNAVAILABLE": "upstream",
    None: "internal",
}


def outcome(record: dict[str, Any]) -> str:
    """What became of a request whose answer arrived whole."""
    status = record["status"]
    if status < 300:
        return "success"
    if status == 404:
        return "benign_not_found" if record["method"] == "DELETE" else "not_found"
    if status == 400:
        return "insufficient_credits" if record["reason"] == "no_credits" else "invalid_request"
    return OUTCOMES[status]


def requests(records: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    """Requests by account, endpoint, kind, code and outcome."""
    return Counter((r["organization"], r["template"], r["kind"], str(r["status"]), outcome(r)) for r in records)  # type: ignore[return-value]


def creates(records: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    """Creates by account, model and code."""
    return Counter((r["organization"], r["model"], str(r["status"])) for r in records if r["kind"] == "create")  # type: ignore[return-value]


def retries(records: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    """Attempts that an SDK marked, by account and endpoint."""
    return Counter((r["organization"], r["template"]) for r in records if r["retry"])  # type: ignore[return-value]


def created(tasks: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    """Accepted generations by account and model."""
    return Counter((t["organization"], t["model"]) for t in tasks)  # type: ignore[return-value]


def finished(tasks: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    """Ended tasks by account, model, outcome and reason."""
    return Counter(
        (
            t["organization"],
            t["model"],
            t["status"].lower(),
            REASONS[t["failureCode"]] if t["status"] == "FAILED" else "",
        )
        for t in tasks
        if t["status"] in {"SUCCEEDED", "FAILED", "CANCELLED"}
    )  # type: ignore[return-value]


def wasted(tasks: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    """Dollars charged for failures, by account, model and reason."""
    sums: Counter[tuple[str, ...]] = Counter()
    for task in tasks:
        if task["status"] == "FAILED" and task["credits"]:
            sums[task["organization"], task["model"], REASONS[task["failureCode"]]] += task["credits"]
    return {key: credits_ / 100 for key, credits_ in sums.items()}


def polled(records: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """The model of each task that was ever polled, and what the newest of those polls said; by the task's id."""
    answered = [r for r in records if r["kind"] == "poll" and r["status"] == 200]
    return {r["task"]: (r["model"], r["task_status"]) for r in sorted(answered, key=lambda r: r["number"])}
