from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest
from helpers_collect import until
from structlog.testing import capture_logs

from monitor.config import Account
from monitor.config import FollowUp as Settings
from monitor.engine.engine import Engine
from monitor.metrics import SelfMetrics
from monitor.observations import TaskSeen, TaskStatus
from monitor.polling.follow_up import MOST_AT_ONCE, FollowUp
from monitor.polling.provider_client import Vendor
from monitor.polling.schedule import Schedule
from monitor.runtime.clock import ManualClock
from monitor.simulator.runway.platform.accounts import KeyState
from monitor.simulator.runway.server import Server
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.simulator.shared.requests import Kind
from monitor.store import Database
from monitor.tasks import counter_rows, task_rows
from monitor.tasks.counters import CounterSpec
from monitor.tasks.lifecycle import Task

MODEL = "gen4.5"
POLLS = {"kind": Kind.POLL, "own": True}


@pytest.fixture
async def schedule(own: SelfMetrics, clock: ManualClock) -> AsyncIterator[Schedule]:
    schedule = Schedule(own, clock)
    schedule.start()
    yield schedule
    await schedule.drain(5.0)


class World:
    """An application that submits tasks and never polls, and the follow-up of its account, second by second."""

    def __init__(
        self,
        account: Account,
        database: Database,
        engine: Engine,
        server: Server,
        vendor: Vendor,
        schedule: Schedule,
        clock: ManualClock,
        client: httpx.AsyncClient,
    ) -> None:
        self.server = server
        self.clock = clock
        self._account = account
        self._database = database
        self._engine = engine
        self._vendor = vendor
        self._schedule = schedule
        self._client = client
        self.settings(account.follow_up)

    def settings(self, settings: Settings) -> None:
        account = replace(self._account, follow_up=settings)
        self.follow_up = FollowUp(
            account, self._database, self._schedule, self._vendor, self._engine, self.clock, lambda: 0.0
        )

    async def submit(self, count: int = 1, *, known_to_vendor: bool = True) -> list[str]:
        """Submit tasks; the daemon learns of them as through the gateway."""
        made = [await self._create() if known_to_vendor else f"task-{index}" for index in range(count)]
        seen = [
            TaskSeen(
                account=self._account.name,
                at=self.clock.now(),
                task=task,
                status=TaskStatus.PENDING,
                endpoint="/v1/text_to_video",
                model=MODEL,
                accepted=True,
            )
            for task in made
        ]
        await self._engine.submit(seen, "gateway")
        return made

    async def _create(self) -> str:
        reply = await self._client.post(
            f"{self._account.base_url}/v1/text_to_video",
            headers={
                "Authorization": f"Bearer {self._account.api_key.get_secret_value()}",
                "X-Runway-Version": "2024-11-06",
            },
            json={"model": MODEL, "promptText": "a cat", "ratio": "1280:720", "duration": 5},
        )
        return str(reply.raise_for_status().json()["id"])

    async def live(self, seconds: int) -> None:
        """Let time go by, with a look at the tasks each second."""
        for _ in range(seconds):
            self.clock.advance(1.0)
            await self.follow_up.run()
            await self.settled()

    async def settled(self) -> None:
        await until(lambda: not self._schedule._running)

    def tasks(self) -> dict[str, Task]:
        with self._database.begin() as connection:
            found = task_rows.load(
                connection, [(self._account.name, each) for each in self.polled() | self._submitted()]
            )
        return {task.id: task for task in found.values()}

    def _submitted(self) -> set[str]:
        return {task for one in self.server.world.platform.accounts.values() for task in one.tasks}

    def polls(self) -> list[dict[str, Any]]:
        return [each for each in self.server.world.request_log.requests(0) if each["own"]]

    def polled(self) -> set[str]:
        return {each["path"].rpartition("/")[2] for each in self.polls()}

    def tallied(self) -> set[CounterSpec]:
        with self._database.begin() as connection:
            return {series.counter for series in counter_rows.load(connection, self._account.name)}


@pytest.fixture
def world(
    account: Account,
    database: Database,
    engine: Engine,
    server: Server,
    vendor: Vendor,
    schedule: Schedule,
    clock: ManualClock,
    client: httpx.AsyncClient,
) -> World:
    return World(account, database, engine, server, vendor, schedule, clock, client)


async def test_a_task_whose_client_is_silent_is_followed_to_its_end(world: World) -> None:
    (task,) = await world.submit()
    await world.live(14)
    assert world.polls() == []

    await world.live(26)

    followed = world.tasks()[task]
    assert followed.status is TaskStatus.SUCCEEDED
    assert followed.client_seen_at == followed.created_at
    assert followed.model == MODEL
    polls = len(world.polls())
    await world.live(30)
    assert len(world.polls()) == polls


async def test_a_task_that_its_client_polls_is_left_alone(world: World, engine: Engine) -> None:
    (task,) = await world.submit()
    for _ in range(5):
        await world.live(10)
        at = world.clock.now()
        await engine.submit([TaskSeen(account="production", at=at, task=task, status=TaskStatus.PENDING)], "gateway")

    assert world.polls() == []


