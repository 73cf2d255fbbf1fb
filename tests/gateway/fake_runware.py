"""A small and honest Runware on loopback: it does what its documentation says, and keeps its own account of it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

KEY = "5ec2e70a" * 4
FAILURES = {"fail:timeout@1": "timeoutProvider", "fail:moderation@1": "contentPolicyViolation"}
REFUSALS = {"refuse:model@1": "invalidModel"}
POLLS_UNTIL_DONE = 1
COST = 0.0013
Item = dict[str, Any]


class FakeRunware:
    """What was asked of it and what became of it: `ends` by task, `frames` and `posts` as they came.

    `payload` is how many bytes of base64 each result carries, `mute` lets it answer nothing, `close_code` closes the
    next WebSocket that sends a task, with the task taken.
    """

    def __init__(self) -> None:
        self.port = 0
        self.host = "127.0.0.1"
        self.tls = ""
        self.payload = 0
        self.mute = False
        self.close_code = 0
        self.tasks: dict[str, Item] = {}
        self.ends: dict[str, str] = {}
        self.polls: Counter[str] = Counter()
        self.frames: list[list[Item]] = []
        self.posts: list[list[Item]] = []
        self.sessions: list[str | None] = []
        self.handshakes: list[dict[str, str]] = []
        self.sockets: set[web.WebSocketResponse] = set()
        self.balance: object = 42.5

    @property
    def origin(self) -> str:
        return f"http{self.tls}://{self.host}:{self.port}"

    @property
    def ws_origin(self) -> str:
        return f"ws{self.tls}://{self.host}:{self.port}"

    def answer(self, item: Item) -> tuple[list[Item], list[Item]]:
        """Data and errors for one task."""
        match item["taskType"]:
            case "ping":
                return [{"taskType": "ping", "pong": True}], []
            case "getResponse":
                return self._poll(item["taskUUID"])
            case "accountManagement":
                return [self._account(item)], []
        uuid, named = item["taskUUID"], {"taskType": item["taskType"], "taskUUID": item["taskUUID"]}
        if uuid in self.tasks:
            return [], [named | {"code": "conflictTaskUUID", "message": "in use"}]
        if item.get("model") in REFUSALS:
            return [], [named | {"code": REFUSALS[item["model"]], "message": "refused", "parameter": "model"}]
        self.tasks[uuid] = item
        return ([named], []) if item.get("deliveryMethod") == "async" else self._finish(uuid)

    def _poll(self, uuid: str) -> tuple[list[Item], list[Item]]:
        if uuid not in self.tasks:
            return [], [{"taskType": "getResponse", "taskUUID": uuid, "code": "taskNotFound", "message": "no"}]
        self.polls[uuid] += 1
        if self.polls[uuid] <= POLLS_UNTIL_DONE:
            return [{"taskType": self.tasks[uuid]["taskType"], "taskUUID": uuid, "status": "processing"}], []
        return self._finish(uuid)

    def _finish(self, uuid: str) -> tuple[list[Item], list[Item]]:
        item = self.tasks[uuid]
        named = {"taskType": item["taskType"], "taskUUID": uuid}
        failure = FAILURES.get(item.get("model", ""))
        self.ends[uuid] = failure or "success"
        if failure:
            return [], [named | {"code": failure, "message": "failed", "status": "error"}]
        media = {"imageBase64Data": "QUJD" * (self.payload // 4)} if self.payload else {"imageURL": "https://im/x"}
        result = named | {"status": "success", **media}
        if item.get("includeCost"):
            result |= {"cost": COST}
        return [result | {"imageUUID": f"{uuid}-{number}"} for number in range(item.get("numberResults", 1))], []

    def _account(self, item: Item) -> Item:
        told = {
            name: item[name] for name in ("taskType", "taskUUID", "operation", "startDate", "endDate") if name in item
        }
        if item["operation"] == "getDetails":
            return told | {"balance": self.balance, "organizationName": "ACME", "team": [{"email": "ada@example.com"}]}
        row = {"model": "runware:100@1", "count": 7, "spend": 1.5, "avgInferenceTime": 2.0, "serverErrors": 1}
        return told | {"usage": {"model": {"data": [row | {"clientErrors": 2}], "meta": {}}}}

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Plain HTTP, and a stream of events where one is asked for."""
        items = json.loads(await request.read())
        self.posts.append(items)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"errors": [{"code": "invalidApiKey", "message": "no"}]}, status=401)
        if items[0].get("deliveryMethod") == "stream":
            return await self._stream(request, items[0])
        data, errors = [], []
        for item in items:
            more, failed = self.answer(item)
            data += more
            errors += failed
        return web.json_response({"data": data} | ({"errors": errors} if errors else {}))

    async def _stream(self, request: web.Request, item: Item) -> web.StreamResponse:
        self.tasks[item["taskUUID"]] = item
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        named = {"taskUUID": item["taskUUID"], "taskType": item["taskType"]}
        for word in ("Once", " upon", " a time"):
            event = json.dumps(named | {"delta": {"text": word}, "finishReason": None}).encode()
            await response.write(b": ping\n\ndata: " + event[:9])
            await response.write(event[9:] + b"\n\n")
        if item.get("model") != "cut:off@1":
            last = named | {"delta": {}, "finishReason": "stop", "usage": {"totalTokens": 3}, "cost": COST}
            await response.write(b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n")
            self.ends[item["taskUUID"]] = "success"
        return response

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """The WebSocket: the first message authenticates; each result gets a message of its own, a poll one for all."""
        self.handshakes.append(dict(request.headers))
        socket = web.WebSocketResponse(protocols=("runware",), max_msg_size=0)
        await socket.prepare(request)
        self.sockets.add(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                items = json.loads(message.data)
                self.frames.append(items)
                for item in items:
                    await self._reply(socket, item)
        self.sockets.discard(socket)
        return socket

    async def _reply(self, socket: web.WebSocketResponse, item: Item) -> None:
        if item["taskType"] == "authentication":
            await self._authenticate(socket, item)
        elif self.close_code and item["taskType"] not in {"ping", "getResponse"}:
            self.answer(item)
            code, self.close_code = self.close_code, 0
            await socket.close(code=code, message=b"restarting")
        elif not self.mute:
            data, errors = self.answer(item)
            is_poll = item["taskType"] == "getResponse"
            for each in [data] if is_poll else [[one] for one in data]:
                await socket.send_json({"data": each})
            if errors:
                await socket.send_json({"data": [], "errors": errors})

    async def _authenticate(self, socket: web.WebSocketResponse, item: Item) -> None:
        self.sessions.append(item.get("connectionSessionUUID"))
        if item["apiKey"] != KEY:
            named = {"taskType": "authentication", "code": "invalidApiKey", "message": "no", "parameter": "apiKey"}
            await socket.send_json({"errors": [named]})
            return
        session = f"00000000-0000-4000-8000-{len(self.sessions):012}"
        await socket.send_json({"data": [{"taskType": "authentication", "connectionSessionUUID": session}]})


@asynccontextmanager
async def fake_runware(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeRunware]:
    """A running one, with this server's TLS if any."""
    fake = FakeRunware()
    fake.tls = "s" if tls else ""
    app = web.Application(client_max_size=0)
    app.add_routes([web.post("/v1", fake.post), web.get("/v1", fake.socket)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    fake.port = runner.addresses[0][1]
    try:
        yield fake
    finally:
        await asyncio.gather(*(socket.close() for socket in tuple(fake.sockets)))
        await runner.cleanup()
