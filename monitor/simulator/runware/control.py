"""The control API under `/_control`: the accounts, the faults, the sockets, and what the witness says.

| Method, path | Meaning |
|---|---|
| GET `/accounts`, GET `/accounts/{name}` | state of the accounts, of one |
| POST `/accounts` | open one: `name`, `key`, `balance`, and any of `Settings` |
| PATCH `/accounts/{name}` | change: any of `Settings`, and of `Change` |
| GET, POST, DELETE `/faults`, DELETE `/faults/{id}` | list, set one (`Fault`), clear all, clear one |
| GET, DELETE `/sockets` | list them; end them (`Ending`) |
| GET `/counts` | requests and tasks by sort |
| GET `/requests?after=N`, `/tasks` | the same one by one |
| POST `/reset` | begin anew |
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.platform.accounts import KeyState, Platform
from monitor.simulator.runware.request_log import task_counts, task_record
from monitor.simulator.runware.server import Server
from monitor.simulator.runware.settings import Settings
from monitor.simulator.shared.control import add_fault_routes, json_reply, report_errors


class Change(Struct, forbid_unknown_fields=True):
    """What else of an account can be changed.

    `keys` puts all its keys in a state; `script` settles the next tasks: null a success, else an error code, or a list
    with one of both for each result.
    """

    balance: float | UnsetType = UNSET
    keys: KeyState | UnsetType = UNSET
    script: list[str | list[str | None] | None] | UnsetType = UNSET


class Ending(Struct, forbid_unknown_fields=True):
    """Which sockets end, and how: those of `account`, None all; by a close with `code`, or without a word."""

    account: str | None = None
    code: Annotated[int, Meta(ge=1000, le=4999)] = 1000
    abnormal: bool = False


class NewAccount(Struct):
    """An account to open; its other fields are `Settings`."""

    name: str
    key: str
    balance: float = 1_000.0


def account_state(server: Server, account: Account) -> dict[str, Any]:
    """Everything about an account but its keys."""
    return {
        "name": account.name,
        "balance": account.balance,
        "keys": server.world.platform.key_states(account.name),
        "settings": account.settings,
        "script": list(account.script),
        "models": {
            model: {"running": queue.running, "waiting": queue.waiting, "peak": queue.peak}
            for model, queue in account.queues.items()
        },
    }


class _Control:
    def __init__(self, server: Server) -> None:
        self._server = server

    def _platform(self) -> Platform:
        """It, at the present time."""
        self._server.world.platform.advance(self._server.clock.now())
        return self._server.world.platform

    async def accounts(self, _: web.Request) -> web.Response:
        return json_reply([account_state(self._server, one) for one in self._platform().accounts.values()])

    async def account(self, request: web.Request) -> web.Response:
        return json_reply(account_state(self._server, self._platform().accounts[request.match_info["name"]]))

    async def open_account(self, request: web.Request) -> web.Response:
        fields = msgspec.json.decode(await request.read(), type=dict[str, Any])
        new = msgspec.convert(fields, NewAccount)
        rest = {name: value for name, value in fields.items() if name not in NewAccount.__struct_fields__}
        settings = Settings().changed(rest)
        account = self._platform().add(new.name, new.key, settings, new.balance, self._server.clock.now())
        return json_reply(account_state(self._server, account), 201)

    async def change_account(self, request: web.Request) -> web.Response:
        account = self._platform().accounts[request.match_info["name"]]
        fields = msgspec.json.decode(await request.read(), type=dict[str, Any])
        names = Change.__struct_fields__
        change = msgspec.convert({name: fields.pop(name) for name in names if name in fields}, Change)
        account.change(account.settings.changed(fields), self._server.clock.now())
        if change.balance is not UNSET:
            account.balance = change.balance
        if change.keys is not UNSET:
            self._server.world.platform.set_keys(account.name, change.keys)
        if change.script is not UNSET:
            account.script.clear()
            account.script.extend(change.script)
        return json_reply(account_state(self._server, account))

    async def sockets(self, _: web.Request) -> web.Response:
        return json_reply([{"account": one.account} for one in self._server.world.sessions.connections])

    async def end_sockets(self, request: web.Request) -> web.Response:
        ending = msgspec.json.decode(await request.read() or b"{}", type=Ending)
        meant = [one for one in self._server.world.sessions.connections if ending.account in {None, one.account}]
        for one in meant:
            if ending.abnormal:
                one.reset()
            else:
                one.close(ending.code)
        return json_reply({"ended": len(meant)})

    async def counts(self, _: web.Request) -> web.Response:
        accounts, log = self._platform().accounts.values(), self._server.world.request_log
        requests = {"total": log.total, "in_flight": self._server.in_flight, "requests": log.counts()}
        return json_reply({"now": self._server.clock.now(), **requests, "tasks": task_counts(accounts)})

    async def requests(self, request: web.Request) -> web.Response:
        after = msgspec.convert(request.query.get("after", "0"), int, strict=False)
        return json_reply(self._server.world.request_log.requests(after))

    async def tasks(self, _: web.Request) -> web.Response:
        accounts = self._platform().accounts.values()
        return json_reply([task_record(account, task) for account in accounts for task in account.tasks.values()])

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
    app.router.add_get("/sockets", control.sockets)
    app.router.add_delete("/sockets", control.end_sockets)
    app.router.add_get("/counts", control.counts)
    app.router.add_get("/requests", control.requests)
    app.router.add_get("/tasks", control.tasks)
    app.router.add_post("/reset", control.reset)
    return app
