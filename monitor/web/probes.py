"""What programs ask: metrics, health, readiness, and to reload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from monitor.metrics import Exposition
from monitor.web.negotiation import accepts_gzip, accepts_openmetrics


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
        wants_openmetrics = accepts_openmetrics(",".join(request.headers.getall("Accept", ())))
        rendered = await self._exposition.openmetrics() if wants_openmetrics else self._exposition.plain
        headers = {"Content-Type": rendered.content_type, "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(",".join(request.headers.getall("Accept-Encoding", ()))):
            return web.Response(body=rendered.gzipped, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=rendered.text, headers=headers)

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
