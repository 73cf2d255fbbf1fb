"""What keeps a browser from being used against the listener."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

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


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers to an answer."""
    response.headers.update(HEADERS)


@web.middleware
async def refuse_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let no page, whatever its origin, change anything: browsers name themselves on a POST, programs do not."""
    if request.method == "POST" and ("Origin" in request.headers or "Sec-Fetch-Site" in request.headers):
        raise web.HTTPForbidden(text="This endpoint is for programs; requests made by a browser are refused.\n")
    return await handler(request)
