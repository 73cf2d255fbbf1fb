"""A daemon as its operator listener sees it."""

from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition
from monitor.runtime.clock import ManualClock
from monitor.web import build_web


async def no_ingest(_: web.Request) -> web.Response:
    raise AssertionError("nothing is sent to the ingest API here")


@dataclass
class Daemon:
    """What stands behind the listener; a test sets what it needs."""

    exposition: Exposition
    clock: ManualClock
    snapshot: Snapshot | None = None
    reasons: list[str] = field(default_factory=list)
    reload_fault: str | None = None
    reloads: int = 0
    ingest: Handler = no_ingest

    async def reload(self) -> str | None:
        self.reloads += 1
        return self.reload_fault

    def listener(self) -> web.Application:
        return build_web(
            exposition=self.exposition,
            snapshot=lambda: self.snapshot,
            ready=lambda: self.reasons,
            reload=self.reload,
            ingest=self.ingest,
            clock=self.clock,
        )
