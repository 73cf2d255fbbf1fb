"""The HTTP server of the simulated Runway: it applies faults, and logs every request."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
from aiohttp import web

from monitor.runtime.clock import Clock
from monitor.simulator.runway.api.messages import Call, Reply
from monitor.simulator.runway.api.routes import Match, handle, match, owner
from monitor.simulator.runway.platform.accounts import Platform
from monitor.simulator.runway.platform.tasks import WORKFLOW
from monitor.simulator.runway.request_log import Record, RequestLog
from monitor.simulator.runway.settings import DEFAULT_KEY, Settings
from monitor.simulator.shared import server as state
from monitor.simulator.shared.faults import Fault, FaultKind, Faults
from monitor.simulator.shared.malformed_answers import send_malformed
from monitor.simulator.shared.requests import Kind, is_own

UNPROCESSED = Reply(200)
"""The reply to a request that a fault prevents from taking effect."""
_COMPRESSED_FROM = 1_024
_LONGEST_NUMBER = 9


@dataclass(frozen=True)
class InitialAccount:
    """An organization that exists at start."""

    name: str = "simulated"
    key: str = DEFAULT_KEY
    settings: Settings = field(default_factory=Settings)
    credits: int = 10_000


World = state.World[Platform, RequestLog]


class Server(state.BaseServer[World]):
    """Puts a platform on HTTP, applies the faults that are set, and logs every request."""

    def __init__(self, clock: Clock, accounts: Sequence[InitialAccount], seed: int) -> None:
        self._initial = accounts
        self._seed = seed
        super().__init__(clock)

    def new_world(self) -> World:
        world = World(Platform(self._seed), RequestLog(), Faults(self._seed))
        for one in self._initial:
            world.platform.add(one.name, one.key, one.settings, one.credits, self.clock.now())
        return world

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request to the API."""
        world, found = self.world, match(request.method, request.rel_url.raw_path)
        record = _record(request, found, self.clock.now())
        with self.tracked(world, record):
            now, body = self.clock.now(), await request.read()
            headers = {name.lower(): value for name, value in request.headers.items()}
            call = Call(request.method, request.rel_url.raw_path, now, dict(request.query), headers, body)
            _describe(world.platform, record, call, found)
            reply, fault = await self._carry_out(world, record, call, found)
            usual = 200 if fault is not None and reply.document is None else reply.status
            record.status = usual if fault is None else fault.status_sent(usual)
            record.fault = "" if fault is None else fault.fault.value
            self.log_request(world, record)
            if fault is None:
                return _response(reply)
            return await send_malformed(request, fault, _encode(reply), record.status or 200)

    async def _carry_out(self, world: World, record: Record, call: Call, found: Match) -> tuple[Reply, Fault | None]:
        latency, fault = world.faults.draw(
            call.method, found.template, call.path, found.kind, record.own, record.organization
        )
        processed = fault is None or fault.takes_effect
        reply = self._handle(world, record, call) if processed else UNPROCESSED
        if latency:
            await asyncio.sleep(self.clock.real_seconds(latency))
        if fault is not None and fault.fault is FaultKind.HANG:
            await world.faults.until_cleared(fault)
            reply = reply if processed else self._handle(world, record, replace(call, now=self.clock.now()))
            fault = None
        return reply, fault

    @staticmethod
    def _handle(world: World, record: Record, call: Call) -> Reply:
        reply = handle(world.platform, call)
        record.reason, record.task_status = reply.reason, reply.task_status
        record.model = reply.model or record.model
        record.task = reply.task or record.task
        return reply


def _record(request: web.Request, found: Match, now: float) -> Record:
    retry = request.headers.get("x-stainless-retry-count", "")
    return Record(
        method=request.method,
        template=found.template,
        kind=found.kind.value,
        path=request.rel_url.raw_path,
        own=is_own(request.headers),
        retry=int(retry) if retry.isascii() and retry.isdigit() and len(retry) <= _LONGEST_NUMBER else None,
        started_at=now,
    )


def _describe(platform: Platform, record: Record, call: Call, found: Match) -> None:
    """Record the organization of a request, and the task and the model that it names."""
    organization = owner(platform, call, found)
    if organization is not None:
        record.organization = organization.name
        task = organization.tasks.get(found.variable)
        if task is not None:
            record.task, record.model = task.id, task.model
    if found.kind is Kind.CREATE:
        record.model = _requested_model(call, found)


def _requested_model(call: Call, found: Match) -> str:
    """Return the model that a create asks for, empty if it names none."""
    match found.template:
        case "/v1/recipes/{name}":
            return found.variable
        case "/v1/workflows/{id}":
            return WORKFLOW
    fields = call.json if isinstance(call.json, dict) else {}
    source = fields.get("from")
    model = fields.get("model") or (source.get("model") if isinstance(source, dict) else None)
    return model if isinstance(model, str) else ""


def _encode(reply: Reply) -> bytes:
    return b"" if reply.document is None else msgspec.json.encode(reply.document)


def _response(reply: Reply) -> web.Response:
    body = _encode(reply)
    headers = {"apigw-requestid": base64.urlsafe_b64encode(os.urandom(11)).decode()}
    if not body:
        return web.Response(status=reply.status, headers=headers)
    headers["Content-Type"] = "application/json; charset=utf-8"
    response = web.Response(status=reply.status, headers=headers, body=body)
    if len(body) >= _COMPRESSED_FROM:
        response.enable_compression()
    return response
