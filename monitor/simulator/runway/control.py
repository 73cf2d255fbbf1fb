"""The control API of the simulated Runway: what `shared.control` leaves open."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from msgspec import UNSET, Struct, UnsetType

from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.accounts import KeyState, Platform
from monitor.simulator.runway.platform.ledger import SMALLEST_PURCHASE
from monitor.simulator.runway.platform.tasks import OPEN
from monitor.simulator.runway.request_log import task_counts, task_record
from monitor.simulator.runway.server import World
from monitor.simulator.runway.settings import Settings
from monitor.simulator.shared.control import ControlApi, Fields, split_fields


class Charge(Struct, frozen=True, forbid_unknown_fields=True):
    """Credits that a model uses today. A negative amount is a refund, and can exceed the day's charges."""

    model: str
    credits: int


class Change(Struct, forbid_unknown_fields=True):
    """Changes to an organization besides its settings.

    `credits` sets the balance. `keys` sets the state of all keys; `add_key` adds one. `script` settles the next tasks,
    one entry each: null for a success, else a failure code. `buy` purchases by the autobilling plan; `purchase`
    purchases so many credits by hand. `charge` books credits without a task. `failed_charges` is the number of failed
    autobilling charges in a row; at three autobilling stops.
    """

    credits: int | UnsetType = UNSET
    keys: KeyState | UnsetType = UNSET
    add_key: str | UnsetType = UNSET
    script: list[str | None] | UnsetType = UNSET
    buy: bool = False
    purchase: int | UnsetType = UNSET
    charge: Charge | UnsetType = UNSET
    failed_charges: int | UnsetType = UNSET


class NewAccount(Struct):
    """An organization to open. All other fields are settings."""

    name: str
    key: str
    credits: int = 10_000


class Control(ControlApi[Organization]):
    """Shows and changes organizations."""

    @property
    def _platform(self) -> Platform:
        world: World = self.server.world
        return world.platform

    def provider_state(self, account: Organization) -> Fields:
        open_tasks = Counter(
            (task.billed_as, task.status.value) for task in account.tasks.values() if task.status in OPEN
        )
        now = self.server.clock.now()
        return {
            "credits": account.ledger.balance,
            "purchased": account.ledger.bought,
            "autobillingStopped": account.autobiller.stopped,
            "failedCharges": account.autobiller.failed_attempts,
            "models": {
                model: {
                    "concurrency": queue.limit.concurrency,
                    "daily": queue.limit.daily,
                    "active": queue.active,
                    "peak": queue.peak,
                    "dailyGenerations": queue.daily(now),
                    "open": {status: count for (name, status), count in open_tasks.items() if name == model},
                }
                for model, queue in account.queues.items()
            },
        }

    def open_account(self, fields: Fields) -> Organization:
        new, settings = split_fields(fields, NewAccount)
        return self._platform.add(new.name, new.key, Settings().changed(settings), new.credits, self.server.clock.now())

    def change_account(self, account: Organization, fields: Fields) -> None:
        change, rest = split_fields(fields, Change)
        settings = account.settings.changed(rest)
        if change.add_key is not UNSET:
            self._platform.add_key(account.name, change.add_key)
        account.change(settings, self.server.clock.now())
        if change.credits is not UNSET:
            account.ledger.balance = change.credits
        if change.keys is not UNSET:
            self._platform.set_keys(account.name, change.keys)
        if change.script is not UNSET:
            account.script = deque(change.script)
        self._change_money(account, change)

    def _change_money(self, account: Organization, change: Change) -> None:
        now = self.server.clock.now()
        if change.charge is not UNSET:
            account.ledger.charge(change.charge.model, change.charge.credits, now)
        if change.failed_charges is not UNSET:
            account.autobiller.failed_attempts = change.failed_charges
        if change.buy:
            account.buy(now)
        if change.purchase is not UNSET and not account.purchase(change.purchase, now):
            raise ValueError(f"a purchase is at least {SMALLEST_PURCHASE} credits, and the month must allow as many")

    def task_records(self, account: Organization) -> list[Fields]:
        now = self.server.clock.now()
        return [task_record(account, task, now) for task in account.tasks.values()]

    def task_counts(self, accounts: Iterable[Organization]) -> list[Fields]:
        return task_counts(accounts)
