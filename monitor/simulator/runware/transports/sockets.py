"""WebSocket: a client's message is an array of tasks, the server's message is an object."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from monitor.simulator.runware.api.generations import Answer, items_of, kind_of_all
from monitor.simulator.runware.api.messages import Item, result_items
from monitor.simulator.runware.errors import Refusal, error
from monitor.simulator.runware.platform.sessions import Session
from monitor.simulator.runware.platform.tasks import Part, Task
from monitor.simulator.runware.request_log import WEBSOCKET, Record
from monitor.simulator.runware.server import Server, World
from monitor.simulator.runware.settings import Settings
from monitor.simulator.shared.faults import Fault, FaultKind
from monitor.simulator.shared.malformed_answers import reset_connection
from monitor.simulator.shared.requests import Kind

TEMPLATE = "/v1"
CLOSED = "closed"
_CLOSE_SECONDS = 2.0
_METHOD = "WS"
"""The method by which faults select a client's message."""


async def answer_socket(server: Server, request: web.Request) -> web.StreamResponse:
    """Serve a WebSocket until one side closes it."""
    world = server.world
    handshake = server.record(request, TEMPLATE)
    handshake.status = HTTPStatus.SWITCHING_PROTOCOLS
    server.log_request(world, handshake)
    response = web.WebSocketResponse(max_msg_size=0, timeout=_CLOSE_SECONDS)
    await response.prepare(request)
    connection = Connection(server, world, request, response, handshake)
    await connection.serve()
    return response


