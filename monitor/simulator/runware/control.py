"""The control API of the simulated Runware: what `shared.control` leaves open, and `/sockets`.

| Method, path | Meaning |
|---|---|
| GET, DELETE `/sockets` | list the WebSockets; end them (`Ending`) |
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.platform.accounts import KeyState, Platform
from monitor.simulator.runware.request_log import task_counts, task_record
from monitor.simulator.runware.server import World
from monitor.simulator.runware.settings import Settings
from monitor.simulator.shared.control import ControlApi, Fields, json_reply, split_fields


class Change(Struct, forbid_unknown_fields=True):
    """Changes to an account besides its settings.

    `balance` is in US dollars. `keys` sets the state of all keys. `script` settles the next tasks, one entry each: null
    for a success, an error code, or a list of both with one entry for each result.
    """

    balance: float | UnsetType = UNSET
    keys: KeyState | UnsetType = UNSET
    script: list[str | list[str | None] | None] | UnsetType = UNSET


class Ending(Struct, forbid_unknown_fields=True):
    """Which sockets to end, and how.

    `account` None means the sockets of all accounts. `code` is the close code. `abnormal` resets the connection
    instead.
    """

    account: str | None = None
    code: Annotated[int, Meta(ge=1000, le=4999)] = 1000
    abnormal: bool = False


class NewAccount(Struct):
    """An account to open. `balance` is in US dollars. All other fields are settings."""

    name: str
    key: str
    balance: float = 1_000.0


class Control(ControlApi[Account]):
    """Shows and changes accounts, and ends WebSockets."""

    @property
    def _platform(self) -> Platform:
        world: World = self.server.world
        return world.platform

    def provider_state(self, account: Account) -> Fields:
        return {
            "balance": account.balance,
            "models": {
                model: {"running": queue.active, "waiting": queue.waiting, "peak": queue.peak}
                for model, queue in account.queues.items()
            },
        }

    def open_account(self, fields: Fields) -> Account:
        new, settings = split_fields(fields, NewAccount)
        return self._platform.add(new.name, new.key, Settings().changed(settings), new.balance, self.server.clock.now())

    def change_account(self, account: Account, fields: Fields) -> None:
        change, settings = split_fields(fields, Change)
        account.change(account.settings.changed(settings), self.server.clock.now())
        if change.balance is not UNSET:
            account.balance = change.balance
        if change.keys is not UNSET:
            self._platform.set_keys(account.name, change.keys)
        if change.script is not UNSET:
            account.script = deque(change.script)

    def task_records(self, account: Account) -> list[Fields]:
        return [task_record(account, task) for task in account.tasks.values()]

    def task_counts(self, accounts: Iterable[Account]) -> list[Fields]:
        return task_counts(accounts)

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_get("/sockets", self._get_sockets)
        app.router.add_delete("/sockets", self._delete_sockets)
        return app

    async def _get_sockets(self, _: web.Request) -> web.Response:
        return json_reply([{"account": one.account} for one in self.server.world.sessions.connections])

    async def _delete_sockets(self, request: web.Request) -> web.Response:
        ending = msgspec.json.decode(await request.read() or b"{}", type=Ending)
        connections = self.server.world.sessions.connections
        ended = [one for one in connections if ending.account in {None, one.account}]
        for one in ended:
            if ending.abnormal:
                one.reset()
            else:
                one.close(ending.code)
        return json_reply({"ended": len(ended)})
