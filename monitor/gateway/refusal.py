"""What the gateway says in its own name, and how a client can tell."""

from __future__ import annotations

from aiohttp import web

from monitor.metrics import Refusal

SOURCE = "genmedia-monitor"
SOURCE_HEADER = "X-Genmedia-Monitor"


class Refused(Exception):  # noqa: N818 - no error of ours
    """A request that is sent nowhere. `reason` is a label value from a closed set, `text` is for the user."""

    def __init__(self, status: int, reason: Refusal, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.text = text


def own_answer(status: int, reason: str, text: str) -> web.Response:
    """An answer that says, in a header and in its JSON, that it comes from the gateway."""
    document = {"error": text, "source": SOURCE}
    return web.json_response(document, status=status, headers={SOURCE_HEADER: reason})
