"""The answer to each task of a request, over any transport: generations, polls, account reads, utilities. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from monitor.simulator.runware.api.account_reads import read
from monitor.simulator.runware.api.messages import Item, acknowledgement, polled, result_items
from monitor.simulator.runware.catalog import AIR, RESULTS, STREAMED, WITHOUT_MODEL, first_kind, kind_of
from monitor.simulator.runware.errors import Refusal, error, status_of
from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.platform.tasks import Delivery, Status, Task, TaskRequest
from monitor.simulator.runware.settings import Settings
from monitor.simulator.shared.requests import Kind

_MOST_RESULTS = 20
_STREAMS = frozenset({STREAMED})
_WEBHOOK = "webhookURL"
_SLOW = frozenset({"videoInference", "3dInference", "training"})


@dataclass(slots=True)
class Answer:
    """The answer to one task of a request.

    `verdict` is for the request log: acknowledged, done, failed, conflict, refused, running, missing, silent or
    answered. `task` is set while results are outstanding. `status` is the HTTP status of a reply that holds nothing but
    errors.
    """

    type: str
    uuid: str
    model: str
    verdict: str = "answered"
    code: str = ""
    data: list[Item] = field(default_factory=list)
    errors: list[Item] = field(default_factory=list)
    status: int = 200
    task: Task | None = None

    def finish(self, settings: Settings) -> None:
        """Add all results of the finished task."""
        task, self.task = self.task, None
        if task is not None:
            self.data, self.errors = result_items(task, task.parts, settings.payload_bytes)
            self.conclude(task)
            self.status = status_of(self.code) if self.verdict == "failed" else 200

    def conclude(self, task: Task) -> None:
        """Set the verdict and the code by which the task ended."""
        task.reported = True
        self.code = next(iter(task.codes), "")
        self.verdict = "done" if task.status is Status.SUCCESS else "failed"


def items_of(body: bytes) -> list[Item]:
    """Return the tasks of a message.

    Raises:
        Refusal: the message is not a JSON array of at least one object.
    """
    try:
        items = msgspec.json.decode(body, type=list[Item])
    except (msgspec.MsgspecError, RecursionError):
        raise Refusal("invalidJson") from None
    if not items:
        raise Refusal("invalidJson")
    return items


def kind_of_all(items: list[Item]) -> Kind:
    """Return the kind of a request that holds these tasks."""
    return first_kind({kind_of(_text(item, "taskType")) for item in items})


def answer_tasks(account: Account, items: list[Item], key: str, now: float) -> list[Answer]:
    """Answer tasks in their order. Authentication is the transport's job."""
    account.advance(now)
    return [_answer(account, item, key, now) for item in items]


def refused(item: Item, refusal: Refusal, settings: Settings) -> Answer:
    """Return the answer to a task that is refused."""
    code = refusal.code
    names = {name: item[name] for name in ("taskType", "taskUUID") if _text(item, name)}
    verdict = {"conflictTaskUUID": "conflict", "taskNotFound": "missing"}.get(code, "refused")
    body = error(code, parameter=refusal.parameter, **names)
    status = settings.refusal_status or status_of(code)
    return Answer(
        _text(item, "taskType"), _text(item, "taskUUID"), model_of(item), verdict, code, errors=[body], status=status
    )


def model_of(item: Item) -> str:
    """Return the model that a task names. A generation without a model is listed under its task type."""
    kind = _text(item, "taskType")
    return _text(item, "model") or (kind if kind in RESULTS else "")


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _answer(account: Account, item: Item, key: str, now: float) -> Answer:
    kind = _text(item, "taskType")
    if kind == "ping":
        return Answer(kind, "", "", data=[{"taskType": "ping", "pong": True}])
    try:
        if kind in RESULTS:
            return _generate(account, item, key, now)
        return _read(account, item, now)
    except Refusal as refusal:
        return refused(item, refusal, account.settings)


