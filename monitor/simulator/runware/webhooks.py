"""Webhooks: each result of a task is posted to the task's `webhookURL`, again if the receiver does not accept it.

Runware does not document how often it tries. Here it tries three times, one second apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import aiohttp
import msgspec

from monitor.simulator.runware.api.messages import result_items
from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.platform.tasks import Part, Task

ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Webhooks:
    """Posts results until it is closed. `real_seconds` converts the simulator's seconds."""

    def __init__(self, real_seconds: Callable[[float], float]) -> None:
        self._real_seconds = real_seconds
        self._sending: set[asyncio.Task[None]] = set()

    def subscribe(self, account: Account, task: Task) -> None:
        """Post the results of a task as they finish, if it names a webhook."""
        url = task.request.fields.get("webhookURL")
        if isinstance(url, str):
            task.watchers.append(lambda task, part: self._send(url, account, task, part))

    def _send(self, url: str, account: Account, task: Task, part: Part) -> None:
        data, errors = result_items(task, [part], account.settings.payload_bytes)
        body = msgspec.json.encode({"data": data} if data else {"errors": errors})
        sending = asyncio.create_task(self._deliver(url, body))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _deliver(self, url: str, body: bytes) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            for _ in range(ATTEMPTS):
                if await _is_accepted(session, url, body):
                    return
                await asyncio.sleep(self._real_seconds(_PAUSE_SECONDS))

    async def close(self) -> None:
        """Cancel all deliveries."""
        for sending in tuple(self._sending):
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)


async def _is_accepted(session: aiohttp.ClientSession, url: str, body: bytes) -> bool:
    try:
        async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as reply:
            return reply.status < HTTPStatus.MULTIPLE_CHOICES
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
