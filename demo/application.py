"""What the demo's applications share: a command line, and a life of habits that ends with a signal."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

SIMULATED_KEY = "key_simulated"

Doing = Coroutine[Any, Any, None]


@dataclass(frozen=True)
class Application:
    """One that uses `account` through the gateway, with the key in `key_variable`. `live` takes base URL and key.

    `settings` and `faults` are how imperfect it wants its simulated vendor to be.
    """

    module: str
    about: str
    vendor: str
    account: str
    key_variable: str
    settings: Mapping[str, Any]
    faults: Sequence[Mapping[str, Any]]
    live: Callable[[str, str], Doing]

    def prepare(self, simulator: str) -> None:
        """Make the simulated vendor at this address imperfect. Raises httpx.HTTPError when that fails."""
        with httpx.Client(base_url=f"{simulator}/_control", trust_env=False) as control:
            control.patch("/accounts/simulated", json=self.settings).raise_for_status()
            control.delete("/faults").raise_for_status()
            for fault in self.faults:
                control.post("/faults", json=fault).raise_for_status()


async def follow(act: Callable[[], Doing], burst: int, pause: float) -> None:
    """Act for ever: `burst` times at once, then again after some `pause` seconds, whether or not they have ended."""
    async with asyncio.TaskGroup() as group:
        while True:
            for _ in range(burst):
                group.create_task(act())
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))


async def until_signal(life: Doing) -> None:
    """Live until SIGINT or SIGTERM."""
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, me.cancel)
    with suppress(asyncio.CancelledError):
        await life


def main(application: Application) -> None:
    """Run an application from the command line."""
    vendor, variable = application.vendor, application.key_variable
    parser = argparse.ArgumentParser(prog=f"python -m {application.module}", description=application.about)
    gateway = f"http://127.0.0.1:10191/{application.account}"
    parser.add_argument("--base-url", default=gateway, help="gateway and account")
    parser.add_argument("--key", default=os.environ.get(variable, SIMULATED_KEY), help=f"in place of {variable}")
    parser.add_argument("--simulator", help=f"address of the simulated {vendor}, to prepare it")
    given = parser.parse_args()
    if given.simulator:
        try:
            application.prepare(given.simulator)
        except httpx.HTTPError as error:
            sys.exit(f"workload: the simulated {vendor} cannot be prepared: {error}; check --simulator")
    asyncio.run(until_signal(application.live(given.base_url, given.key)))