class Connection:
    """One open WebSocket. Its `handshake` gets the account's name once the client has authenticated."""

    def __init__(
        self,
        server: Server,
        world: World,
        request: web.Request,
        response: web.WebSocketResponse,
        handshake: Record,
    ) -> None:
        self.session: Session | None = None
        self._server = server
        self._world = world
        self._request = request
        self._response = response
        self._handshake = handshake
        self._open: set[_Message] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def settings(self) -> Settings:
        return self.session.account.settings if self.session else Settings()

    @property
    def account(self) -> str:
        """The name of the account that authenticated, empty before."""
        return self.session.account.name if self.session else ""

    async def serve(self) -> None:
        """Answer messages until the socket closes. Messages that are still under way are logged as such."""
        self._world.sessions.connections.add(self)
        is_writing = False
        try:
            while (text := await self._receive()) is not None:
                self._handle(text)
                if self.session is not None and not is_writing:
                    is_writing = True
                    self._spawn(self._write(self.session))
        finally:
            self._world.sessions.connections.discard(self)
            for one in self._work:
                one.cancel()
            self._leave()

    def _leave(self) -> None:
        for message in tuple(self._open):
            message.record.fault = message.record.fault or CLOSED
            self.close_record(message)
        if self.session is not None:
            self.session.left_at = self._server.clock.now()
            self.session = None

    async def _receive(self) -> bytes | None:
        """Return the next message, None at the end."""
        receiving = asyncio.ensure_future(self._response.receive())
        idle = self._server.clock.real_seconds(self.settings.idle_seconds)
        awaited: set[asyncio.Future[Any]] = {receiving, self._ending}
        try:
            done, _ = await asyncio.wait(awaited, timeout=idle, return_when=asyncio.FIRST_COMPLETED)
        finally:
            receiving.cancel()
        if receiving not in done:
            await asyncio.wait([receiving])
            code = self._ending.result() if done else self.settings.idle_code
            self._leave()
            await self._response.close(code=code)
            return None
        message = receiving.result()
        if message.type is WSMsgType.TEXT:
            return str(message.data).encode()
        if message.type is WSMsgType.BINARY:
            await self._response.close(code=WSCloseCode.UNSUPPORTED_DATA)
        return None

    async def _write(self, session: Session) -> None:
        """Send the session's frames. A frame that cannot be sent stays in the session."""
        with suppress(ConnectionError):
            while True:
                await session.filled.wait()
                while session.outbox:
                    await self._response.send_str(msgspec.json.encode(session.outbox[0]).decode())
                    session.outbox.popleft()
                session.filled.clear()

    def close(self, code: int) -> None:
        """Close it cleanly, as soon as possible."""
        if not self._ending.done():
            self._ending.set_result(code)

    def reset(self) -> None:
        """Reset the TCP connection without a closing handshake."""
        reset_connection(self._request)

    def _handle(self, text: bytes) -> None:
        record = self._server.record(self._request, TEMPLATE)
        record.account, record.transport = self.account, WEBSOCKET
        message = _Message(record, [])
        self._open.add(message)
        try:
            message.items = items_of(text)
        except Refusal as refusal:
            self._send_now(message, {"errors": [error(refusal.code)]})
            return
        record.kind = kind_of_all(message.items).value
        if message.items[0].get("taskType") == "authentication":
            self._authenticate(message)
            return
        record.set_tasks(message.items)
        self._world.request_log.mark_repeats(record)
        latency, fault = self._world.faults.draw(
            _METHOD, TEMPLATE, self._request.path, Kind(record.kind), record.own, record.account
        )
        self._spawn(self._work_on(message, latency, fault))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _authenticate(self, message: _Message) -> None:
        key = str(message.items[0].get("apiKey", ""))
        record, platform = message.record, self._world.platform
        owner = platform.owner(key)
        record.account = self._handshake.account = owner.name if owner else ""
        record.set_tasks(message.items[:1])
        try:
            account = platform.authenticate(key)
        except Refusal as refusal:
            refused = error(refusal.code, parameter=refusal.parameter, taskType="authentication")
            self._send_now(message, {"errors": [refused]}, code=refusal.code)
            return
        previous = str(message.items[0].get("connectionSessionUUID", ""))
        session = self._world.sessions.open(account, key, previous, self._server.clock.now())
        reply = {"data": [{"taskType": "authentication", "connectionSessionUUID": session.id}]}
        session.outbox.appendleft(reply)
        session.filled.set()
        self.session = session
        record.tasks[0].verdict = "answered"
        self.close_record(message)

    def _send_now(self, message: _Message, document: dict[str, Any], code: str = "invalidJson") -> None:
        """Send an error that concerns no task, also to a client that has not authenticated."""
        for mine in message.record.tasks:
            mine.verdict, mine.code = "refused", code
        self.close_record(message)
        if self.session is not None:
            self.session.send(document)
            return
        self._spawn(self._response.send_str(msgspec.json.encode(document).decode()))

    async def _work_on(self, message: _Message, latency: float, fault: Fault | None) -> None:
        if fault is not None:
            message.record.fault = fault.fault.value
        hangs = fault is not None and fault.fault is FaultKind.HANG
        await self._server.apply_delay(self._world, latency, fault if hangs else None)
        session = self.session
        if session is None:
            refused = [error("missingApiKey", parameter="apiKey")]
            self._send_now(message, {"errors": refused}, code="missingApiKey")
        elif fault is not None and fault.fault is FaultKind.RESET:
            self.reset()
        else:
            message.record.fault = ""
            self._answer(message, session)

    def _answer(self, message: _Message, session: Session) -> None:
        try:
            message.answers = self._server.submit(self._world, session.key, message.items)
        except Refusal as refusal:
            self._send_now(message, {"errors": [error(refusal.code)]}, code=refusal.code)
            return
        message.record.set_outcomes(message.answers)
        waiting = [(answer, answer.task) for answer in message.answers if answer.task is not None]
        documents = _documents([answer for answer in message.answers if answer.task is None], session)
        for answer, task in waiting:
            self._watch(message, answer, task, session)
        if not waiting:
            self.close_record(message)
        for document in documents:
            session.send(document)

    def _watch(self, message: _Message, answer: Answer, waited_for: Task, session: Session) -> None:
        """Send results as they finish, or all of them together."""

        def watch(task: Task, part: Part) -> None:
            settings = session.account.settings
            packed = settings.packing == "packed"
            if task.is_finished:
                answer.task = None
                answer.conclude(task)
                message.record.set_outcomes(message.answers)
                if all(each.task is None for each in message.answers):
                    self.close_record(message)
            if task.is_finished or not packed:
                session.send(_document(*result_items(task, task.parts if packed else [part], settings.payload_bytes)))

        waited_for.watchers.append(watch)

    def close_record(self, message: _Message) -> None:
        """Log a finished message once."""
        if message in self._open:
            self._open.discard(message)
            self._server.log_request(self._world, message.record)


class _Message:
    """A client's message that is under way."""

    def __init__(self, record: Record, items: list[Item]) -> None:
        self.record = record
        self.items = items
        self.answers: list[Answer] = []


def _document(data: list[Item], errors: list[Item]) -> dict[str, Any]:
    return {"data": data, "errors": errors} if data and errors else {"errors": errors} if errors else {"data": data}


def _documents(answers: list[Answer], session: Session) -> list[dict[str, Any]]:
    """Return one frame for each answer, or one for all."""
    if session.account.settings.packing == "packed" and answers:
        data = [item for answer in answers for item in answer.data]
        return [_document(data, [item for answer in answers for item in answer.errors])]
    return [_document(answer.data, answer.errors) for answer in answers]
