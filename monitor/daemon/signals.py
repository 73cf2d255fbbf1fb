"""What signals do to the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable

import structlog

FORCED_EXIT_STATUS = 1
LATEST_EXIT_SECONDS = 9.0
"""Without this bound, a thread that waits for a hanging database would keep the process alive."""

log = structlog.get_logger()


class Signals:
    """SIGTERM and SIGINT set `stop`, and the process ends in time whatever hangs. A second one ends it at once.

    SIGHUP calls `reload`, if it is set.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.reload: Callable[[], Awaitable[str | None]] | None = None
        self._reloads: set[asyncio.Future[str | None]] = set()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._on_stop)
        loop.add_signal_handler(signal.SIGINT, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)

    def _on_stop(self) -> None:
        if self.stop.is_set():
            os._exit(FORCED_EXIT_STATUS)
        self.stop.set()
        latest = threading.Timer(LATEST_EXIT_SECONDS, _give_up)
        latest.daemon = True
        latest.start()

    def _on_reload(self) -> None:
        if self.reload is None:
            return  # a daemon that starts or stops has nothing to change over
        task = asyncio.ensure_future(self.reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)


def _give_up() -> None:
    log.error("daemon.gave_up", reason=f"something did not end within {LATEST_EXIT_SECONDS:g} s")
    os._exit(FORCED_EXIT_STATUS)
