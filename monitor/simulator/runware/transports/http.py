"""`POST /v1`: an array of tasks, answered by one reply or by an event stream."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web

from monitor.simulator.runware.api.generations import Answer, items_of, kind_of_all
from monitor.simulator.runware.api.messages import Item
from monitor.simulator.runware.errors import Refusal, error, status_of
from monitor.simulator.runware.request_log import STREAM, Record
from monitor.simulator.runware.server import Server, World, wait_until_finished
from monitor.simulator.runware.settings import Settings
from monitor.simulator.runware.transports.replies import Reply, send
from monitor.simulator.runware.transports.streams import stream
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.simulator.shared.requests import Kind, bearer_token

TEMPLATE = "/v1"
_GATEWAY_TIMEOUT = Fault(fault=FaultKind.HTML, status=504)


async def answer_tasks(server: Server, request: web.Request) -> web.StreamResponse:
    """Answer `POST /v1`."""
    world = server.world
    record = server.record(request, TEMPLATE)
    with server.tracked(world, record):
        return await _Exchange(server, world, request, record).answer()


class _Exchange:
    """One request and its reply."""

    def __init__(self, server: Server, world: World, request: web.Request, record: Record) -> None:
        self._server = server
        self._world = world
        self._request = request
        self._record = record
        self._settings = Settings()

    async def answer(self) -> web.StreamResponse:
        """Answer the request, and fill in its record."""
        try:
            key, items = self._read(await self._request.read())
        except Refusal as refusal:
            return await self._send(_refusal(refusal, self._settings), None)
        record = self._record
        latency, fault = self._world.faults.draw(
            "POST", TEMPLATE, self._request.path, Kind(record.kind), record.own, record.account
        )
        hanging = fault if fault is not None and fault.fault is FaultKind.HANG else None
        if fault is not None and hanging is None and not fault.takes_effect:
            await self._server.apply_delay(self._world, latency, None)
            return await self._send(Reply(HTTPStatus.OK, {"data": []}), fault)
        if hanging is not None and not hanging.takes_effect:
            await self._server.apply_delay(self._world, 0, hanging)
        try:
            answers = self._server.submit(self._world, key, items)
        except Refusal as refusal:
            return await self._send(_refusal(refusal, self._settings), None if hanging else fault)
        await self._server.apply_delay(self._world, latency, hanging)
        return await self._deliver(answers, None if hanging else fault)

    def _read(self, body: bytes) -> tuple[str, list[Item]]:
        """Return the key and the tasks. The key can also come in a first task, `authentication`."""
        items = items_of(body)
        key = bearer_token(self._request.headers)
        if items[0].get("taskType") == "authentication":
            key, items = str(items[0].get("apiKey", "")), items[1:]
        owner = self._world.platform.owner(key)
        if owner is not None:
            self._record.account, self._settings = owner.name, owner.settings
        self._record.kind = kind_of_all(items).value
        self._record.set_tasks(items)
        self._world.request_log.mark_repeats(self._record)
        return key, items

    async def _deliver(self, answers: list[Answer], fault: Fault | None) -> web.StreamResponse:
        streamed = next((one.task for one in answers if one.task is not None and one.task.is_stream), None)
        if streamed is not None:
            self._record.transport = STREAM
            self._record.fault = "" if fault is None else fault.fault.value
            return await stream(self._request, answers[0], streamed, self._finish, is_broken=fault is not None)
        try:
            async with asyncio.timeout(self._server.clock.real_seconds(self._settings.sync_seconds)):
                await wait_until_finished([answer.task for answer in answers if answer.task is not None])
        except TimeoutError:
            fault = _GATEWAY_TIMEOUT
        else:
            for answer in answers:
                answer.finish(self._settings)
        self._record.set_outcomes(answers)
        return await self._send(_reply(answers, self._request), fault)

    def _finish(self, answer: Answer) -> None:
        """Log the request before its stream sends the last event."""
        self._record.status = HTTPStatus.OK
        self._record.set_outcomes([answer])
        self._server.log_request(self._world, self._record)

    async def _send(self, reply: Reply, fault: Fault | None) -> web.StreamResponse:
        return await send(self._server, self._world, self._request, self._record, reply, fault)


def _refusal(refusal: Refusal, settings: Settings) -> Reply:
    status = settings.refusal_status or status_of(refusal.code)
    return Reply(status, {"errors": [error(refusal.code, parameter=refusal.parameter)]})


def _reply(answers: list[Answer], request: web.Request) -> Reply:
    """Merge all answers into one reply. Its status is an error only if there is nothing but errors."""
    data = [item for answer in answers for item in answer.data]
    errors = [item for answer in answers for item in answer.errors]
    status = answers[0].status if errors and not data else 200
    if not errors:
        return Reply(status, {"data": data})
    if "text/event-stream" in request.headers.get("accept", ""):
        first, names = errors[0], ("taskUUID", "taskType")
        return Reply(status, {"error": first, **{name: first[name] for name in names if name in first}})
    return Reply(status, {"data": data, "errors": errors} if data else {"errors": errors})
