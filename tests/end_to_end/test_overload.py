"""Thirty minutes of overload: what is told of the capacity of four models while an application lives through it.

The daemon stands in front of simulated queues, with calm before and after. `crowded` is overrun by its own client,
`followed` by other users, who take its machines away; its client does as it is told. `fast` slows down by itself,
`slow` never changes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import aiohttp
import pytest
from end_to_end.stage import LocalStage, staged
from end_to_end.stepped import Application, Client, SteppedClock

from monitor.config import FollowUp
from monitor.judgement.capacity.outlook import QueueState

MINUTE = 60.0
CALM, BUSY, RUSH, OVER, END = 0.0, 6 * MINUTE, 16 * MINUTE, 36 * MINUTE, 50 * MINUTE
RESTARTED, SLOWED = 26 * MINUTE, 28 * MINUTE
SCRAPE_STEPS = 3
CROWDED, FOLLOWED, FAST, SLOW = "crowded:1@1", "followed:1@1", "fast:1@1", "slow:1@1"
CROWD = {CALM: 2, BUSY: 6, RUSH: 16, OVER: 2}
"""How many tasks the crowded model's client has open from when on, at two machines."""
MACHINES = {CALM: 6, BUSY: 5, RUSH: 2, OVER: 6}
"""How many machines other users leave to the followed model."""
TASK_SECONDS = {CROWDED: 20.0, FOLLOWED: 20.0, FAST: 2.0, SLOW: 60.0}
FIRST_RECOMMENDED = 4
STATE, RECOMMENDED = "genmedia_capacity_state", "genmedia_recommended_concurrency"
HEALTHY, APPROACHING, SATURATED = QueueState


Verdicts = dict[str, tuple[str | None, int | None]]
"""State and recommended concurrency by model."""


@dataclass
class Played:
    """The clients at the end, and what every scrape told: its time, and the verdicts beside what had worked by then."""

    clients: dict[str, Client]
    scrapes: list[tuple[float, Verdicts, dict[str, int]]] = field(default_factory=list)
    before_restart: Verdicts = field(default_factory=dict)
    after_restart: Verdicts = field(default_factory=dict)

    def path(self, model: str) -> list[str]:
        """The states of a model in order, from the first that is told."""
        told = [verdicts[model][0] for _, verdicts, _ in self.scrapes]
        return [state for state, _ in groupby(told) if state is not None]

    def at(self, model: str, state: str) -> float:
        """When this state was told first."""
        return next(now for now, verdicts, _ in self.scrapes if verdicts[model][0] == state)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return asyncio.run(play(tmp_path_factory.mktemp("capacity")))


async def play(folder: Path) -> Played:
    clock, played = SteppedClock(), Played({client.model: client for client in clients()})
    stage = staged(
        folder,
        provider="runware",
        accounts=["runware"],
        settings={"longest_wait": 90, "sync_seconds": 600, "models": models(CALM)},
        clock=clock,
        follow_up=FollowUp(silence=3600, interval=3600),
        evaluate_interval=5,
        poll_interval=300,
    )
    async with stage as at, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        application = Application(at, clock, session, folder / "monitor.db", [*played.clients.values()])
        started = clock.now()
        while (now := clock.now() - started) < END:
            await at.control("PATCH", "/accounts/runware", models=models(now))
            if now >= RESTARTED and not played.after_restart:
                await restart(at, application, played)
            ask(played, now)
            for _ in range(SCRAPE_STEPS):
                await application.step()
            verdicts = await told(application)
            worked = {client.model: client.worked for client in played.clients.values()}
            played.scrapes.append((clock.now() - started, verdicts, worked))
        await application.drain()
    return played


async def restart(stage: LocalStage, application: Application, played: Played) -> None:
    await application.drain()
    played.before_restart = await told(application)
    await stage.restart()
    played.after_restart = await told(application)


async def told(application: Application) -> Verdicts:
    figures = await application.scrape(STATE, RECOMMENDED)
    verdicts: Verdicts = {}
    for model in TASK_SECONDS:
        (state,) = [dict(own)["state"] for own, value in figures.select(STATE, model=model).items() if value] or [None]
        number = figures.value(RECOMMENDED, model=model)
        verdicts[model] = state, None if number is None else int(number)
    return verdicts


def clients() -> list[Client]:
    return [Client(CROWDED), Client(FOLLOWED), Client(FAST, pause=8), Client(SLOW)]


def ask(played: Played, now: float) -> None:
    """Let each client want what it wants now."""
    last = played.scrapes[-1][1][FOLLOWED][1] if played.scrapes else None
    wanted = {CROWDED: newest(CROWD, now), FOLLOWED: last or FIRST_RECOMMENDED, FAST: 1, SLOW: 3}
    for model, number in wanted.items():
        played.clients[model].wanted = number


def newest(by_time: dict[float, int], now: float) -> int:
    """The value in force."""
    return by_time[max(at for at in by_time if at <= now)]


def models(now: float) -> dict[str, dict[str, float]]:
    """The vendor's models."""
    seconds = TASK_SECONDS | ({FAST: 8.0} if now >= SLOWED else {})
    machines = {CROWDED: 2, FOLLOWED: newest(MACHINES, now)}
    return {model: {"seconds": seconds[model], "capacity": machines.get(model, 4), "queue": 10} for model in seconds}


def test_a_crowd_leads_through_every_state_and_back_each_entered_once(played: Played) -> None:
    assert played.path(CROWDED) == [HEALTHY, APPROACHING, SATURATED, APPROACHING, HEALTHY]
    assert BUSY < played.at(CROWDED, APPROACHING) < RUSH < played.at(CROWDED, SATURATED) < RUSH + 5 * MINUTE
    assert played.clients[CROWDED].failed > 0.2 * played.clients[CROWDED].well


def test_no_more_is_recommended_than_what_worked_and_one_more(played: Played) -> None:
    for _, verdicts, worked in played.scrapes:
        for model, (_, number) in verdicts.items():
            assert number is None or 1 <= number <= max(FIRST_RECOMMENDED, worked[model] + 1)


def test_who_follows_gets_nearly_all_that_could_be_had_and_is_never_turned_away(played: Played) -> None:
    could_be_had = sum(
        machines * (until - since) / TASK_SECONDS[FOLLOWED]
        for (since, machines), until in zip(MACHINES.items(), [*list(MACHINES)[1:], END], strict=True)
    )
    assert played.clients[FOLLOWED].well >= 0.9 * could_be_had
    assert played.clients[FOLLOWED].failed == 0
    assert played.path(FOLLOWED) == [HEALTHY, APPROACHING, HEALTHY]


def test_a_fast_model_that_slows_down_is_approaching_and_a_slow_one_at_its_usual_pace_is_healthy(
    played: Played,
) -> None:
    assert played.path(FAST) == [HEALTHY, APPROACHING]
    assert SLOWED < played.at(FAST, APPROACHING) < SLOWED + 5 * MINUTE
    assert played.path(SLOW) == [HEALTHY]


def test_a_restart_in_the_midst_changes_nothing(played: Played) -> None:
    assert played.before_restart == played.after_restart
    assert {state for state, _ in played.after_restart.values()} == set(QueueState)
