"""Real receivers of notifications on loopback: HTTP that answers as Slack and PagerDuty do, and SMTP."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from end_to_end.stage import PATIENCE_SECONDS


@dataclass
class Inbox:
    """What has arrived, by the path it was sent to, and in which order."""

    url: str = ""
    arrived: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def at(self, path: str) -> list[dict[str, Any]]:
        """What was sent to this path."""
        return [document for its, document in self.arrived if its == path]

    async def first(self, path: str) -> dict[str, Any]:
        """The first document sent to this path, once it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := self.at(path)):
                await asyncio.sleep(0.05)
        return found[0]


@asynccontextmanager
async def inbox() -> AsyncIterator[Inbox]:
    """An HTTP server that takes any JSON and answers `ok`, as an incoming webhook of Slack does."""
    box = Inbox()

    async def take(request: web.Request) -> web.Response:
        box.arrived.append((request.path, await request.json()))
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        box.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield box
    finally:
        await runner.cleanup()


@dataclass
class Mailbox:
    """What was mailed, and where to mail it."""

    address: str = ""
    messages: list[EmailMessage] = field(default_factory=list)

    async def first(self) -> EmailMessage:
        """The first message, once it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.messages:
                await asyncio.sleep(0.05)
        return self.messages[0]


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    """An SMTP server (RFC 5321) without extensions that takes every message."""
    box = Mailbox()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            match line.split()[0].upper():
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    box.messages.append(email.message_from_bytes(raw[:-3], policy=email.policy.default))  # type: ignore[arg-type]
                    writer.write(b"250 taken\r\n")
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 fine\r\n")
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        box.address = f"{host}:{port}"
        yield box
