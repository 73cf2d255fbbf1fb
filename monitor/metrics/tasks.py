"""Families of tasks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import EMPTY, FigureSource, Rows, RowsOf, Topic
from monitor.observations import OPEN_STATUSES, Reason, TaskStatus
from monitor.tasks.counters import CounterSpec
from monitor.tasks.open_tasks import ModelTasks

topic = Topic()

STATUSES = tuple(status for status in TaskStatus if status in OPEN_STATUSES)

FINISHED_STARTS = (
    *({"outcome": status.value} for status in (TaskStatus.SUCCEEDED, TaskStatus.CANCELLED, TaskStatus.LOST)),
    *({"outcome": TaskStatus.FAILED.value, "reason": reason.value} for reason in Reason if reason is not Reason.NONE),
)


def _by_model(figure: Callable[[ModelTasks], float | None]) -> RowsOf:
    """One figure of each model's open tasks; None is left out."""

    def rows(account: AccountSnapshot, _: float) -> Rows:
        figures = (((tasks.model,), figure(tasks)) for tasks in account.tasks)
        return ((labels, value) for labels, value in figures if value is not None)

    return rows


topic.counted(
    "tasks_created_total",
    CounterSpec.TASKS_CREATED,
    FigureSource.TASKS,
    "Generations that the provider accepted. A rejected generation is only a request.",
    EMPTY,
)


@topic.gauge(
    "tasks",
    FigureSource.TASKS,
    "Open tasks by the status last seen. A task counts as pending before its first poll.",
    "model",
    "status",
)
def _open_tasks(account: AccountSnapshot, _: float) -> Rows:
    for tasks, status in product(account.tasks, STATUSES):
        yield (tasks.model, status.value), tasks.open.get(status, 0)


topic.gauge(
    "tasks_unconfirmed",
    FigureSource.TASKS,
    "Pending or running tasks whose status the newest poll does not confirm. No poll was made since the task was "
    "accepted, the newest did not find the task, or it is older than 10 minutes. Tasks that were never polled "
    "count as pending in genmedia_tasks.",
    "model",
)(_by_model(lambda tasks: tasks.unconfirmed))

topic.counted(
    "tasks_finished_total",
    CounterSpec.TASKS_FINISHED,
    FigureSource.TASKS,
    "Finished tasks, counted when a poll or a follow-up shows the end. The reason is empty unless the outcome is "
    "failed. lost means that the end cannot be learned.",
    *FINISHED_STARTS,
)

topic.counted(
    "task_duration_seconds",
    CounterSpec.TASK_SECONDS,
    FigureSource.TASKS,
    "Time that a finished task spent in each phase, inferred from polls. A change lies halfway between the polls "
    "before and after it. Phases that no poll saw and lost tasks are not observed.",
)

topic.gauge(
    "throttled_oldest_age_seconds",
    FigureSource.TASKS,
    "Age of the oldest task last seen throttled. 0 when no task is throttled.",
    "model",
)(_by_model(lambda tasks: tasks.throttled_oldest_age_seconds))

topic.gauge(
    "throttled_drain_seconds",
    FigureSource.TASKS,
    "Estimated time until no present task is throttled, from the recent pace, or from the concurrency limit and "
    "recent durations. 0 when no task is throttled. Absent without evidence.",
    "model",
)(_by_model(lambda tasks: tasks.throttled_drain_seconds))

topic.gauge(
    "tasks_orphaned",
    FigureSource.TASKS,
    "Open tasks without a webhook that their client has stopped polling.",
    "model",
)(_by_model(lambda tasks: tasks.orphaned))
