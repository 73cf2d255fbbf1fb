"""The daemon's own HTTP clients, one for each way out, and what an httpx error means."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from monitor.http.network import Way
from monitor.runtime.descriptors import is_own_shortage

TIMEOUT_SECONDS = 30.0
MOST_IDLE = 100
PROXY_WANTS_CREDENTIALS = 407


class Clients:
    """Opens a client for each way out when it is first needed.

    A client follows no redirect, so that a key goes only to the configured origin. It keeps no cookie, so that nothing
    of one account goes with another's key. It does not limit connections, so that a slow peer delays no other.
    """

    def __init__(self) -> None:
        self._open: dict[Way, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Clients:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def on(self, way: Way) -> httpx.AsyncClient:
        """The client for this way out."""
        if way not in self._open:
            self._open[way] = _open(way)
        return self._open[way]

    async def aclose(self) -> None:
        """Close all clients."""
        for client in self._open.values():
            await client.aclose()


def _open(way: Way) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=TIMEOUT_SECONDS,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=MOST_IDLE),
        proxy=None if way.proxy is None else httpx.Proxy(way.proxy, headers=way.proxy_headers),
        verify=way.tls,
        trust_env=False,
    )


def is_from_proxy(response: httpx.Response, way: Way) -> bool:
    """Whether the proxy itself answered a request without TLS: only a proxy asks for a proxy's credentials."""
    return way.proxy is not None and response.status_code == PROXY_WANTS_CREDENTIALS


def problem_of(error: Exception, way: Way, peer: str) -> str:
    """What went wrong on the wire, in words. `peer` is the name of the other side."""
    match error:
        case TimeoutError() | httpx.TimeoutException():
            return f"{peer} did not answer in time" + (f", through the proxy {way.proxy}" if way.proxy else "")
        case httpx.ProxyError():
            return f"the proxy {way.proxy} refused the way to {peer}: {error}"
        case httpx.ConnectError() if "SSL" in str(error) or "certificate" in str(error):
            return f"do not trust {peer}: {error}"
        case httpx.ConnectError() | OSError():
            why = ": this machine has no file descriptor, port or memory left" if _is_short(error) else ""
            return f"cannot connect to {'the proxy ' + way.proxy if way.proxy else peer}{why}"
        case httpx.InvalidURL():
            return f"{peer} has no usable host name"
        case _:
            through = f" through the proxy {way.proxy}" if way.proxy else ""
            return f"the connection to {peer}{through} broke: {type(error).__name__}"


def _is_short(error: BaseException | None) -> bool:
    """Whether an error of httpx wraps a shortage on this machine."""
    if isinstance(error, OSError) and is_own_shortage(error):
        return True
    return error is not None and _is_short(error.__cause__ or error.__context__)
