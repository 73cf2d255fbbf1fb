"""One organization of the simulated Runway: its limits, credits and tasks. Pure: the time is an argument."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from functools import partial
from typing import Any

from monitor.simulator.runway.catalog import MODELS, TIERS, Tier
from monitor.simulator.runway.errors import failure, refuse
from monitor.simulator.runway.platform.ledger import Autobiller, Ledger
from monitor.simulator.runway.platform.queues import ModelQueue
from monitor.simulator.runway.platform.sessions import Session
from monitor.simulator.runway.platform.tasks import OPEN, Status, Task
from monitor.simulator.runway.settings import Autobilling, Limit, Settings
from monitor.simulator.shared.accounts import BaseAccount

_HOUR = 3_600.0
_ROUTINGS_KEPT = 1_000


class Organization(BaseAccount[Settings, str | None]):
    """Accepts generations and lets them run. Call `advance` before anything else.

    A task holds one of its model's slots while it is PENDING or RUNNING. Beyond the limit it is THROTTLED, and gets a
    slot in the order of submission. `script` settles the next tasks: None for a success, else a failure code.
    `resources` holds avatars, voices, documents and routers by id.
    """

    def __init__(self, name: str, settings: Settings, credits_: int, rng: random.Random, now: float) -> None:
        super().__init__(name, settings, rng, now)
        self.ledger = Ledger(credits_)
        self.autobiller = Autobiller()
        self.tasks: dict[str, Task] = {}
        self.queues: dict[str, ModelQueue] = {}
        self.workflow_id = self.new_id()
        self.sessions: dict[str, Session] = {}
        self.resources: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.routings: deque[dict[str, Any]] = deque(maxlen=_ROUTINGS_KEPT)
        self.timeline.at(now + _HOUR, self._check_balance)

    @property
    def tier(self) -> Tier:
        return TIERS[self.settings.tier]

    @property
    def monthly_credits(self) -> int:
        """The credits that can be bought in 30 days."""
        override = self.settings.monthly_credits
        return self.tier.monthly_credits if override is None else override

    def limit(self, model: str) -> Limit:
        """Return the limits of a model: its own in the settings, else those of the tier."""
        override = self.settings.limits.get(model)
        if override is not None or model not in MODELS:
            return override or Limit()
        concurrency, daily = self.tier.limits[MODELS[model].modality]
        return Limit(concurrency, daily)

    def queue(self, model: str) -> ModelQueue:
        queue = self.queues.get(model)
        if queue is None:
            queue = self.queues[model] = ModelQueue(self.limit(model))
        return queue

    def change(self, settings: Settings, now: float) -> None:
        """Replace the settings. A raised limit starts throttled tasks; under a lowered one, running tasks finish."""
        self.settings = settings
        for model, queue in self.queues.items():
            queue.limit = self.limit(model)
            queue.refill(now)

    def admit(self, model: str, credits_: int, now: float) -> ModelQueue:
        """Charge the credits for a generation of `model`, and return the queue to enter.

        Raises:
            Refusal: the daily limit is reached, or the balance does not cover the credits.
        """
        queue = self.queue(model)
        if queue.is_used_up(now):
            raise refuse("daily_limit")
        if self.ledger.balance < credits_:
            raise refuse("no_credits")
        self.ledger.charge(model, credits_, now)
        return queue

    def submit(self, model: str, billed_as: str, endpoint: str, estimate: int, now: float) -> Task:
        """Accept a generation.

        Raises:
            Refusal: see `admit`.
        """
        queue = self.admit(billed_as, estimate, now)
        durations, task_id = self.settings.durations, self.new_id()
        seconds = durations.models.get(billed_as, durations.running)
        seconds *= 1 + durations.jitter * self._rng.uniform(-1, 1)
        task = Task(task_id, model, billed_as, endpoint, estimate, now, seconds)
        task.fails_with = self._draw_failure()
        self.tasks[task.id] = task
        queue.enter(partial(self._take_slot, task), now)
        return task

    def cancel(self, task: Task, now: float) -> None:
        """Cancel an open task, or delete a finished one. Only a task that has not started is refunded."""
        task.gone = not (task.status in OPEN and self.settings.cancelled_visible)
        if task.status not in OPEN:
            return
        had_slot = task.status is not Status.THROTTLED
        cost = task.estimate if task.status is Status.RUNNING else 0
        self._end(task, Status.CANCELLED, cost, now)
        if had_slot:
            self.queue(task.billed_as).leave(now)

    def buy(self, now: float) -> bool:
        """Purchase by the autobilling plan. Return whether it worked."""
        plan = self.settings.autobilling
        return plan is not None and self.autobiller.trigger(plan, self.monthly_credits, self.ledger, now)

    def purchase(self, credits_: int, now: float) -> bool:
        """Purchase credits by hand, as far as the month allows. Return whether it worked.

        A purchase that works lets autobilling resume.
        """
        return self.autobiller.trigger(Autobilling(0, credits_), self.monthly_credits, self.ledger, now)

    def _draw_failure(self) -> str | None:
        fails = self._rng.random() < self.settings.failure_rate
        if self.script:
            return self.script.popleft()
        weights = self.settings.failures
        return self._rng.choices(list(weights), list(weights.values()))[0] if fails else None

    def _take_slot(self, task: Task, now: float) -> bool:
        if task.status is not Status.THROTTLED:
            return False
        task.status, task.queued_at = Status.PENDING, now
        self.timeline.at(now + self.settings.durations.pending, partial(self._start, task))
        return True

    def _start(self, task: Task, now: float) -> None:
        if task.status is Status.PENDING:
            task.status, task.started_at = Status.RUNNING, now
            self.timeline.at(now + task.running_seconds, partial(self._finish, task))

    def _finish(self, task: Task, now: float) -> None:
        if task.status is not Status.RUNNING:
            return
        if task.fails_with is None:
            self._end(task, Status.SUCCEEDED, round(task.estimate * self.settings.charged_share), now)
        else:
            self._end(task, Status.FAILED, 0 if failure(task.fails_with).refunded else task.estimate, now)
        self.queue(task.billed_as).leave(now)

    def _end(self, task: Task, status: Status, cost: int, now: float) -> None:
        task.status, task.cost, task.finished_at = status, cost, now
        if cost != task.estimate:
            self.ledger.charge(task.billed_as, cost - task.estimate, now)

    def _check_balance(self, now: float) -> None:
        self.timeline.at(now + _HOUR, self._check_balance)
        plan = self.settings.autobilling
        if plan is not None:
            self.autobiller.check(plan, self.monthly_credits, self.ledger, now)
