"""The simulated Runway on HTTP."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from monitor.clock import Clock
from monitor.simulator.call import Call, Reply
from monitor.simulator.faults import Fault, FaultKind, Faults
from monitor.simulator.routes import Match, match
from monitor.simulator.settings import Settings
from monitor.simulator.simulation import Simulation
from monitor.simulator.spoilt import spoil
from monitor.simulator.tasks import WORKFLOW
from monitor.simulator.witness import OWN_USER_AGENT, Record, Witness

DEFAULT_KEY = "key_" + "0123456789abcdef" * 8
"""Well formed, and good for nothing but the simulator."""

CLIENT_GONE = "client_gone"
_COMPRESSED_FROM = 1_024


@dataclass(frozen=True)
class Opening:
    """How an organization starts."""

    name: str = "simulated"
    key: str = DEFAULT_KEY
    settings: Settings = field(default_factory=Settings)
    credits: int = 10_000


class Server:
    """Puts a simulation on HTTP, spoils answers as told, and writes down what happened.

    Everything happens in `clock`'s time.
    """

    def __init__(self, clock: Clock, openings: Sequence[Opening], seed: int) -> None:
        self.clock = clock
        self._openings = openings
        self._seed = seed
        self._changed = asyncio.Event()
        self.in_flight = 0
        self.faults = Faults(seed)
        self.reset()

    def reset(self) -> None:
        """Begin anew: organizations, witness and faults."""
        self.simulation = Simulation(self._seed)
        for one in self._openings:
            self.simulation.add(one.name, one.key, one.settings, one.credits, self.clock.now())
        self.witness = Witness()
        self.clear_faults()
        self.faults = Faults(self._seed)

    def clear_faults(self, fault_id: str | None = None) -> bool:
        """Clear one fault, or all; requests that hang because of it go on. Tells whether it was set."""
        was_set = self.faults.remove(fault_id) if fault_id else True
        if not fault_id:
            self.faults.clear()
        self._changed.set()
        self._changed = asyncio.Event()
        return was_set

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request to the API."""
        self.in_flight += 1
        try:
            return await self._answer(request)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        started, found = self.clock.now(), match(request.method, request.rel_url.raw_path)
        record = _record(request, found, started)
        try:
            body = await request.read()
            call = _call(request, self.clock.now(), body)
            self._describe(record, call, found)
            reply, fault = await self._carry_out(record, call, found)
        except (asyncio.CancelledError, ConnectionError):
            record.fault = CLIENT_GONE
            self._write_down(record)
            raise
        return await self._send(request, record, reply, fault)

    def _describe(self, record: Record, call: Call, found: Match) -> None:
        organization = self.simulation.owner(call, found)
        if organization is not None:
            record.organization = organization.name
            task = organization.tasks.get(found.variable)
            if task is not None:
                record.task, record.model = task.id, task.model
        if record.kind == "create":
            record.model = _requested_model(call, found)

    async def _carry_out(self, record: Record, call: Call, found: Match) -> tuple[Reply | None, Fault | None]:
        latency, fault = self.faults.draw(call.method, found.template, call.path, found.kind, record.own)
        reply = self.simulation.handle(call) if fault is None or fault.takes_effect else None
        if reply is not None:
            _note(record, reply)
        if latency:
            await asyncio.sleep(self.clock.real_seconds(latency))
        if fault is not None and fault.fault is FaultKind.HANG:
            await self._hang(fault)
            fault = None
            if reply is None:
                reply = self.simulation.handle(_at(call, self.clock.now()))
                _note(record, reply)
        return reply, fault

    async def _hang(self, fault: Fault) -> None:
        faults = self.faults
        while faults.is_set(fault):
            await self._changed.wait()

    async def _send(
        self, request: web.Request, record: Record, reply: Reply | None, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is not None:
            record.fault = fault.fault.value
            record.status = fault.status if fault.fault in {FaultKind.STATUS, FaultKind.HTML} else None
            if fault.fault in {FaultKind.HALF_BODY, FaultKind.BROKEN_JSON} or fault.after_headers:
                record.status = reply.status if reply is not None and reply.document is not None else 200
            self._write_down(record)
            return await spoil(request, fault, _encode(reply), record.status or 200)
        assert reply is not None  # noqa: S101  a request without a fault is always answered
        record.status = reply.status
        self._write_down(record)
        return _response(reply)

    def _write_down(self, record: Record) -> None:
        """Before anything is sent, so that no client knows of what the witness does not."""
        record.finished_at = self.clock.now()
        self.witness.add(record)


def _record(request: web.Request, found: Match, now: float) -> Record:
    retry = request.headers.get("x-stainless-retry-count", "")
    return Record(
        organization="",
        method=request.method,
        template=found.template,
        kind=found.kind.value,
        path=request.rel_url.raw_path,
        own=request.headers.get("user-agent", "").startswith(OWN_USER_AGENT),
        retry=int(retry) if retry.isascii() and retry.isdigit() else None,
        started_at=now,
    )


def _call(request: web.Request, now: float, body: bytes) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, request.rel_url.raw_path, now, dict(request.query), headers, body)


def _at(call: Call, now: float) -> Call:
    return Call(call.method, call.path, now, call.query, call.headers, call.body)


def _note(record: Record, reply: Reply) -> None:
    record.reason = reply.reason
    record.model = reply.model or record.model
    record.task = reply.task or record.task
    record.task_status = reply.task_status


def _requested_model(call: Call, found: Match) -> str:
    """The model that a create asks for, as far as it says."""
    match found.template:
        case "/v1/recipes/{name}":
            return found.variable
        case "/v1/workflows/{id}":
            return WORKFLOW
    fields = call.json if isinstance(call.json, dict) else {}
    source = fields.get("from")
    model = fields.get("model") or (source.get("model") if isinstance(source, dict) else None)
    return model if isinstance(model, str) else ""


def _encode(reply: Reply | None) -> bytes:
    return b"" if reply is None or reply.document is None else msgspec.json.encode(reply.document)


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
