"""Attacks: what somebody may send to make the daemon stand still, run out of memory or lose what it passes.

They come in by every way: the gateway's HTTP and WebSockets in both directions, ingest and webhooks. What is held is
that the bytes pass unchanged, that memory stays bounded, and that long work gives way to the rest of the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Beats:
    """How often the event loop has gone round."""

    count: int = 0


@pytest.fixture
async def beats() -> AsyncIterator[Beats]:
    """Another task, which goes on whenever the event loop lets it."""
    beats = Beats()

    async def beat() -> None:
        while True:
            beats.count += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    yield beats
    beating.cancel()
