"""What programs ask: metrics, health, readiness, and to reload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from monitor.metrics import Exposition
from monitor.metrics.exposition import CONTENT_TYPE
from monitor.web.negotiation import accepts_gzip


class Probes:
    """Handlers of `/metrics` and `/-/...`."""

    def __init__(
        self, exposition: Exposition, ready: Callable[[], list[str]], reload: Callable[[], Awaitable[str | None]]
    ) -> None:
        self._exposition = exposition
        self._ready = ready
        self._reload = reload

    async def metrics(self, request: web.Request) -> web.Response:
        """The newest exposition; before the first evaluation that is the daemon's own metrics."""
        await self._exposition.keep_fresh()
        headers = {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding"}
        if accepts_gzip(",".join(request.headers.getall("Accept-Encoding", ()))):
            return web.Response(body=self._exposition.gzipped, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=self._exposition.text, headers=headers)

    async def healthy(self, _: web.Request) -> web.Response:
        """200 while the process lives."""
        return web.Response(text="healthy\n")

    async def ready(self, _: web.Request) -> web.Response:
        """200 when ready, else 503 and the reasons."""
        reasons = self._ready()
        if reasons:
            return web.Response(status=503, text="\n".join([*reasons, ""]))
        return web.Response(text="ready\n")

    async def reload(self, _: web.Request) -> web.Response:
        """200 when the configuration was loaded anew, else 422, why, and the old one stays."""
        fault = await self._reload()
        return web.Response(text="reloaded\n") if fault is None else web.Response(status=422, text=f"{fault}\n")
