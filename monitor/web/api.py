"""The JSON API: the snapshot, for programs. Described in `docs/reference/api.md`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.runtime.clock import Clock
from monitor.runtime.logs import redact
from monitor.views.replies import AccountAdvice, AccountReply, Reply, account_advice, account_reply


class Api:
    """Handlers of `/api/v1/accounts`."""

    def __init__(self, snapshot: Callable[[], Snapshot | None], clock: Clock) -> None:
        self._snapshot = snapshot
        self._clock = clock

    async def accounts(self, _: web.Request) -> web.Response:
        """Every account."""
        snapshot = self._snapshot()
        if snapshot is None:
            return _not_yet()
        accounts = tuple(account_reply(one, snapshot.at) for one in snapshot.accounts)
        return _json(Reply(snapshot.at, self._age_seconds(snapshot), accounts))

    async def account(self, request: web.Request) -> web.Response:
        """One account by its name."""
        return self._of_one(request, account_reply)

    async def advice(self, request: web.Request) -> web.Response:
        """What to do about the limits of one account: its usage tier, or the concurrency of each model."""
        return self._of_one(request, lambda account, _: account_advice(account))

    def _of_one(
        self, request: web.Request, answer: Callable[[AccountSnapshot, float], AccountReply | AccountAdvice]
    ) -> web.Response:
        snapshot = self._snapshot()
        if snapshot is None:
            return _not_yet()
        name = request.match_info["account"]
        found = next((account for account in snapshot.accounts if account.account == name), None)
        if found is None:
            return _json({"error": redact(f"no account is named {name!r}")}, status=404)
        time = {"at": snapshot.at, "age_seconds": self._age_seconds(snapshot)}
        return _json({**time, **msgspec.to_builtins(answer(found, snapshot.at))})

    def _age_seconds(self, snapshot: Snapshot) -> float:
        return max(0.0, self._clock.now() - snapshot.at)


def _not_yet() -> web.Response:
    return _json({"error": "the first evaluation has not ended yet"}, status=503)


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
