"""The control API under `/_control`: the organizations, the faults, and what the witness says.

| Method, path | Meaning |
|---|---|
| GET `/accounts`, GET `/accounts/{name}` | state of the organizations, of one |
| POST `/accounts` | open one: `name`, `key`, `credits`, and any of `Settings` |
| PATCH `/accounts/{name}` | change: any of `Settings`, and of `Change` |
| GET, POST, DELETE `/faults`, DELETE `/faults/{id}` | list, set one (`Fault`), clear all, clear one |
| GET `/counts` | requests and tasks by sort |
| GET `/requests?after=N`, `/tasks` | the same one by one |
| POST `/reset` | begin anew |
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.accounts import KeyState
from monitor.simulator.runway.platform.ledger import SMALLEST_PURCHASE
from monitor.simulator.runway.platform.tasks import OPEN
from monitor.simulator.runway.request_log import task_counts, task_record
from monitor.simulator.runway.server import Server
from monitor.simulator.runway.settings import Settings
from monitor.simulator.shared.control import add_fault_routes, json_reply, report_errors


class Charge(Struct, frozen=True, forbid_unknown_fields=True):
    """Credits that a model used today; a negative amount is a refund, of which a day may have more than of charges."""

    model: str
    credits: int


class Change(Struct, forbid_unknown_fields=True):
    """What else of an organization can be changed.

    `credits` sets the balance; `keys` puts all its keys in a state; `add_key` gives it one more; `script` settles the
    next tasks (null a success, else a failure code); `buy` triggers a purchase by the autobilling plan, as by hand,
    `purchase` one of so many credits. `charge` books what generations might have cost, or gives it back;
    `failed_charges` is how many charges of autobilling have failed in a row: with three it has stopped.
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
    """An organization to open; its other fields are `Settings`."""

    name: str
    key: str
    credits: int = 10_000


def account_state(server: Server, organization: Organization) -> dict[str, Any]:
    """Everything about an organization but its keys."""
    tasks = Counter((task.billed_as, task.status.value) for task in organization.tasks.values() if task.status in OPEN)
    now = server.clock.now()
    return {
        "name": organization.name,
        "credits": organization.ledger.balance,
        "purchased": organization.ledger.bought,
        "autobillingStopped": organization.autobiller.stopped,
        "failedCharges": organization.autobiller.failed_attempts,
        "keys": server.world.platform.key_states(organization.name),
        "settings": organization.settings,
        "script": list(organization.script),
        "models": {
            model: {
                "concurrency": queue.limit.concurrency,
                "daily": queue.limit.daily,
                "active": queue.active,
                "peak": queue.peak,
                "dailyGenerations": queue.daily(now),
                "open": {status: count for (name, status), count in tasks.items() if name == model},
            }
            for model, queue in organization.queues.items()
        },
    }


class _Control:
    def __init__(self, server: Server) -> None:
        self._server = server

    def _organizations(self) -> dict[str, Organization]:
        """All of them, at the present time."""
        self._server.world.platform.advance(self._server.clock.now())
        return self._server.world.platform.accounts

    async def accounts(self, _: web.Request) -> web.Response:
        return json_reply([account_state(self._server, one) for one in self._organizations().values()])

    async def account(self, request: web.Request) -> web.Response:
        return json_reply(account_state(self._server, self._organizations()[request.match_info["name"]]))

    async def open_account(self, request: web.Request) -> web.Response:
        fields = msgspec.json.decode(await request.read(), type=dict[str, Any])
        new = msgspec.convert(fields, NewAccount)
        rest = {name: value for name, value in fields.items() if name not in NewAccount.__struct_fields__}
        settings = Settings().changed(rest)
        now = self._server.clock.now()
        organization = self._server.world.platform.add(new.name, new.key, settings, new.credits, now)
        return json_reply(account_state(self._server, organization), 201)

    async def change_account(self, request: web.Request) -> web.Response:
        organization = self._organizations()[request.match_info["name"]]
        fields = msgspec.json.decode(await request.read(), type=dict[str, Any])
        names = Change.__struct_fields__
        change = msgspec.convert({name: fields.pop(name) for name in names if name in fields}, Change)
        settings = organization.settings.changed(fields)
        if change.add_key is not UNSET:
            self._server.world.platform.add_key(organization.name, change.add_key)
        organization.change(settings, self._server.clock.now())
        self._apply(organization, change)
        return json_reply(account_state(self._server, organization))

    def _apply(self, organization: Organization, change: Change) -> None:
        if change.credits is not UNSET:
            organization.ledger.balance = change.credits
        if change.keys is not UNSET:
            self._server.world.platform.set_keys(organization.name, change.keys)
        if change.script is not UNSET:
            organization.script.clear()
            organization.script.extend(change.script)
        self._apply_money(organization, change)

    def _apply_money(self, organization: Organization, change: Change) -> None:
        now = self._server.clock.now()
        if change.charge is not UNSET:
            organization.ledger.charge(change.charge.model, change.charge.credits, now)
        if change.failed_charges is not UNSET:
            organization.autobiller.failed_attempts = change.failed_charges
        if change.buy:
            organization.buy(now)
        if change.purchase is not UNSET and not organization.purchase(change.purchase, now):
            raise ValueError(f"a purchase is at least {SMALLEST_PURCHASE} credits, and the month must allow as many")

    async def counts(self, _: web.Request) -> web.Response:
        organizations = self._organizations().values()
        log = self._server.world.request_log
        requests = {"total": log.total, "in_flight": self._server.in_flight, "requests": log.counts()}
        return json_reply({"now": self._server.clock.now(), **requests, "tasks": task_counts(organizations)})

    async def requests(self, request: web.Request) -> web.Response:
        after = msgspec.convert(request.query.get("after", "0"), int, strict=False)
        return json_reply(self._server.world.request_log.requests(after))

    async def tasks(self, _: web.Request) -> web.Response:
        now = self._server.clock.now()
        every = [(one, task) for one in self._organizations().values() for task in one.tasks.values()]
        return json_reply([task_record(organization, task, now) for organization, task in every])

    async def reset(self, _: web.Request) -> web.Response:
        self._server.reset()
        return web.Response(status=204)


def control_app(server: Server) -> web.Application:
    """The control API of `server`, to be mounted at `/_control`."""
    control = _Control(server)
    app = web.Application(middlewares=[report_errors])
    app.router.add_get("/accounts", control.accounts)
    app.router.add_post("/accounts", control.open_account)
    app.router.add_get("/accounts/{name}", control.account)
    app.router.add_patch("/accounts/{name}", control.change_account)
    add_fault_routes(app, lambda: server.world.faults)
    app.router.add_get("/counts", control.counts)
    app.router.add_get("/requests", control.requests)
    app.router.add_get("/tasks", control.tasks)
    app.router.add_post("/reset", control.reset)
    return app
