"""The request log of the simulated Runware, and its tasks, to compare the monitor's figures with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from monitor.simulator.runware.api.generations import Answer, model_of
from monitor.simulator.runware.api.messages import Item
from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.platform.tasks import Task
from monitor.simulator.shared.request_log import BaseRecord, BaseRequestLog, grouped

HTTP, STREAM, WEBSOCKET = "http", "stream", "websocket"


@dataclass(slots=True)
class TaskOutcome:
    """The answer to one task of a request: `verdict` and `code` of its `Answer`, both empty if there was none."""

    uuid: str
    type: str
    model: str
    verdict: str = ""
    code: str = ""


@dataclass(slots=True, kw_only=True)
class Record(BaseRecord):
    """One HTTP request, WebSocket handshake (101), or message of a client on a WebSocket.

    `status` is None for every WebSocket message. `fault` may also be `closed`: the socket closed before everything was
    sent. `repeated` says that it sends a task whose id the account's clients have sent before.
    """

    transport: str = HTTP
    account: str = ""
    repeated: bool = False
    tasks: list[TaskOutcome] = field(default_factory=list)

    def set_tasks(self, items: Iterable[Item]) -> None:
        """Set the tasks that the request holds."""
        self.tasks = [
            TaskOutcome(str(item.get("taskUUID", "")), str(item.get("taskType", "")), model_of(item)) for item in items
        ]

    def set_outcomes(self, answers: Iterable[Answer]) -> None:
        """Set the answers to the tasks, which come in the same order."""
        for mine, answer in zip(self.tasks, answers, strict=True):
            mine.verdict, mine.code = answer.verdict, answer.code
            mine.model = mine.model or answer.model


class RequestLog(BaseRequestLog[Record]):
    """Keeps the last requests, and the ids of all tasks that were sent."""

    def __init__(self) -> None:
        super().__init__()
        self._sent: set[tuple[str, str]] = set()

    def mark_repeats(self, record: Record) -> None:
        """Mark a request that creates a task whose id was sent before."""
        for outcome in record.tasks if record.kind == "create" else ():
            record.repeated = record.repeated or (record.account, outcome.uuid) in self._sent
            self._sent.add((record.account, outcome.uuid))

    def counts(self) -> list[dict[str, Any]]:
        """Return the number of kept requests in each group."""
        names = ("account", "own", "transport", "template", "kind", "status", "fault", "repeated")
        counts = Counter(tuple(getattr(record, name) for name in names) for record in self._records)
        return [{**dict(zip(names, group, strict=True)), "count": count} for group, count in counts.items()]


def task_record(account: Account, task: Task) -> dict[str, Any]:
    """Return the present state of one task and its history."""
    request = task.request
    return {
        "account": account.name,
        "uuid": request.uuid,
        "type": request.type,
        "model": request.model,
        "delivery": request.delivery.value,
        "results": request.results,
        "successes": task.successes,
        "status": task.status.value,
        "codes": task.codes,
        "cost": task.cost,
        "costTold": request.fields.get("includeCost") is True,
        "submittedAt": task.submitted_at,
        "startedAt": task.started_at,
        "finishedAt": task.finished_at,
        "polls": task.polls,
        "conflicts": task.conflicts,
        "told": task.reported,
    }


def task_counts(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """Return the number of tasks in each group, and their cost in US dollars."""
    rows = (
        ((account.name, task.request.model, task.status.value, next(iter(task.codes), None)), task.cost)
        for account in accounts
        for task in account.tasks.values()
    )
    return grouped(("account", "model", "status", "code", "count", "cost"), rows)