async def test_own_reads_are_never_counted_as_the_applications_requests(world: World) -> None:
    await world.submit()
    await world.live(40)

    assert world.polls()
    assert not world.tallied() & {CounterSpec.REQUESTS, CounterSpec.REQUEST_SECONDS, CounterSpec.REQUEST_RETRIES}


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(fault=FaultKind.STATUS, status=503, **POLLS),
        Fault(fault=FaultKind.STATUS, status=400, **POLLS),
        Fault(fault=FaultKind.HTML, status=404, **POLLS),
        Fault(fault=FaultKind.HALF_BODY, **POLLS),
        Fault(fault=FaultKind.STATUS, status=503, probability=0.5, **POLLS),
    ],
    ids=["none", "overloaded", "refused", "missing", "half", "every other"],
)
async def test_no_task_is_read_twice_within_five_seconds_whatever_the_vendor_answers(
    world: World, fault: Fault | None
) -> None:
    await world.submit(3)
    if fault:
        world.server.world.faults.add(fault)
    await world.live(120)

    times: dict[str, list[float]] = defaultdict(list)
    for poll in world.polls():
        times[poll["path"]].append(poll["started_at"])
    assert len(times) == 3
    assert all(later - earlier >= 5.0 for each in times.values() for earlier, later in pairwise(each))


async def test_an_overloaded_vendor_is_asked_less_and_less_and_fully_again_afterwards(world: World) -> None:
    made = await world.submit(3)
    world.server.world.faults.add(Fault(fault=FaultKind.STATUS, status=503, **POLLS))
    with capture_logs() as logs:
        await world.live(180)

    assert len(world.polls()) <= 18
    pauses = [line["seconds"] for line in logs if line["event"] == "follow_up.paused"]
    assert pauses == sorted(pauses)
    assert pauses[:3] == [5, 10, 20]
    world.server.world.faults.clear()

    await world.live(320)
    assert {world.tasks()[task].status for task in made} == {TaskStatus.SUCCEEDED}


async def test_a_rejected_key_pauses_the_account_for_ten_minutes(world: World) -> None:
    await world.submit(3)
    world.server.world.platform.set_keys("simulated", KeyState.REVOKED)
    await world.live(600)

    assert len(world.polls()) == 3
    world.server.world.platform.set_keys("simulated", KeyState.VALID)
    await world.live(60)
    assert {task.status for task in world.tasks().values()} == {TaskStatus.SUCCEEDED}


async def test_a_task_that_the_vendor_does_not_know_is_lost_after_a_second_404_a_minute_later(world: World) -> None:
    await world.submit(known_to_vendor=False)
    await world.live(16)
    assert [task.status for task in world.tasks().values()] == [TaskStatus.PENDING]

    await world.live(61)

    first, second = (poll["started_at"] for poll in world.polls())
    assert second - first >= 60.0
    assert [task.status for task in world.tasks().values()] == [TaskStatus.LOST]


async def test_a_404_is_about_one_task_and_does_not_hold_up_the_others(world: World) -> None:
    await world.submit(5, known_to_vendor=False)
    made = await world.submit(1)
    await world.live(40)

    assert world.tasks()[made[0]].status is TaskStatus.SUCCEEDED


async def test_the_budget_of_an_account_is_kept(world: World) -> None:
    world.settings(Settings(requests_per_minute=30))
    await world.submit(40, known_to_vendor=False)
    await world.live(16 + 120)

    assert 55 <= len(world.polls()) <= 65
    assert len(world.polled()) == 40


async def test_those_seen_longest_ago_come_first(world: World) -> None:
    world.settings(Settings(requests_per_minute=12))
    early = await world.submit(2)
    world.clock.advance(2.0)
    await world.submit(2)
    await world.live(20)

    assert {poll["path"].rpartition("/")[2] for poll in world.polls()[:2]} == set(early)


async def test_no_more_than_eight_reads_are_under_way_at_once(world: World) -> None:
    await world.submit(20, known_to_vendor=False)
    hanging = world.server.world.faults.add(Fault(fault=FaultKind.HANG, **POLLS))
    world.clock.advance(20.0)
    for _ in range(5):
        world.clock.advance(10.0)
        await world.follow_up.run()
        await asyncio.sleep(0.02)

    await until(lambda: world.server.in_flight == MOST_AT_ONCE)
    await asyncio.sleep(0.02)
    assert world.server.in_flight == MOST_AT_ONCE
    world.server.world.faults.remove(hanging.id)
    await world.settled()


async def test_a_task_that_fails_is_followed_to_its_reason(world: World) -> None:
    organization = next(iter(world.server.world.platform.accounts.values()))
    organization.script.append("SAFETY.INPUT.TEXT")
    (task,) = await world.submit()
    await world.live(40)

    assert (world.tasks()[task].status, world.tasks()[task].reason.value) == (TaskStatus.FAILED, "moderation_input")


async def test_a_clock_that_steps_back_does_not_read_tasks_faster(world: World) -> None:
    await world.submit(2, known_to_vendor=False)
    await world.live(30)
    before = len(world.polls())
    world.clock.advance(-3600.0)
    await world.live(30)

    assert len(world.polls()) - before <= 2
