"""The server of a simulated provider: its state, its listener, and the log of each request."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiohttp import web

from monitor.errors import ListenError
from monitor.runtime.clock import Clock
from monitor.simulator.shared.accounts import AccountRegistry
from monitor.simulator.shared.faults import Faults
from monitor.simulator.shared.request_log import BaseRecord, BaseRequestLog
from monitor.simulator.shared.requests import CLIENT_GONE

_STOP_SECONDS = 2.0
PlatformT = TypeVar("PlatformT", bound=AccountRegistry[Any, Any])
RequestLogT = TypeVar("RequestLogT", bound=BaseRequestLog[Any])


@dataclass(frozen=True)
class World(Generic[PlatformT, RequestLogT]):
    """The state that a reset replaces as a whole. A request belongs to the world in which it began."""

    platform: PlatformT
    request_log: RequestLogT
    faults: Faults


WorldT = TypeVar("WorldT", bound=World[Any, Any])


class BaseServer(ABC, Generic[WorldT]):
    """Holds the world and counts the requests in flight. Everything happens in `clock`'s time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.in_flight = 0
        self.world = self.new_world()

    @abstractmethod
    def new_world(self) -> WorldT:
        """Return the world as it is at start."""

    def reset(self) -> None:
        """Restore the accounts as they were at start; clear the request log and the faults."""
        self.world.faults.clear()
        self.world = self.new_world()

    def log_request(self, world: WorldT, record: BaseRecord) -> None:
        """Log a request. Call it before anything is sent, so that no client is ahead of the log."""
        world.request_log.add(record, self.clock.now())

    @contextmanager
    def tracked(self, world: WorldT, record: BaseRecord) -> Iterator[None]:
        """Count a request as in flight; log it as `CLIENT_GONE` if its client leaves before it is logged."""
        self.in_flight += 1
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            if record.finished_at is None:
                record.fault = CLIENT_GONE
                self.log_request(world, record)
            raise
        finally:
            self.in_flight -= 1


@asynccontextmanager
async def serve(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve while the context lasts. Yields the base URL; port 0 takes a free port.

    Raises:
        ListenError: the address cannot be bound.
    """
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_STOP_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise ListenError(
                f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}; choose another address"
            ) from error
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
