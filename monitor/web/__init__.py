"""The operator listener: metrics, health, the status page, the JSON API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.http.aiohttp_internals import AppRunner
from monitor.http.listener import Answers, Listener
from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition
from monitor.runtime.clock import Clock
from monitor.runtime.descriptors import most_connections
from monitor.web.api import Api
from monitor.web.guard import HEADERS, refuse_browsers, secure
from monitor.web.page import StatusPage
from monitor.web.probes import Probes

__all__ = ["WebRunner", "build_web"]

SLASH = "{slash:/*}"
"""A slash at the end of an address changes nothing: what is sent there must not be lost for it."""


def build_web(
    *,
    exposition: Exposition,
    snapshot: Callable[[], Snapshot | None],
    ready: Callable[[], list[str]],
    reload: Callable[[], Awaitable[str | None]],
    ingest: Handler,
    clock: Clock,
    allowed_hosts: Collection[str] = (),
) -> web.Application:
    """The listener's application.

    `snapshot` gives the newest one, None before the first. `ready` gives the reasons why the daemon is not, as whole
    lines. `reload` loads the configuration anew and returns why it could not, None when it did. `ingest` answers
    `POST /api/v1/observations`. `allowed_hosts` are the host names it is reached by, besides addresses and `localhost`.
    """
    probes = Probes(exposition, ready, reload)
    api = Api(snapshot, clock)
    page = StatusPage(snapshot, ready, clock)
    app = web.Application(middlewares=[refuse_browsers(allowed_hosts)])
    app.on_response_prepare.append(secure)
    app.add_routes(
        [
            web.get("/", page.show),
            web.get(f"/metrics{SLASH}", probes.metrics),
            web.get(f"/-/healthy{SLASH}", probes.healthy),
            web.get(f"/-/ready{SLASH}", probes.ready),
            web.post(f"/-/reload{SLASH}", probes.reload),
            web.get(f"/api/v1/accounts{SLASH}", api.accounts),
            web.get(f"/api/v1/accounts/{{account}}{SLASH}", api.account),
            web.get(f"/api/v1/accounts/{{account}}/advice{SLASH}", api.advice),
            web.post(f"/api/v1/observations{SLASH}", ingest),
        ]
    )
    return app


class WebRunner(AppRunner):
    """The listener, ready for `setup()`."""

    def serve(self, server: web.Server) -> web.Server:
        """Answer in the daemon's own words."""
        answers = Answers(
            lambda status: _plain(status, "The request is not well-formed HTTP/1.1.\n"),
            lambda _: _plain(500, "The daemon failed; its log says why.\n"),
        )
        factory, most = server.request_factory, most_connections()
        return Listener("operator", server.request_handler, answers, most=most, request_factory=factory)


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers=HEADERS)
