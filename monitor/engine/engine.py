"""The one writer: it queues observations and commits them in groups.

Hundreds of observations a second come in, each a few hundred bytes, and applying a few costs almost as much as applying
hundreds. So an observation takes two steps to the figures:

    put / submit      queue           journal              counts, tasks, credits
        |               |                |                        |
      seen ---------> waiting -------> appended ------------> applied -------> evaluated
              50 ms or a full batch   one statement    a second later, one     (elsewhere)
                                                       transaction of many rows

A group is what has come in within 50 ms, or a full batch. If no caller waits for it and the journal holds less than a
batch, the group is only appended to the journal (`apply.append_journal`): a transaction of one row. Otherwise it is
applied at once, together with all that is in the journal (`apply.apply_batch`).

What a crash can lose: the 50 ms that are in the queue, and what arrives while the previous commit is under way. What
`submit` has returned for is on the disk.

A commit whose answer is lost may or may not have happened. So each group has a name, and the transaction that stores
the group stores the name as well. The states of a group:

    gathered --attempt--> stored ................. settled: callers return
        ^         |
        |         +--> in doubt (StoreError) --pause--> attempt again with the same name; if the name is there,
        |                                               the first attempt did happen, and nothing is stored twice
        +-- withdrawn observations leave the group between two attempts

While the database fails, the group is kept and tried again, and the queue fills up behind it. Traffic goes on. Only
what comes when the queue is full is lost, and that is counted.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from monitor.engine import journal, processed_ids
from monitor.engine.apply import (
    Applied,
    CatalogueOf,
    append_journal,
    apply_batch,
    expire_overdue,
    write_off_uncollected,
)
from monitor.engine.journal import Sourced
from monitor.errors import StoreError, StoreInUseError
from monitor.metrics import SelfMetrics
from monitor.observations import AnyObservation, Loss, Source
from monitor.runtime.clock import Clock
from monitor.runtime.cpu import apart_from
from monitor.runtime.logs import Outage
from monitor.store import Database, Operation
from monitor.tasks import task_rows

QUEUE_LIMIT = 100_000
BATCH = 2_000
LINGER_SECONDS = 0.05
APPLY_SECONDS = 1.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
SUBMIT_SECONDS = 5.0
STOP_SECONDS = 3.0
STALL_SECONDS = 5.0
WAIT_SLICES = 20

log = structlog.get_logger()
T = TypeVar("T")
Work = Callable[[Connection, Sequence[Sourced], CatalogueOf, float, str], Applied]


class Sink(Protocol):
    """Where observations go."""

    def put(self, observations: Sequence[AnyObservation], source: Source) -> None:
        """Hand over and forget. Never blocks, never raises. What a full queue cannot take is dropped and counted."""
        ...

    async def submit(self, observations: Sequence[AnyObservation], source: Source) -> None:
        """Return once all are committed.

        Raises:
            StoreError: they were not committed in time. The rest is withdrawn, so the sender may repeat all of them.
        """
        ...


@dataclass
class _Receipt:
    """What a `submit` waits for: `done` is set when no observation is `pending` any more."""

    pending: int
    done: asyncio.Future[None]


class _Arrival(NamedTuple):
    observation: AnyObservation
    source: Source
    receipt: _Receipt | None = None

    @property
    def is_wanted(self) -> bool:
        return self.receipt is None or not self.receipt.done.done()

    def settle(self) -> None:
        if self.receipt:
            self.receipt.pending -= 1
            if not self.receipt.pending and not self.receipt.done.done():
                self.receipt.done.set_result(None)

    def refuse(self) -> None:
        if self.receipt and not self.receipt.done.done():
            self.receipt.done.set_exception(StoreError("not stored: the daemon stopped first"))


class _OutOfTimeError(Exception):
    """The engine must stop while the database fails or does not answer."""


class Engine:
    """The daemon's `Sink`. All methods belong to the event loop. The database work runs in one thread of its own.

    `catalogue_of` gives what is known of a configured account, None for any other account. It is called in that thread
    for each group, so that a reload takes effect at once.
    """

    def __init__(self, database: Database, catalogue_of: CatalogueOf, own: SelfMetrics, clock: Clock) -> None:
        self._database = database
        self._catalogue_of = catalogue_of
        self._own = own
        self._clock = clock
        self._queue: deque[_Arrival] = deque()
        self._group: list[_Arrival] = []
        self._journaled = 0
        # The loop's time at which to apply the journal, None while it is empty. A killed run may have left a journal.
        self._apply_at: float | None = 0.0
        self._has_some = asyncio.Event()
        self._is_full = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stop_by = 0.0
        self._loop_thread = threading.get_native_id()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        writer = uuid4().hex
        self._names = (processed_ids.batch_name(writer, number) for number in itertools.count())
        self._settled_batches: list[str] = []
        self._noted: dict[str, str] = {}
        self.is_storing = database.is_open
        self.fault = "" if database.is_open else f"store {database.place}: not open yet"
        self._outage = Outage()
        self._has_tried = asyncio.Event()
        own.store_up.set(int(database.is_open))
        own.queue_length.set_function(lambda: len(self._queue))

    def put(self, observations: Sequence[AnyObservation], source: Source) -> None:
        """See `Sink`."""
        if self._stopping.is_set():
            self._drop("stopped", len(observations))
            return
        room = QUEUE_LIMIT - len(self._queue)
        self._drop("queue_full", max(0, len(observations) - room))
        self._enqueue([_Arrival(observation, source) for observation in observations[: max(0, room)]])

    async def submit(self, observations: Sequence[AnyObservation], source: Source) -> None:
        """See `Sink`."""
        if not observations:
            return
        if self._stopping.is_set():
            raise StoreError("the store takes no more observations: the daemon is stopping")
        if len(self._queue) + len(observations) > QUEUE_LIMIT:
            raise StoreError("too many observations wait for the store: send them again later")
        receipt = _Receipt(len(observations), asyncio.get_running_loop().create_future())
        self._enqueue([_Arrival(observation, source, receipt) for observation in observations])
        try:
            if not await _ended_within(SUBMIT_SECONDS, receipt.done):
                raise StoreError(f"not stored within {SUBMIT_SECONDS:g} s: send the observations again later")
            await receipt.done
        finally:
            receipt.done.cancel()  # withdrawn, unless it is stored

    async def run(self) -> None:
        """Commit what comes in until `stop`, then what is queued. Opens the database if it is not open yet.

        Raises:
            StoreInUseError: another daemon has the database.
        """
        try:
            while not self._stopping.is_set() or self._queue or self._is_due:
                await self._gather()
                await self._settle()
        except _OutOfTimeError:
            pass
        finally:
            self._stopping.set()
            self._refuse_rest()
            self._writer.shutdown(wait=False)

    async def stop(self) -> None:
        """Take no more. `run` returns once all is applied, or after some seconds if the database fails."""
        self._stop_by = asyncio.get_running_loop().time() + STOP_SECONDS
        for flag in (self._stopping, self._has_some, self._is_full):
            flag.set()

    async def first_attempt(self, patience: float) -> None:
        """Return once the first attempt to open the database has ended, or after `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._has_tried.wait()

    def look_after_store(self) -> None:
        """Write soon, so that a database whose files are gone is opened again."""
        self._apply_at = 0.0
        self._has_some.set()

    async def expire(self, now: float) -> None:
        """Give up tasks that have been open for over a day, and results that nobody has fetched for a day.

        Raises:
            StoreError: the database failed; the next call goes on.
        """
        while await self._in_writer("expire", self._expire, now) == BATCH:
            pass

    async def prune(self, now: float, retention_seconds: float) -> None:
        """Forget tasks that ended before the retention, and observation ids that are too old to come again.

        Raises:
            StoreError: the database failed; the next call goes on.
        """
        while await self._in_writer("prune", self._prune, now, now - retention_seconds) == BATCH:
            pass

    async def write(self, operation: Operation, work: Callable[[Connection], T]) -> T:
        """Let `work` write in a transaction between two commits of observations, and return what it returns.

        Raises:
            StoreError: the database failed, and nothing was written.
        """
        return await self._in_writer(operation, lambda: self._write(work))

    def _enqueue(self, arrivals: Sequence[_Arrival]) -> None:
        self._queue.extend(arrivals)
        if self._queue:
            self._has_some.set()
        if len(self._queue) >= BATCH:
            self._is_full.set()

    async def _gather(self) -> None:
        """Take a group from the queue, in order of arrival. It is empty when only the journal is to be applied."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._apply_at):
                await self._has_some.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._clock.real_seconds(LINGER_SECONDS)):
                await self._is_full.wait()
        self._group = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        if not self._stopping.is_set():
            self._has_some.clear()
            self._is_full.clear()
            self._enqueue(())

    async def _settle(self) -> None:
        """Store the group, however long it takes.

        After a failure an empty group is tried as well: only a write shows that the database works again.
        """
        name, delay, is_first = next(self._names), FIRST_RETRY_SECONDS, True
        work = append_journal if self._may_be_journaled else apply_batch
        while True:
            self._group = [arrival for arrival in self._group if arrival.is_wanted]
            if not self._group and not self._is_due and (self.is_storing or self._stopping.is_set()):
                return
            try:
                self._note_success(await self._attempt(work, name, is_first))
            except StoreError as error:
                if isinstance(error, StoreInUseError) and not self._database.is_open:
                    raise
                is_first = False
                self._note_failure(error)
                await self._pause(delay)
                delay = min(2 * delay, LAST_RETRY_SECONDS)
            except (UnicodeEncodeError, OverflowError):
                work = apply_batch  # which drops only what cannot be written
            else:
                self._settled(work)
                return

    async def _attempt(self, work: Work, name: str, is_first: bool) -> Applied:
        """Store the group. A database that does not answer counts as failing and does not hold up a stop."""
        storing = asyncio.ensure_future(self._in_writer("commit", self._store, work, self._group, name, is_first))
        if not await _ended_within(STALL_SECONDS, storing):
            self._note_failure(StoreError(f"the database has not answered for {STALL_SECONDS:g} s"))
            stopping = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait([storing, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        if not storing.done():
            await asyncio.wait([storing], timeout=max(0.0, self._stop_by - asyncio.get_running_loop().time()))
        if not storing.done():
            raise _OutOfTimeError
        self._has_tried.set()
        return await storing

    def _settled(self, work: Work) -> None:
        """Let waiting callers return, and plan when to apply the journal."""
        for arrival in self._group:
            arrival.settle()
        if work is apply_batch:
            self._journaled, self._apply_at = 0, None
        else:
            self._journaled += len(self._group)
            if self._apply_at is None:
                self._apply_at = asyncio.get_running_loop().time() + self._clock.real_seconds(APPLY_SECONDS)
        self._group = []

    @property
    def _is_due(self) -> bool:
        """Whether to apply the journal now. A stop leaves it to the next start if the database fails."""
        if self._apply_at is None:
            return False
        if self._stopping.is_set():
            return self.is_storing
        return asyncio.get_running_loop().time() >= self._apply_at

    @property
    def _may_be_journaled(self) -> bool:
        """True if no caller awaits the group and the journal is below one batch."""
        is_little = 0 < len(self._group) < BATCH - self._journaled
        return is_little and not self._is_due and all(arrival.receipt is None for arrival in self._group)

    async def _pause(self, delay: float) -> None:
        """Wait before the next attempt, then drop what was withdrawn meanwhile from the queue."""
        if not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
        elif asyncio.get_running_loop().time() < self._stop_by:
            await asyncio.sleep(FIRST_RETRY_SECONDS)
        else:
            raise _OutOfTimeError
        self._queue = deque(arrival for arrival in self._queue if arrival.is_wanted)

    def _refuse_rest(self) -> None:
        """Give up what could not be committed."""
        rest = [*self._group, *self._queue]
        self._group.clear()
        self._queue.clear()
        if rest:
            log.error("observations.lost", reason="the daemon stopped before they were stored", observations=len(rest))
        self._drop("stopped", sum(arrival.receipt is None for arrival in rest))
        for arrival in rest:
            arrival.refuse()

    async def _in_writer(self, operation: Operation, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work, *arguments)
        except StoreError:
            self._own.store_errors.labels(operation).inc()
            raise

    def _store(self, work: Work, group: Sequence[_Arrival], name: str, is_first: bool) -> Applied:
        if not self.is_storing:
            self._database.reopen()
        now = self._clock.now()
        batch = [(arrival.observation, arrival.source) for arrival in group]
        with self._own.commit_seconds.time():
            if work is append_journal and is_first:
                with self._database.autocommit() as connection:
                    return append_journal(connection, batch, self._catalogue_of, now, name)
            return self._store_once(work, batch, name, now)

    def _store_once(self, work: Work, batch: Sequence[Sourced], name: str, now: float) -> Applied:
        """Store the batch, unless an earlier attempt whose answer was lost did."""
        with self._database.begin(write=True) as connection:
            is_missing = processed_ids.begin_batch(connection, name, self._settled_batches, now)
            with apart_from(self._loop_thread):
                applied = work(connection, batch, self._catalogue_of, now, name) if is_missing else Applied()
        self._settled_batches = [name, *(old for writer, old in self._noted.items() if writer in applied.noted)]
        self._noted |= applied.noted
        return applied

    def _write(self, work: Callable[[Connection], T]) -> T:
        with self._database.begin(write=True) as connection:
            return work(connection)

    def _expire(self, now: float) -> int:
        with self._database.begin(write=True) as connection:
            return max(expire_overdue(connection, now, BATCH), write_off_uncollected(connection, now, BATCH))

    def _prune(self, now: float, finished_before: float) -> int:
        with self._database.begin(write=True) as connection:
            strangers = {account for account in journal.accounts(connection) if self._catalogue_of(account) is None}
            lost = journal.prune(connection, strangers, now - processed_ids.KEEP_SECONDS)
            forgotten_ids = processed_ids.prune(connection, now, BATCH)
            forgotten_tasks = task_rows.prune(connection, finished_before, BATCH)
        self._drop("unknown_account", lost)
        return max(forgotten_ids, forgotten_tasks)

    def _note_success(self, applied: Applied) -> None:
        if (outage := self._outage.ended()) is not None:
            log.info("store.recovered", **outage)
        self.is_storing, self.fault = True, ""
        self._own.store_up.set(1)
        for source, count in applied.sources.items():
            self._own.observations.labels(source).inc(count)
        for reason, count in applied.dropped.items():
            self._drop(reason, count)
        for account, count in applied.capped.items():
            self._own.models_capped.labels(account).inc(count)

    def _note_failure(self, error: StoreError) -> None:
        if (more := self._outage.failed(str(error))) is not None:
            log.error("store.failed", advice="observations wait in memory", error=str(error), **more)
        self.is_storing, self.fault = False, str(error)
        self._own.store_up.set(0)

    def _drop(self, reason: Loss, count: int) -> None:
        if count:
            self._own.dropped.labels(reason).inc(count)


async def _ended_within(seconds: float, future: asyncio.Future[T]) -> bool:
    """Whether it ends within so many seconds of this process's own time.

    If the process is stopped or the machine sleeps, one slice of that time counts at most: the database is not to
    blame for the rest.
    """
    for _ in range(WAIT_SLICES):
        if (await asyncio.wait([future], timeout=seconds / WAIT_SLICES))[0]:
            return True
    return False
