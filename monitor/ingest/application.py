"""Delivery of a webhook to the application: one attempt, and in words why it failed.

This uses aiohttp instead of httpx because it must keep up with a burst at a tenth of the processor time.
"""

from __future__ import annotations

from io import BytesIO

import aiohttp
from yarl import URL

from monitor import __version__
from monitor.http.network import Way
from monitor.ingest.delivery_rows import Delivery

ANSWER_SECONDS = 10.0
LARGE_BYTES = 1024 * 1024
PROXY_WANTS_CREDENTIALS = 407
SUCCESS = range(200, 300)


class Sender:
    """Sends webhooks on. Its connections are not limited, so a slow application delays no other."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery, url: str, way: Way) -> str:
        """Send it once. Returns why the application has not taken it, empty if it has. The text hides the address."""
        headers = {"User-Agent": f"genmedia-monitor/{__version__}"}
        if delivery.content_type:
            headers["Content-Type"] = delivery.content_type
        body = delivery.body if len(delivery.body) < LARGE_BYTES else BytesIO(delivery.body)
        try:
            async with self._opened().post(
                URL(url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                ssl=way.tls,
                proxy=way.proxy,
                proxy_headers=way.proxy_headers,
            ) as response:
                return _problem_with(response.status, way)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _problem(error, way).replace(URL(url).host or url, "the application")

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                skip_auto_headers=("Content-Type",),
                trust_env=False,
            )
        return self._session


def _problem_with(status: int, way: Way) -> str:
    if way.proxy and status == PROXY_WANTS_CREDENTIALS:
        return f"the proxy {way.proxy} wants other credentials"
    return "" if status in SUCCESS else f"answered {status}"


def _problem(error: Exception, way: Way) -> str:
    match error:
        case TimeoutError():
            return "did not answer in time"
        case aiohttp.ClientConnectorCertificateError():
            return f"do not trust the application: {error.certificate_error}"
        case aiohttp.ClientProxyConnectionError():
            return f"cannot connect to the proxy {way.proxy}"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy {way.proxy} refused the way to the application: {error.status} {error.message}"
        case aiohttp.ClientConnectorError():
            return f"cannot connect to the application: {error.strerror or 'failed'}"
        case _:
            return type(error).__name__
