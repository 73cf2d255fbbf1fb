"""What keeps a browser from being used against the listener."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from hashlib import sha256
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from monitor.http.browsers import is_known_host, may_read

CSS = files(__package__).joinpath("templates", "status.css").read_text()
STYLE_HASH = b64encode(sha256(CSS.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Sent with every answer. The page's one style sheet is allowed by its hash, and nothing else at all."""

STRANGE_HOST = "This host name is not allowed; use an IP address or localhost, or add the name to allowed_hosts.\n"


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers to an answer."""
    response.headers.update(HEADERS)


def refuse_browsers(allowed_hosts: Collection[str]) -> Middleware:
    """Keep web pages out: no host name that others may rebind, nothing read across sites, nothing changed at all."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_known_host(request.headers.get("Host"), allowed_hosts):
            raise web.HTTPMisdirectedRequest(text=STRANGE_HOST)
        changes = request.method == "POST" and "Sec-Fetch-Site" in request.headers
        if changes or not may_read(request.headers):
            raise web.HTTPForbidden(text="This endpoint is for programs; requests made by a browser are refused.\n")
        return await handler(request)

    return refuse
