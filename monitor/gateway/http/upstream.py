"""Sends each request to its provider: once, and as it came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import ClientRequest, ClientResponse
from multidict import CIMultiDict
from yarl import URL

from monitor.gateway.http.head_repair import UnreadableHead
from monitor.gateway.http.provider_connection import ProviderConnection
from monitor.gateway.http.upload import Upload
from monitor.http.aiohttp_internals import PatientRequest, ReplyConnector
from monitor.http.network import Way
from monitor.providers.http import Failure
from monitor.runtime.descriptors import is_own_shortage, provider_socket

READ_BUFFER_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 64 * 1024
MOST_HEADERS = 256
MOST_ANSWER_HEADERS = 2000
SWITCHING_PROTOCOLS = 101
PROXY_WANTS_CREDENTIALS = 407
# They are raised before the first byte of the request goes to the provider.
UNSENT = (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)


class ProviderFailure(Exception):  # noqa: N818 - no error of ours
    """The provider gave no reply, or broke one off. `text` says why, for the user.

    `is_unsent` says that the provider cannot have seen the request.
    """

    def __init__(self, failure: Failure, text: str, *, is_unsent: bool = False) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text
        self.is_unsent = is_unsent


class OwnShortage(Exception):  # noqa: N818 - no error of ours
    """This machine lacks a file descriptor, port or memory for a connection. Nothing was sent."""


def open_session(connect_timeout: float, timeout: float) -> aiohttp.ClientSession:
    """Open a client that adds no header, follows no redirect, keeps no cookie and does not limit connections."""
    return aiohttp.ClientSession(
        connector=ReplyConnector(ProviderConnection, limit=0, socket_factory=provider_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_timeout, sock_read=timeout),
        # The session adds it after `send` has replaced the headers.
        skip_auto_headers=("Content-Type",),
        request_class=PatientRequest,
        auto_decompress=False,
        trust_env=False,
        read_bufsize=READ_BUFFER_BYTES,
        max_line_size=LONGEST_LINE_BYTES,
        max_field_size=LONGEST_LINE_BYTES,
        max_headers=MOST_ANSWER_HEADERS,
    )


async def send(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    way: Way,
    headers: CIMultiDict[str],
    upload: Upload | None,
    expects_continue: bool,
    upgrades: bool = False,
) -> ClientResponse:
    """Send one request once, and return the reply as soon as its head has come; 101 only if the request `upgrades`.

    Raises:
        ProviderFailure: no reply came.
        OwnShortage: this machine could not open a connection.
    """
    # aiohttp needs the length to frame the body. What goes out is `headers` and nothing else.
    framing = {"Content-Length": headers["Content-Length"]} if "Content-Length" in headers else None
    if upload is not None and framing is None:
        headers["Transfer-Encoding"] = "chunked"
    response = await session.request(
        method,
        url,
        data=upload,
        headers=framing,
        ssl=way.tls,
        proxy=way.proxy,
        proxy_headers=way.proxy_headers,
        expect100=expects_continue,
        allow_redirects=False,
        middlewares=(_as_it_came(headers, way),),
    )
    if way.proxy and response.status == PROXY_WANTS_CREDENTIALS:
        response.close()
        raise ProviderFailure(Failure.UNREACHABLE, f"the proxy {way.proxy} wants other credentials", is_unsent=True)
    if response.status == SWITCHING_PROTOCOLS and not upgrades:
        response.close()
        raise ProviderFailure(Failure.TRUNCATED, f"{url.origin()} switched protocols unasked")
    return response


Handler = Callable[[ClientRequest], Awaitable[ClientResponse]]


def _as_it_came(headers: CIMultiDict[str], way: Way) -> Callable[[ClientRequest, Handler], Awaitable[ClientResponse]]:
    """A client middleware that sets the exact headers, and translates every exception of aiohttp.

    The session sends an idempotent request again when a kept connection turns out to be dead. It does so only for
    aiohttp's own exceptions, so none of them may leave the middleware.
    """

    async def send_exactly(request: ClientRequest, handler: Handler) -> ClientResponse:
        request.headers = headers
        if way.proxy and not request.is_ssl():
            headers.update(way.proxy_headers)
        try:
            return await handler(request)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and is_own_shortage(error):
                raise OwnShortage from error
            raise provider_failure(error, request.url.origin(), way.proxy) from error

    return send_exactly


def provider_failure(error: Exception, origin: URL, proxy: str | None) -> ProviderFailure:
    """What an exception of aiohttp means."""
    through = f" through the proxy {proxy}" if proxy else ""
    failure, text = Failure.UNREACHABLE, f"{origin} closed the connection without an answer{through}"
    match error:
        case aiohttp.ConnectionTimeoutError():
            failure, text = Failure.TIMEOUT, f"{origin} did not accept a connection in time{through}"
        case TimeoutError():
            failure, text = Failure.TIMEOUT, f"{origin} sent or took no byte in time"
        case aiohttp.ClientConnectorCertificateError():
            text = f"do not trust {origin}: {error.certificate_error}"
        case aiohttp.ClientProxyConnectionError():
            text = f"cannot connect to {origin}{through}, which does not answer: {error.strerror or 'failed'}"
        case aiohttp.ClientHttpProxyError():
            text = f"cannot connect to {origin}{through}, which answered {error.status} {error.message}"
        case aiohttp.ClientConnectorError():
            text = f"cannot connect to {origin}: {error.strerror or 'failed'}"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            failure, text = Failure.TRUNCATED, f"{origin} answered with {_strangeness(error)}"
    return ProviderFailure(failure, text, is_unsent=isinstance(error, UNSENT))


def _strangeness(error: aiohttp.ClientError) -> str:
    """What is wrong with a reply, without quoting more of it than its status."""
    parsing = error.__cause__
    why = parsing.__cause__ if parsing is not None else None
    return str(why) if isinstance(why, UnreadableHead) else "something that is not HTTP"


async def next_chunk(response: ClientResponse) -> bytes:
    """The next bytes of the reply's body, empty at its end.

    Raises:
        ProviderFailure: the reply broke off.
    """
    try:
        return await response.content.readany()
    except TimeoutError as error:
        raise ProviderFailure(Failure.TIMEOUT, "the answer stopped coming") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ProviderFailure(Failure.TRUNCATED, "the answer broke off") from error
