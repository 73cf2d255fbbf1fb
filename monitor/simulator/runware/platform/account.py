"""One account of the simulated Runware: its balance, queues and tasks. Pure: the time is an argument."""

from __future__ import annotations

import random
from functools import partial

from monitor.simulator.runware.errors import Refusal, status_of
from monitor.simulator.runware.platform.ledger import Ledger
from monitor.simulator.runware.platform.queues import ModelQueue
from monitor.simulator.runware.platform.tasks import Part, Plan, Task, TaskRequest
from monitor.simulator.runware.settings import Settings
from monitor.simulator.shared.accounts import BaseAccount

WAITED_TOO_LONG = "timeoutProvider"


class Account(BaseAccount[Settings, str | Plan | None]):
    """Accepts tasks and lets them run. Call `advance` before anything else.

    `script` settles the next tasks: None for a success, an error code, or a list of both with one entry for each
    result. `balance` is in US dollars.
    """

    def __init__(self, name: str, settings: Settings, balance: float, rng: random.Random, now: float) -> None:
        super().__init__(name, settings, rng, now)
        self.balance = balance
        self.tasks: dict[str, Task] = {}
        self.queues: dict[str, ModelQueue] = {}
        self.ledger = Ledger()

    def change(self, settings: Settings, now: float) -> None:
        """Replace the settings. Running tasks keep their pace; added machines start waiting tasks."""
        self.settings = settings
        for queue in self.queues.values():
            queue.refill(now)

    def queue(self, model: str) -> ModelQueue:
        queue = self.queues.get(model)
        if queue is None:
            capacity, room = (lambda: self.settings.capacity_of(model)), (lambda: self.settings.queue_size(model))
            queue = self.queues[model] = ModelQueue(capacity, room)
        return queue

    def submit(self, request: TaskRequest, key: str, now: float) -> Task:
        """Accept a task.

        Raises:
            Refusal: the task id is in use, the balance does not cover it, or its model's queue is full.
        """
        try:
            self._admit(request, now)
        except Refusal as refusal:
            self.ledger.add_error(request.model, status_of(refusal.code), now)
            raise
        pace = self.settings.pace(request.model)
        seconds = pace.seconds * (1 + self.settings.jitter * self._rng.uniform(-1, 1))
        task = Task(request, key, now, seconds, pace.price, self._draw_plan(request))
        self.tasks[request.uuid] = task
        self.timeline.at(now + self.settings.longest_wait, partial(self._give_up, task))
        self.queue(request.model).enter(partial(self._start, task), now)
        return task

    def _admit(self, request: TaskRequest, now: float) -> None:
        known = self.tasks.get(request.uuid)
        if known is not None:
            known.conflicts += 1
            raise Refusal("conflictTaskUUID", "taskUUID")
        if self.balance < self.settings.pace(request.model).price * request.results:
            raise Refusal("insufficientCredits")
        full_for = self.queue(request.model).full_for(now)
        if full_for is not None:
            raise Refusal("rateLimitExceeded" if full_for < self.settings.shed_after else "serviceUnavailable")

    def _draw_plan(self, request: TaskRequest) -> Plan:
        """Return how each part of a task will end. A stream that fails does so half-way."""
        fails, code = self._rng.random() < self.settings.failure_rate, None
        if self.script:
            scripted = self.script.popleft()
            if isinstance(scripted, list):
                return scripted[: request.results] + [None] * (request.results - len(scripted))
            code = scripted
        elif fails:
            weights = self.settings.failures
            code = self._rng.choices(list(weights), list(weights.values()))[0]
        if request.delivery != "stream":
            return [code] * request.results
        return [None] * self.settings.chunks if code is None else [*[None] * (self.settings.chunks // 2), code]

    def _give_up(self, task: Task, now: float) -> None:
        if task.started_at is None and not task.is_finished:
            self.queue(task.request.model).give_up()
            task.plan = [WAITED_TOO_LONG] * (1 if task.is_stream else task.request.results)
            for index in range(len(task.plan)):
                self._deliver(task, index, now)

    def _start(self, task: Task, now: float) -> bool:
        if task.is_finished:
            return False
        task.started_at = now
        step = task.seconds / len(task.plan)
        for index in range(len(task.plan)):
            self.timeline.at(now + step * (index + 1), partial(self._deliver, task, index))
        return True

    def _deliver(self, task: Task, index: int, now: float) -> None:
        """Add a part, and finish the task with the last one."""
        part = Part(index, self.new_id(), task.plan[index])
        task.parts.append(part)
        if len(task.parts) == len(task.plan):
            self._finish(task, now)
        for watcher in tuple(task.watchers):
            watcher(task, part)

    def _finish(self, task: Task, now: float) -> None:
        task.finished_at = now
        task.cost = task.price * task.successes
        self.balance -= task.cost
        self.ledger.add_task(task, now)
        if task.started_at is not None:
            self.queue(task.request.model).leave(now)
