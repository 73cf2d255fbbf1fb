"""What a request to Runware asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.observations import Kind
from monitor.providers.http import Item
from monitor.providers.lenient import UNKNOWN_MODEL, is_task_id, model_id
from monitor.providers.runware.paths import WEBHOOK
from monitor.providers.runware.task_types import GENERATIONS, KINDS

MIXED_MODELS = "mixed"
ASYNC = "async"
MAX_RESULTS = 1000
MAX_RESULTS_DIGITS = 6
KINDS_BY_RANK = (Kind.CREATE, Kind.POLL, Kind.ACCOUNT)


@dataclass(frozen=True, slots=True)
class RequestedTask:
    """One task of a request.

    `results` is how many results the task asks for. `is_async` says that Runware acknowledges the task before it sends
    results. `has_webhook` says that the results go to a webhook; such a task is acknowledged first, too.
    """

    type: str
    task: str
    model: str
    results: int
    is_async: bool = False
    has_webhook: bool = False

    @property
    def kind(self) -> Kind:
        """The kind of the task's type. A type that the tables lack counts as a generation."""
        return KINDS.get(self.type, Kind.CREATE)

    @property
    def is_known(self) -> bool:
        """Whether the tables hold the task's type."""
        return self.type in KINDS or self.type in GENERATIONS


def requested_tasks(items: Iterable[Item]) -> list[RequestedTask]:
    """Read the elements of a request. `task` is empty where an element has no valid `taskUUID`."""
    return [
        RequestedTask(
            type=item.get("taskType", ""),
            task=task if is_task_id(task := item.get("taskUUID", "")) else "",
            model=_model(item),
            results=_results(item.get("numberResults", "1")),
            is_async=item.get("deliveryMethod") == ASYNC or WEBHOOK in item,
            has_webhook=WEBHOOK in item,
        )
        for item in items
    ]


def _model(item: Item) -> str:
    """The model of a task. A known type stands in for the model of a task that names none."""
    task_type = item.get("taskType", "")
    return model_id(item["model"]) if "model" in item else task_type if task_type in GENERATIONS else UNKNOWN_MODEL


def _results(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_RESULTS_DIGITS
    return min(max(int(text), 1), MAX_RESULTS) if is_number else 1


def request_kind(requested: Sequence[RequestedTask]) -> Kind:
    """The kind of a request: of its tasks' kinds, the first in the order create, poll, account, other."""
    kinds = {each.kind for each in requested}
    return next((kind for kind in KINDS_BY_RANK if kind in kinds), Kind.OTHER)


def request_model(requested: Sequence[RequestedTask]) -> str:
    """The model of a request's generations: `mixed` for several models, empty without a generation."""
    models = {each.model for each in requested if each.kind is Kind.CREATE}
    return MIXED_MODELS if len(models) > 1 else next(iter(models), "")