def _read(account: Account, item: Item, now: float) -> Answer:
    """Answer a task that generates nothing."""
    kind, task_uuid = _text(item, "taskType"), _uuid(item)
    match kind:
        case "getResponse":
            return _poll(account, task_uuid, now)
        case "getTaskDetails":
            return _details(account, task_uuid)
        case "accountManagement":
            found = {"taskType": kind, "taskUUID": task_uuid, **read(account, item, now)}
            return Answer(kind, task_uuid, "", data=[found])
        case _:
            return _utility(account, kind, task_uuid)


def _uuid(item: Item) -> str:
    try:
        return str(uuid.UUID(_text(item, "taskUUID")))
    except ValueError:
        raise Refusal("invalidTaskUUID", "taskUUID") from None


def _generate(account: Account, item: Item, key: str, now: float) -> Answer:
    request = _task_request(item)
    task = account.submit(request, key, now)
    answer = Answer(request.type, request.uuid, request.model)
    if request.delivery is Delivery.ASYNC:
        answer.verdict, answer.data = "acknowledged", [acknowledgement(task)]
    else:
        answer.task = task
    return answer


def _task_request(item: Item) -> TaskRequest:
    kind, model, results = _text(item, "taskType"), model_of(item), item.get("numberResults", 1)
    if not AIR.fullmatch(model) and (kind not in WITHOUT_MODEL or "model" in item):
        raise Refusal("invalidModel", "model")
    if not isinstance(results, int) or not 1 <= results <= _MOST_RESULTS:
        raise Refusal("invalidNumberResults", "numberResults")
    usual = Delivery.ASYNC if kind in _SLOW or _WEBHOOK in item else Delivery.SYNC
    try:
        delivery = Delivery(item.get("deliveryMethod", usual))
    except ValueError:
        raise Refusal("invalidValue", "deliveryMethod") from None
    if delivery is Delivery.STREAM and (kind not in _STREAMS or results > 1):
        raise Refusal("invalidValue", "deliveryMethod")
    return TaskRequest(_uuid(item), kind, model, delivery, results, item)


def _poll(account: Account, task_uuid: str, now: float) -> Answer:
    task = account.tasks.get(task_uuid)
    if task is None or (_WEBHOOK in task.request.fields and not account.settings.webhook_polls):
        raise Refusal("taskNotFound", "taskUUID")
    task.polls += 1
    answer = Answer("getResponse", task_uuid, task.request.model)
    if task.polls <= account.settings.empty_polls:
        answer.verdict = "silent"
        return answer
    answer.data, answer.errors = polled(task, account.settings.payload_bytes, now)
    answer.verdict = "running"
    if task.is_finished:
        answer.conclude(task)
        answer.status = account.settings.verdict_status or status_of(answer.code)
    return answer


def _details(account: Account, task_uuid: str) -> Answer:
    task = account.tasks.get(task_uuid)
    if task is None:
        raise Refusal("taskNotFound", "taskUUID")
    data, errors = result_items(task, task.parts, account.settings.payload_bytes)
    response: dict[str, Any] | None = None
    if task.is_finished:
        response = {"errors": errors} if errors else {"data": data}
    found = {
        "taskType": "getTaskDetails",
        "taskUUID": task_uuid,
        "request": [task.request.fields],
        "response": response,
    }
    return Answer("getTaskDetails", task_uuid, task.request.model, data=[found])


def _utility(account: Account, kind: str, task_uuid: str) -> Answer:
    head: dict[str, Any] = {"taskType": kind, "taskUUID": task_uuid}
    match kind:
        case "modelSearch":
            return Answer(kind, task_uuid, "", data=[{**head, "results": [], "totalResults": 0}])
        case "modelUpload":
            steps = ("validated", "downloaded", "optimized", "stored", "ready")
            return Answer(kind, task_uuid, "", data=[{**head, "status": step} for step in steps])
        case "mediaStorage":
            return Answer(kind, task_uuid, "", data=[{**head, "mediaUUID": account.new_id()}])
        case "imageUpload":
            return Answer(kind, task_uuid, "", data=[{**head, "imageUUID": account.new_id()}])
    raise Refusal("invalidTaskType", "taskType")
