"""Ten incidents, and accounts that have none: what goes wrong, how it ends, and what on-call is told of it.

Each has an account and a simulated vendor of its own, so all play at once. Minutes are those of the fast clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from signal import SIGKILL
from typing import Any

from incidents.application import Application
from incidents.machinery import MINUTE, Machinery, Told

ORDINARY_MINUTES = 6
SETTINGS = {"tier": 5, "credits": 1_000_000, "durations": {"pending": 2, "running": 40, "jitter": 0.2}}
VIDEO = 60
"""Credits that a generation of the application costs."""


@dataclass
class Scene:
    """An incident under way."""

    incident: Incident
    machinery: Machinery
    application: Application
    began_at: float = 0.0

    async def change(self, **settings: Any) -> None:
        """Change the vendor's organization."""
        await self.machinery.control(self.incident.name, "PATCH", f"/accounts/{self.incident.name}", **settings)

    async def fault(self, **fault: Any) -> None:
        """Let the vendor answer otherwise than it should."""
        await self.machinery.control(self.incident.name, "POST", "/faults", **fault)

    async def mend(self) -> None:
        """Let the vendor answer as it should."""
        await self.machinery.control(self.incident.name, "DELETE", "/faults")

    def __str__(self) -> str:
        """What was told of it, and in which minute."""
        mine = [each for each in self.machinery.pager.told if self.incident.owns(each.labels, self.machinery)]
        lines = [
            f"{(each.at - self.began_at) / MINUTE:6.1f} {each.receiver} {each.alert} {each.status}" for each in mine
        ]
        return "\n".join([self.incident.name, *dict.fromkeys(lines)])

    def told(self, status: str) -> dict[str, Told]:
        """The first notification of each alert in this state."""
        mine: dict[str, Told] = {}
        for each in self.machinery.pager.told:
            if each.status == status and self.incident.owns(each.labels, self.machinery):
                mine.setdefault(each.alert, each)
        return mine

    async def play(self) -> None:
        """From an ordinary day to the incident, and back."""
        machinery, incident = self.machinery, self.incident
        async with self.application.working(incident.every):
            await machinery.pass_by(ORDINARY_MINUTES * MINUTE)
            self.began_at = machinery.clock.now()
            await incident.trouble(self)
            patience = max(incident.fires.values(), default=0)
            await machinery.until(lambda: incident.fires.keys() <= self.told("firing").keys(), patience * MINUTE)
            await incident.relief(self)
            await machinery.until(lambda: self.is_over, incident.lasts * MINUTE)

    @property
    def is_over(self) -> bool:
        """Whether every end has been told that is to be; what tells nothing lasts its whole time."""
        return bool(self.incident.ends) and self.incident.ends <= self.told("resolved").keys()


