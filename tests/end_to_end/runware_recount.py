"""What the figures of a Runware account must be, from the simulator's record of requests and of tasks by id alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

REFUSALS = {
    "invalidModel": "invalid_request",
    "insufficientCredits": "insufficient_credits",
    "invalidApiKey": "unauthorized",
    "missingApiKey": "unauthorized",  # sent on a socket ahead of its authentication
    "rateLimitExceeded": "rate_limited",
    "serviceUnavailable": "overloaded",
}
REASONS = {
    "timeoutProvider": "timeout",
    "providerError": "upstream",
    "contentPolicyViolation": "moderation",
    "content_filter": "moderation_output",
}
WITHOUT_TASKS = {
    101: "success",
    200: "success",
    202: "success",
    400: "invalid_request",
    401: "unauthorized",
    404: "not_found",
    429: "insufficient_credits",  # an application whose budget is spent
}
OVERLOADED = {502, 503, 504}
CUT_OFF = {"closed": "truncated", "half_body": "truncated", "client_gone": "client_gone", "reset": "unreachable"}
STRANGER = "plain"
"""Who also plays with a key that is nobody's: the simulator cannot tell, the gateway knows whose path it was."""

Counts = dict[tuple[str, ...], float]


def records_of(client: str, records: Iterable[dict[str, Any]], tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of a client. One whose account is not known is its task's owner's, else the stranger's."""
    owners = {task["uuid"]: task["account"] for task in tasks}

    def owner(record: dict[str, Any]) -> str:
        known = (owners[told["uuid"]] for told in record["tasks"] if told["uuid"] in owners)
        return record["account"] or next(known, STRANGER)

    return [record for record in records if owner(record) == client]


def of_one(record: dict[str, Any], told: dict[str, Any]) -> str:
    """How the request ended for one of its tasks."""
    match told["verdict"]:
        case "refused":
            return REFUSALS[told["code"]]
        case "missing":
            return "not_found"
        case "done" if told["code"] and record["kind"] == "create" and told["code"] != "content_filter":
            return "partial"
        case "done" if told["code"] == "content_filter" and record["kind"] == "create":
            return "task_failed"
        case "failed" if record["kind"] == "create" or (record["status"] or 0) >= 400:
            return "task_failed"
        case _:
            return "success"


def outcome(record: dict[str, Any]) -> str:
    """What became of a request."""
    if record["fault"] in CUT_OFF:
        return CUT_OFF[record["fault"]]
    if record["fault"] == "html" or not any(told["verdict"] for told in record["tasks"]):
        return "overloaded" if record["status"] in OVERLOADED else WITHOUT_TASKS[record["status"]]
    ends = {of_one(record, told) for told in record["tasks"]}
    if len(ends) == 1:
        return ends.pop()
    return "partial" if {"success", "partial"} & ends else "task_failed"


def requests(records: list[dict[str, Any]]) -> Counts:
    """Requests by endpoint, kind, code and outcome."""
    return Counter(
        (r["template"], r["kind"], "none" if r["status"] is None else str(r["status"]), outcome(r)) for r in records
    )  # type: ignore[return-value]


def retries(records: list[dict[str, Any]]) -> int:
    """How many requests send a task again."""
    return sum(r["repeated"] for r in records)


def created(tasks: list[dict[str, Any]]) -> Counts:
    """Tasks that were taken, by model."""
    return Counter((t["model"],) for t in tasks)  # type: ignore[return-value]


def finished(tasks: list[dict[str, Any]]) -> Counts:
    """Tasks that ended, by model, outcome and reason: one that has a result succeeded."""
    return Counter((t["model"], *_end(t)) for t in tasks)  # type: ignore[return-value]


def _end(task: dict[str, Any]) -> tuple[str, str]:
    filtered = task["codes"] == ["content_filter"]
    if task["status"] == "success" and not filtered:
        return "succeeded", ""
    return "failed", REASONS[task["codes"][0]]


def costs(tasks: list[dict[str, Any]]) -> Counts:
    """US dollars told, by model."""
    sums: Counter[tuple[str, ...]] = Counter()
    for task in tasks:
        if task["costTold"] and task["cost"]:
            sums[task["model"],] += task["cost"]
    return dict(sums)


def unknown_costs(tasks: list[dict[str, Any]]) -> Counts:
    """Successes of which no cost was told, by model."""
    silent = (t for t in tasks if _end(t)[0] == "succeeded" and not t["costTold"])
    return Counter((t["model"],) for t in silent)  # type: ignore[return-value]
