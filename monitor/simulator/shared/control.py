"""The control API under `/_control`: the accounts, the faults and the request log.

| Method, path | Meaning |
|---|---|
| GET `/accounts`, GET `/accounts/{name}` | state of all accounts, of one |
| POST `/accounts` | open one: a name, a key, a balance, and any of its settings |
| PATCH `/accounts/{name}` | change settings, balance, keys or the script of the next tasks |
| GET, POST, DELETE `/faults`, DELETE `/faults/{id}` | list, set one (`Fault`), clear all, clear one |
| GET `/counts` | numbers of requests and tasks by group |
| GET `/requests?after=N`, `/tasks` | requests and tasks one by one |
| POST `/reset` | restore the state at start |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from monitor.simulator.shared.accounts import AccountT
from monitor.simulator.shared.faults import Fault
from monitor.simulator.shared.server import BaseServer

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
StructT = TypeVar("StructT", bound=msgspec.Struct)
Fields = dict[str, Any]


def json_reply(value: Any, status: int = 200) -> web.Response:
    """Return a reply of the control API."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


@web.middleware
async def report_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer a wrong value with 400, and an unknown name with 404."""
    try:
        return await handler(request)
    except ValueError as error:  # msgspec's errors among them
        return json_reply({"error": f"{request.method} {request.path}: {error}"}, 400)
    except KeyError as error:
        return json_reply({"error": f"{request.method} {request.path}: there is no {error}"}, 404)


def split_fields(fields: Fields, kind: type[StructT]) -> tuple[StructT, Fields]:
    """Return the fields that `kind` declares as a `kind`, and the other fields.

    Raises:
        msgspec.ValidationError: a field is missing or has a wrong value.
    """
    names = kind.__struct_fields__
    declared = {name: value for name, value in fields.items() if name in names}
    return msgspec.convert(declared, kind), {name: value for name, value in fields.items() if name not in names}


class ControlApi(ABC, Generic[AccountT]):
    """Shows and changes the accounts and faults of a server, and shows its request log."""

    def __init__(self, server: BaseServer[Any]) -> None:
        self.server = server

    def account_state(self, account: AccountT) -> Fields:
        """Return everything about an account but the secrets of its keys."""
        keys = self.server.world.platform.key_states(account.name)
        common = {"name": account.name, "keys": keys, "settings": account.settings, "script": list(account.script)}
        return {**common, **self.provider_state(account)}

    @abstractmethod
    def provider_state(self, account: AccountT) -> Fields:
        """Return what only this provider's accounts have: the balance and the models."""

    @abstractmethod
    def open_account(self, fields: Fields) -> AccountT:
        """Open an account. Raises ValueError if a field is wrong or the name or key is in use."""

    @abstractmethod
    def change_account(self, account: AccountT, fields: Fields) -> None:
        """Change an account. Raises ValueError if a field is wrong."""

    @abstractmethod
    def task_records(self, account: AccountT) -> list[Fields]:
        """Return the tasks of an account one by one."""

    @abstractmethod
    def task_counts(self, accounts: Iterable[AccountT]) -> list[Fields]:
        """Return the number of tasks in each group."""

    def app(self) -> web.Application:
        """Return the control API, to be mounted at `/_control`."""
        app = web.Application(middlewares=[report_errors])
        app.router.add_get("/accounts", self._get_accounts)
        app.router.add_post("/accounts", self._post_account)
        app.router.add_get("/accounts/{name}", self._get_account)
        app.router.add_patch("/accounts/{name}", self._patch_account)
        app.router.add_get("/faults", self._get_faults)
        app.router.add_post("/faults", self._post_fault)
        app.router.add_delete("/faults", self._delete_faults)
        app.router.add_delete("/faults/{id}", self._delete_fault)
        app.router.add_get("/counts", self._get_counts)
        app.router.add_get("/requests", self._get_requests)
        app.router.add_get("/tasks", self._get_tasks)
        app.router.add_post("/reset", self._post_reset)
        return app

    def _accounts(self) -> dict[str, AccountT]:
        """Return all accounts at the present time."""
        platform = self.server.world.platform
        platform.advance(self.server.clock.now())
        accounts: dict[str, AccountT] = platform.accounts
        return accounts

    async def _get_accounts(self, _: web.Request) -> web.Response:
        return json_reply([self.account_state(account) for account in self._accounts().values()])

    async def _get_account(self, request: web.Request) -> web.Response:
        return json_reply(self.account_state(self._accounts()[request.match_info["name"]]))

    async def _post_account(self, request: web.Request) -> web.Response:
        fields = msgspec.json.decode(await request.read(), type=Fields)
        return json_reply(self.account_state(self.open_account(fields)), 201)

    async def _patch_account(self, request: web.Request) -> web.Response:
        account = self._accounts()[request.match_info["name"]]
        self.change_account(account, msgspec.json.decode(await request.read(), type=Fields))
        return json_reply(self.account_state(account))

    async def _get_faults(self, _: web.Request) -> web.Response:
        return json_reply(self.server.world.faults.all)

    async def _post_fault(self, request: web.Request) -> web.Response:
        fault = msgspec.json.decode(await request.read(), type=Fault)
        return json_reply(self.server.world.faults.add(fault), 201)

    async def _delete_faults(self, _: web.Request) -> web.Response:
        self.server.world.faults.clear()
        return web.Response(status=204)

    async def _delete_fault(self, request: web.Request) -> web.Response:
        if not self.server.world.faults.remove(request.match_info["id"]):
            raise KeyError(request.match_info["id"])
        return web.Response(status=204)

    async def _get_counts(self, _: web.Request) -> web.Response:
        log = self.server.world.request_log
        requests = {"total": log.total, "in_flight": self.server.in_flight, "requests": log.counts()}
        tasks = self.task_counts(self._accounts().values())
        return json_reply({"now": self.server.clock.now(), **requests, "tasks": tasks})

    async def _get_requests(self, request: web.Request) -> web.Response:
        after = msgspec.convert(request.query.get("after", "0"), int, strict=False)
        return json_reply(self.server.world.request_log.requests(after))

    async def _get_tasks(self, _: web.Request) -> web.Response:
        return json_reply([row for account in self._accounts().values() for row in self.task_records(account)])

    async def _post_reset(self, _: web.Request) -> web.Response:
        self.server.reset()
        return web.Response(status=204)
