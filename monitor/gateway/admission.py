"""Decides which requests are passed on: those whose framing means the same to every server on the way."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import HttpVersion10, HttpVersion11, web

from monitor.gateway.refusal import Refused, short_of_means
from monitor.http.browsers import may_pass

# CONNECT asks for a tunnel. TRACE returns what proxies on the way added, and each must decrement its Max-Forwards.
NOT_PASSED_ON = frozenset({"CONNECT", "TRACE"})


def admit(request: web.BaseRequest, origins: Collection[str], hosts: Collection[str]) -> None:
    """Admit a request. A web page's is admitted if its origin is among `origins`; `hosts` are this machine's names.

    Raises:
        Refused: the request cannot be passed on as it came (RFC 9110, 9.3.6 and 15.6.6; RFC 9112, 6.1).
    """
    if getattr(request.protocol, "is_short", False):
        raise short_of_means()
    if request.method in NOT_PASSED_ON:
        raise Refused(405, "method", f"{request.method} is not passed on")
    if request.version not in (HttpVersion10, HttpVersion11):
        raise Refused(505, "malformed", "the request must be HTTP/1.1 or HTTP/1.0")
    if not may_pass(request.headers, origins, hosts):
        raise Refused(403, "browser", "requests of web pages are refused unless gateway.allowed_origins names the page")
    coding = request.headers.get("Transfer-Encoding")
    if coding is None:
        return
    if request.version == HttpVersion10:
        raise Refused(400, "malformed", "HTTP/1.0 has no Transfer-Encoding")
    if coding.lower() != "chunked":
        raise Refused(501, "coding", "no transfer coding but chunked is passed on")
