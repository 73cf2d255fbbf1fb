"""Serverless applications over HTTP, with problems as in RFC 9457.

The real ones have their own origin, https://api.serverless.runware.ai. Here they share the address of the API. The
status of an answer is an assumption: 200 for a finished invocation, 202 before.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from aiohttp import web

from monitor.simulator.runware.errors import Refusal, status_of
from monitor.simulator.runware.platform.apps import Apps, Invocation, Problem
from monitor.simulator.runware.request_log import Record
from monitor.simulator.runware.server import Server
from monitor.simulator.runware.transports.documents import answer_document
from monitor.simulator.runware.transports.replies import Document, Reply
from monitor.simulator.shared.requests import Kind, bearer_token

_ASYNC = "/v1/apps/{app}/invoke-async/{endpoint}"
_SYNC = "/v1/apps/{app}/invoke-sync/{endpoint}"
_TASK = "/v1/apps/{app}/tasks/{id}"


def add_serverless(app: web.Application, server: Server) -> None:
    """Add the routes that invoke applications and read invocations."""
    for template in (_ASYNC, _SYNC):
        path = template.replace("{endpoint}", "{endpoint:.+}")
        app.router.add_post(path, partial(_answer, server, template, Kind.CREATE))
    app.router.add_get(_TASK, partial(_answer, server, _TASK, Kind.POLL))


async def _answer(server: Server, template: str, kind: Kind, request: web.Request) -> web.StreamResponse:
    async def work(body: Document, _: Record) -> Reply:
        try:
            apps, where, now = _apps(server, request), request.match_info, server.clock.now()
            environment = request.query.get("environment", "")
            if template == _TASK:
                invocation = apps.read(where["app"], environment, where["id"], now)
                return Reply(HTTPStatus.OK, invocation.document)
            invocation = apps.invoke(where["app"], where["endpoint"], environment, body.get("taskId"), now)
        except Problem as problem:
            wait = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
            return Reply(problem.status, problem.document, {"Content-Type": "application/problem+json", **wait})
        if template == _SYNC:
            await _wait_until_finished(invocation, server.clock.real_seconds(apps.longest_wait))
        status = HTTPStatus.ACCEPTED if invocation.completed_at is None else HTTPStatus.OK
        return Reply(status, invocation.document)

    return await answer_document(server, request, template, kind, work)


def _apps(server: Server, request: web.Request) -> Apps:
    try:
        account = server.world.platform.authenticate(bearer_token(request.headers))
    except Refusal as refusal:
        raise Problem(status_of(refusal.code), refusal.code) from None
    return server.world.apps.setdefault(account.name, Apps(account))


async def _wait_until_finished(invocation: Invocation, seconds: float) -> None:
    """Wait until an invocation is finished, for at most so many real seconds."""
    if invocation.completed_at is not None:
        return
    over = asyncio.Event()
    invocation.watchers.append(over.set)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()
