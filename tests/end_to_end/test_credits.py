"""What a simulated Runway does with an account's money, and what the daemon says of it by reading the account alone.

Time stands still but for the steps of the test; the daemon reads often meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from end_to_end.stage import Figures, LocalStage, staged

from monitor.config import Autobilling, FollowUp, Limits
from monitor.runtime.clock import ManualClock

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
THRESHOLD, AMOUNT = 1_000, 5_000
PLAN = {"threshold": THRESHOLD, "amount": AMOUNT}
COUNTERS = ("recharges_total", "recharged_credits_total", "refunds_total", "refunded_credits_total")


class SteppedClock(ManualClock):
    """Moves when told; the daemon's jobs run often meanwhile."""

    def real_seconds(self, seconds: float) -> float:
        return seconds / 500


class Play:
    """Moves money and time, and shows what the daemon made of it."""

    def __init__(self, stage: LocalStage, clock: SteppedClock) -> None:
        self._stage, self._clock = stage, clock

    async def change(self, **settings: object) -> None:
        await self._stage.control("PATCH", "/accounts/runway", **settings)

    async def charge(self, credits_: int) -> None:
        """What generations cost; a negative amount is a refund."""
        await self.change(charge={"model": "gen4.5", "credits": credits_})

    async def pass_by(self, seconds: float) -> Figures:
        """Let time pass; the figures once all has been read three times, so that two of them were after it."""
        self._clock.advance(seconds)
        before = {name: await self._reads(name) for name in ("organization", "usage")}
        return await self._stage.until(
            lambda figures: all(reads(figures, name) >= count + 3 for name, count in before.items())
        )

    async def until(self, holds: Callable[[Figures], bool]) -> Figures:
        return await self._stage.until(holds)

    async def restart(self) -> Figures:
        """Start the daemon anew; its first figures."""
        await self._stage.restart()
        return await self._stage.until(lambda figures: state(figures) != "")

    async def _reads(self, name: str) -> float:
        return reads(await self._stage.scrape(), name)


def reads(figures: Figures, name: str) -> float:
    return figures.total("genmedia_account_reads_total", read=name, outcome="success")


def state(figures: Figures) -> str:
    """The autobilling state; empty while there is none."""
    return "".join(name for (name,) in figures.by("genmedia_autobilling_state", "state"))


def counted(figures: Figures) -> tuple[float | None, ...]:
    return tuple(figures.value(f"genmedia_credit_{name}") for name in COUNTERS)


def monthly(figures: Figures, name: str) -> float | None:
    return figures.value(f"genmedia_{name}", limit="monthly_spend_credits")


@asynccontextmanager
async def playing(folder: Path, **settings: object) -> AsyncIterator[Play]:
    """An account with 1,500 credits, whose autobilling the daemon knows of."""
    clock = SteppedClock()
    async with staged(
        folder,
        settings={"tier": 3, "autobilling": PLAN, **settings},
        clock=clock,
        follow_up=FollowUp(silence=HOUR, interval=HOUR),
        evaluate_interval=30,
        poll_interval=MINUTE,
        credits_=1_500,
        limits=Limits(autobilling=Autobilling(threshold=THRESHOLD, amount=AMOUNT)),
    ) as stage:
        play = Play(stage, clock)
        await play.pass_by(MINUTE)
        yield play


async def test_autobilling_that_works_is_due_and_then_ok(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        assert state(await play.until(lambda figures: state(figures) != "")) == "ok"
        await play.charge(700)
        figures = await play.pass_by(MINUTE)
        assert state(figures) == "due"
        assert monthly(figures, "limit_used") is None
        assert figures.value("genmedia_credit_burn_credits", window="1h") == 700
        assert figures.value("genmedia_burn_dollars", window="24h") == 7
        await play.charge(60)
        assert state(await play.pass_by(HOUR - 3 * MINUTE)) == "due"
        await play.charge(60)
        figures = await play.pass_by(MINUTE)
        assert state(figures) == "ok"
        assert counted(figures) == (1, AMOUNT, 0, 0)
        assert (monthly(figures, "limit_used"), monthly(figures, "saturation_ratio")) == (AMOUNT, AMOUNT / 200_000)
        runway = figures.value("genmedia_credit_runway_seconds")
        assert runway is not None
        assert 0 < runway < 48 * HOUR
        assert counted(await play.restart()) == counted(figures)


async def test_a_failing_charge_is_overdue_and_after_three_days_of_failing_stopped(tmp_path: Path) -> None:
    async with playing(tmp_path, autobilling={**PLAN, "charge_fails": True}) as play:
        await play.charge(700)
        assert state(await play.pass_by(MINUTE)) == "due"
        assert state(await play.pass_by(HOUR)) == "due"
        assert state(await play.pass_by(HOUR / 2)) == "overdue"
        assert state(await play.pass_by(47 * HOUR)) == "overdue"
        assert state(await play.restart()) == "overdue"
        stopped = await play.pass_by(2 * HOUR)
        assert (state(stopped), counted(stopped)) == ("stopped", (0, 0, 0, 0))
        await play.change(autobilling=PLAN, purchase=2_000)
        figures = await play.pass_by(5 * MINUTE)
        assert (state(figures), counted(figures)) == ("ok", (1, 2_000, 0, 0))


async def test_a_recharge_that_the_cap_clips_shows_so(tmp_path: Path) -> None:
    async with playing(tmp_path, monthly_credits=7_000) as play:
        await play.charge(700)
        await play.pass_by(MINUTE)
        figures = await play.pass_by(HOUR)
        assert (state(figures), counted(figures)) == ("ok", (1, AMOUNT, 0, 0))
        await play.charge(5_000)
        assert state(await play.pass_by(MINUTE)) == "clipped"
        figures = await play.pass_by(HOUR)
        assert (state(figures), counted(figures)) == ("clipped", (2, 7_000, 0, 0))
        assert monthly(figures, "saturation_ratio") == 1
        again = await play.restart()
        assert (state(again), counted(again)) == ("clipped", (2, 7_000, 0, 0))


async def test_refunds_are_not_taken_for_recharges_nor_negative_days_for_anything_else(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        for refund in (60, 900, 4_900, AMOUNT, 20_000):
            await play.charge(-refund)
            figures = await play.pass_by(MINUTE)
        assert counted(figures) == (0, 0, 5, 30_860)
        spent = figures.value("genmedia_credits_spent_credits", model="gen4.5", window="today")
        assert spent == -30_860
        assert figures.value("genmedia_credit_burn_credits", window="24h") == 0
        assert state(figures) == "ok"
