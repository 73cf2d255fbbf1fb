"""Follows tasks that nobody polls any more to their end."""

from __future__ import annotations

import asyncio

import structlog

from monitor.config import Account
from monitor.engine.engine import Sink
from monitor.observations import AnyObservation, Outcome, RequestSeen, Source, TaskMissing, TaskSeen, UnknownSeen
from monitor.polling.pacing import Attempts, Backoff, Pause, Random, TokenBucket
from monitor.polling.provider_client import Vendor
from monitor.polling.schedule import Schedule
from monitor.runtime.clock import Clock
from monitor.store import Database
from monitor.tasks import task_rows
from monitor.tasks.lifecycle import MISSING_GRACE_SECONDS, Task

LOOK_SECONDS = 1.0
MOST_AT_ONCE = 8
LONGEST_BACKOFF_SECONDS = 600.0
SOURCE: Source = "follow_up"
# What is wrong with the key, the account or the vendor, rather than with one task.
ACCOUNT_WIDE = frozenset(
    {
        Outcome.FORBIDDEN,
        Outcome.OVERLOADED,
        Outcome.RATE_LIMITED,
        Outcome.REDIRECTED,
        Outcome.SERVER_ERROR,
        Outcome.TIMEOUT,
        Outcome.TRUNCATED,
        Outcome.UNAUTHORIZED,
        Outcome.UNREACHABLE,
    }
)
KEY_REFUSED = frozenset({Outcome.FORBIDDEN, Outcome.UNAUTHORIZED})

log = structlog.get_logger()


class FollowUp:
    """Follows the tasks of one account, within its budget of calls.

    Only facts about tasks are handed on: our own requests are not the application's.
    """

    def __init__(
        self,
        account: Account,
        database: Database,
        schedule: Schedule,
        vendor: Vendor,
        sink: Sink,
        clock: Clock,
        random: Random,
    ) -> None:
        self.job = f"follow_up:{account.name}"
        self._account = account
        self._settings = account.follow_up
        self._database = database
        self._vendor = vendor
        self._sink = sink
        self._schedule = schedule
        self._clock = clock
        self._budget = TokenBucket(self._settings.requests_per_minute)
        self._attempts = Attempts(self._settings.interval, LONGEST_BACKOFF_SECONDS, random)
        self._backoff = Backoff(self._settings.interval, LONGEST_BACKOFF_SECONDS, random)
        self._pause = Pause()

    async def run(self) -> None:
        """Begin to read the tasks that are due, those first that were seen or tried longest ago.

        Raises:
            StoreError: the due tasks cannot be read.
        """
        now = self._clock.now()
        self._attempts.forget(now)
        room = min(MOST_AT_ONCE - len(self._attempts.under_way), self._budget.available(now))
        if room < 1 or self._pause.holds(now):
            return
        chosen = await self._choose(now, room)
        self._budget.take(len(chosen))
        for task in chosen:
            self._attempts.started(task.id)
            self._schedule.spawn("follow_up_read", self._read(task))

    async def _choose(self, now: float, room: int) -> list[Task]:
        """Tasks to read now. The store calls a task due until a read has seen it, so skip those left alone."""
        due = await asyncio.to_thread(self._due, now, room + len(self._attempts))
        # A read may have ended while the store was asked: from `now`, its pause would lie in the future.
        later = self._clock.now()
        ready = [task for task in due if self._attempts.may_read(task.id, later)]
        return sorted(ready, key=lambda task: max(task.seen_at, self._attempts.last_read(task.id)))[:room]

    def _due(self, now: float, limit: int) -> list[Task]:
        silent_since, unseen_since = now - self._settings.silence, now - self._settings.interval
        with self._database.begin() as connection:
            return task_rows.due(connection, self._account.name, silent_since, unseen_since, limit)

    async def _read(self, task: Task) -> None:
        provider = self._vendor.provider(self._account)
        observations: list[AnyObservation] = []
        problem = ""
        try:
            exchange = await self._vendor.exchange(self._account, provider.task_call(task.id, task.endpoint))
            observations, problem = provider.decode(exchange), exchange.problem
        finally:
            self._settle(task.id, observations, problem)
        told = [each for each in observations if isinstance(each, TaskSeen | TaskMissing | UnknownSeen)]
        await self._sink.submit(told, SOURCE)

    def _settle(self, task: str, observations: list[AnyObservation], problem: str) -> None:
        """Decide from the answer when to read this task, and any task, again."""
        now = self._clock.now()
        outcome = next((each.outcome for each in observations if isinstance(each, RequestSeen)), None)
        if any(isinstance(each, TaskSeen) for each in observations):
            self._attempts.succeeded(task, now)
        else:
            missing = any(isinstance(each, TaskMissing) for each in observations)
            self._attempts.failed(task, now, at_least=MISSING_GRACE_SECONDS if missing else 0.0)
        if outcome in ACCOUNT_WIDE:
            self._stop_for_a_while(outcome, now, problem)
        elif outcome is not None:
            self._backoff.succeeded()
            self._pause.end()

    def _stop_for_a_while(self, outcome: Outcome, now: float, problem: str) -> None:
        if self._pause.holds(now):
            return  # reads that were under way together fail together: that is one failure
        wait = LONGEST_BACKOFF_SECONDS if outcome in KEY_REFUSED else self._backoff.failed()
        self._pause.begin(now, wait)
        told = log.bind(account=self._account.name, outcome=outcome.value)
        told = told.bind(problem=problem) if problem else told
        told.warning("follow_up.paused", seconds=round(wait))
