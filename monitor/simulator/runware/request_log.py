"""What really happened: the simulator's own record of requests and tasks, to compare the monitor's figures with."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from monitor.simulator.runware.api.generations import Answer, model_of
from monitor.simulator.runware.api.messages import Item
from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.platform.tasks import Task

HTTP, STREAM, WEBSOCKET = "http", "stream", "websocket"
_KEPT = 200_000


@dataclass(slots=True)
class TaskOutcome:
    """What a request was told of one of its tasks: `verdict` and `code` of `desk.Answer`, empty if nothing."""

    uuid: str
    type: str
    model: str
    verdict: str = ""
    code: str = ""


@dataclass(slots=True)
class Record:
    """One request: an HTTP request, a handshake (101) among them, or one message of a client on a WebSocket.

    `status` is None where no status was sent, on a WebSocket always; `fault` is what was done to it, `client_gone` or
    `closed` (the socket, before all was told) among others. `repeated` says that it sends a task whose id this
    account's clients had sent before. `own` says that the monitor itself asked. Times are Unix seconds.
    """

    account: str
    transport: str
    template: str
    kind: str
    own: bool
    started_at: float
    repeated: bool = False
    model: str = ""
    status: int | None = None
    fault: str = ""
    tasks: list[TaskOutcome] = field(default_factory=list)
    finished_at: float | None = None

    def name(self, items: Iterable[Item]) -> None:
        """Write down which tasks it is about."""
        self.tasks = [
            TaskOutcome(str(item.get("taskUUID", "")), str(item.get("taskType", "")), model_of(item)) for item in items
        ]

    def tell(self, answers: Iterable[Answer]) -> None:
        """Write down what was answered to them, in the same order."""
        for mine, answer in zip(self.tasks, answers, strict=True):
            mine.verdict, mine.code = answer.verdict, answer.code
            mine.model = mine.model or answer.model


class RequestLog:
    """Keeps the last 200,000 requests one by one, and the ids of the tasks that were sent."""

    def __init__(self) -> None:
        self.total = 0
        self._records: deque[Record] = deque(maxlen=_KEPT)
        self._sent: set[tuple[str, str]] = set()

    def mark_repeats(self, record: Record) -> None:
        """Take down which tasks a request asks for, and whether one of them was sent before."""
        for told in record.tasks if record.kind == "create" else ():
            record.repeated = record.repeated or (record.account, told.uuid) in self._sent
            self._sent.add((record.account, told.uuid))

    def add(self, record: Record, now: float) -> None:
        """Take down a request that is over."""
        record.finished_at = now
        self.total += 1
        self._records.append(record)

    def requests(self, after: int) -> list[dict[str, Any]]:
        """Records numbered above `after`, in the order they ended; the first ever has number 1."""
        first = self.total - len(self._records) + 1
        return [
            {"number": number, **asdict(record)} for number, record in enumerate(self._records, first) if number > after
        ]

    def counts(self) -> list[dict[str, Any]]:
        """How many of the requests that are kept there were of each sort."""
        names = ("account", "own", "transport", "template", "kind", "status", "fault", "repeated")
        counts = Counter(tuple(getattr(record, name) for name in names) for record in self._records)
        return [{**dict(zip(names, group, strict=True)), "count": count} for group, count in counts.items()]


def task_record(account: Account, task: Task) -> dict[str, Any]:
    """One task, as it is and as it came to be."""
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
        "told": task.told,
    }


def task_counts(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """How many tasks there are of each sort, and what they cost."""
    counts: Counter[tuple[Any, ...]] = Counter()
    costs: Counter[tuple[Any, ...]] = Counter()
    for account in accounts:
        for task in account.tasks.values():
            group = (account.name, task.request.model, task.status.value, next(iter(task.codes), None))
            counts[group] += 1
            costs[group] += task.cost  # type: ignore[assignment]
    names = ("account", "model", "status", "code", "count", "cost")
    return [dict(zip(names, (*group, count, costs[group]), strict=True)) for group, count in counts.items()]