Part = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What happens to one account.

    `fires` are the alerts that are delivered, each with the minutes it may take from the trouble's beginning. None else
    is, but those in `may`: one of the former inhibits them (failing reads are inhibited by any daemon's death too), so
    they are delivered only if they come before it or outlast it. Of those in `ends` the end is delivered too, within
    `lasts` minutes of the relief. The application asks for a generation `every` so many seconds.
    """

    name: str
    trouble: Part
    relief: Part
    fires: dict[str, float]
    may: frozenset[str] = frozenset()
    ends: frozenset[str]
    lasts: float = 30
    every: float = 60
    settings: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)

    def owns(self, labels: dict[str, str], machinery: Machinery) -> bool:
        """Whether an alert is about this account, or about the daemon that serves it alone."""
        alone = self.name in machinery.daemons and labels.get("instance") == machinery.instance(self.name)
        return alone or labels.get("account") == self.name


async def burst(scene: Scene) -> None:
    """A batch that keeps the queue long for more than ten minutes."""
    scene.application.submit(60)


async def creep(scene: Scene) -> None:
    """Every five minutes slower."""
    for running in (80, 160, 320, 640):
        await scene.change(durations={"pending": 2, "running": running})
        await scene.machinery.pass_by(5 * MINUTE)


async def kill(scene: Scene) -> None:
    daemon = scene.machinery.daemons[scene.incident.name]
    daemon.signal(SIGKILL)
    await daemon.end()


async def nothing(scene: Scene) -> None:
    pass


PLAN = {"threshold": 200_000, "amount": 100_000}
INCIDENTS = [
    Incident(
        name="daily-cap",
        every=30,
        settings={"limits": {"gen4.5": {"concurrency": 10, "daily": 600}}},
        trouble=lambda scene: scene.change(limits={"gen4.5": {"concurrency": 10, "daily": 60}}),
        relief=lambda scene: scene.change(limits={"gen4.5": {"concurrency": 10, "daily": 600}}),
        fires={
            "GenmediaDailyLimitApproaching": 30,
            "GenmediaDailyLimitNearlyExhausted": 35,
            "GenmediaDailyLimitExhausted": 40,
        },
        may=frozenset({"GenmediaDailyLimitPredicted", "GenmediaRateLimited"}),
        ends=frozenset({"GenmediaDailyLimitExhausted"}),
    ),
    Incident(
        name="burst",
        settings={"limits": {"gen4.5": {"concurrency": 2, "daily": 600}}},
        trouble=burst,
        relief=nothing,
        fires={"GenmediaClientsGivingUp": 20},
        may=frozenset({"GenmediaThrottledMany", "GenmediaThrottledLong", "GenmediaThrottledTooOld"}),
        ends=frozenset({"GenmediaClientsGivingUp"}),
    ),
    Incident(
        name="storm",
        every=10,
        trouble=lambda scene: scene.fault(fault="status", status=503, probability=0.8),
        relief=Scene.mend,
        fires={"GenmediaVendorOverloaded": 12},
        may=frozenset({"GenmediaApiErrorsHigh", "GenmediaApiErrorBudgetBurning"}),
        ends=frozenset({"GenmediaVendorOverloaded"}),
    ),
    Incident(
        name="revoked",
        trouble=lambda scene: scene.change(keys="revoked"),
        relief=lambda scene: scene.change(keys="valid"),
        fires={"GenmediaKeyRejected": 12},
        may=frozenset({"GenmediaSomeKeyRejected", "GenmediaAccountReadFailing"}),
        ends=frozenset({"GenmediaKeyRejected"}),
    ),
    Incident(
        name="credits",
        every=20,
        settings={"credits": 50 * VIDEO},
        trouble=nothing,
        relief=lambda scene: scene.change(credits=200 * VIDEO),
        fires={"GenmediaOutOfCredits": 25},
        may=frozenset({"GenmediaCreditsLow", "GenmediaCreditsNearlyExhausted", "GenmediaCreditsExhausted"}),
        ends=frozenset({"GenmediaOutOfCredits"}),
        lasts=45,
    ),
    Incident(
        name="autobilling",
        settings={"credits": 190_000, "autobilling": {**PLAN, "charge_fails": True}},
        account={"limits": {"autobilling": PLAN}},
        trouble=nothing,
        relief=lambda scene: scene.change(autobilling=PLAN, buy=True),
        fires={"GenmediaAutobillingOverdue": 90},
        ends=frozenset({"GenmediaAutobillingOverdue"}),
    ),
    Incident(
        name="latency",
        every=10,
        settings={"limits": {"gen4.5": {"concurrency": 200, "daily": 10_000}}},
        trouble=creep,
        relief=lambda scene: scene.change(durations=SETTINGS["durations"]),
        fires={"GenmediaLatencyRising": 40, "GenmediaLatencyHigh": 50},
        ends=frozenset({"GenmediaLatencyRising", "GenmediaLatencyHigh"}),
        lasts=45,
    ),
    Incident(
        name="moderation",
        every=15,
        trouble=lambda scene: scene.change(failure_rate=0.6, failures={"SAFETY.INPUT.TEXT": 1}),
        relief=lambda scene: scene.change(failure_rate=0.0),
        fires={"GenmediaModerationWave": 25},
        may=frozenset({"GenmediaModerationRateHigh"}),
        ends=frozenset(),
    ),
    Incident(
        name="garbage",
        every=20,
        trouble=lambda scene: scene.fault(fault="broken_json"),
        relief=Scene.mend,
        fires={"GenmediaApiErrorsHigh": 15},
        may=frozenset({"GenmediaAnswersGarbled", "GenmediaApiErrorBudgetBurning", "GenmediaAccountReadFailing"}),
        ends=frozenset({"GenmediaApiErrorsHigh"}),
        lasts=45,
    ),
    Incident(
        name="killed",
        trouble=kill,
        relief=lambda scene: scene.machinery.restart(scene.incident.name),
        fires={"GenmediaMonitorDown": 5},
        ends=frozenset({"GenmediaMonitorDown"}),
    ),
]
QUIET = Incident(name="quiet", trouble=nothing, relief=nothing, fires={}, ends=frozenset(), lasts=85)
ALONE = ("killed",)
"""Those with a daemon of their own; it is the one that dies."""
