from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web
from runwayml import AsyncRunwayML

from monitor.runtime.clock import ManualClock
from monitor.simulator.runway.api.messages import Call, Reply
from monitor.simulator.runway.api.routes import API_VERSION, handle
from monitor.simulator.runway.app import build_app
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.accounts import Platform
from monitor.simulator.runway.server import DEFAULT_KEY
from monitor.simulator.runway.settings import Settings
from monitor.simulator.shared.server import serve

START = 1_750_000_000.0

Ask = Callable[..., Reply]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def organization() -> Organization:
    return Organization("test", Settings(), 10_000, random.Random(1), START)


@pytest.fixture
def platform() -> Platform:
    platform = Platform(seed=1)
    platform.add("test", DEFAULT_KEY, Settings(), 10_000, START)
    return platform


@pytest.fixture
def ask(platform: Platform, clock: ManualClock) -> Ask:
    """Ask the platform with a good key and version; keywords are headers or the query."""

    def ask(method: str, path: str, body: Any = None, *, query: dict[str, str] | None = None, **headers: str) -> Reply:
        sent = {"authorization": f"Bearer {DEFAULT_KEY}", "x-runway-version": API_VERSION, "host": "localhost"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        return handle(platform, Call(method, path, clock.now(), query or {}, sent, raw))

    return ask


@pytest.fixture
def app(clock: ManualClock) -> web.Application:
    return build_app(clock, seed=1)


@pytest.fixture
async def url(app: web.Application) -> AsyncIterator[str]:
    async with serve(app) as url:
        yield url


@pytest.fixture
async def control(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{url}/_control") as client:
        yield client


@pytest.fixture
async def sdk(url: str) -> AsyncIterator[AsyncRunwayML]:
    """The official SDK, which here refuses what does not have its declared shape."""
    async with AsyncRunwayML(
        api_key=DEFAULT_KEY, base_url=url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def until(control: httpx.AsyncClient) -> Callable[[str, int], Awaitable[None]]:
    """Wait until a figure of the request log has a value."""

    async def until(name: str, value: int) -> None:
        async with asyncio.timeout(5):
            while (await control.get("/counts")).json()[name] != value:
                await asyncio.sleep(0.01)

    return until


@pytest.fixture
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runwayml.lib.polling.POLL_TIME", 0.02)
    monkeypatch.setattr("runwayml.lib.polling.POLL_JITTER", 0.0)
