"""Our own requests to a provider."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
from msgspec.structs import replace

from monitor.config import Account
from monitor.http.clients import Clients, is_from_proxy, problem_of
from monitor.http.inflate import BrokenCodingError, Inflater, UndecodedError
from monitor.http.network import Network
from monitor.providers.base import Provider
from monitor.providers.http import Call, Exchange, Failure
from monitor.runtime.clock import Clock

TIMEOUT_SECONDS = 30.0
MOST_BODY_BYTES = 1024 * 1024


class Vendor:
    """Sends calls with an account's key and returns exchanges. Whatever goes wrong on the wire is in the exchange."""

    def __init__(self, clients: Clients, network: Network, providers: Mapping[str, Provider], clock: Clock) -> None:
        self._clients = clients
        self._network = network
        self._providers = providers
        self._clock = clock

    def provider(self, account: Account) -> Provider:
        """The account's provider."""
        return self._providers[account.provider]

    async def exchange(self, account: Account, call: Call) -> Exchange:
        """Send the call and read the answer, within 30 s and up to 1 MiB."""
        started_at = self._clock.now()
        empty = Exchange(
            account=account.name,
            method=call.method,
            path=call.path,
            route=self.provider(account).route(call.method, call.path),
            request_items=call.items,
            started_at=started_at,
            duration_seconds=0.0,
            by_client=False,
        )
        answered = await self._answer(account, call, empty)
        return replace(answered, duration_seconds=max(0.0, self._clock.now() - started_at))

    async def _answer(self, account: Account, call: Call, exchange: Exchange) -> Exchange:
        headers = self.provider(account).headers(account.api_key.get_secret_value())
        # Small replies gain nothing by compression.
        headers["Accept-Encoding"] = "identity"
        way = self._network.way(account.base_url, account.proxy, account.ca)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                request = self._clients.on(way).stream(
                    call.method, account.base_url + call.path, headers=headers, json=call.json
                )
                async with request as response:
                    if is_from_proxy(response, way):
                        problem = f"the proxy {way.proxy} wants other credentials"
                        return replace(exchange, failure=Failure.UNREACHABLE, problem=problem)
                    exchange = replace(exchange, status=response.status_code, response_headers=dict(response.headers))
                    body, failure = await _read(response)
                    return replace(exchange, body=body, failure=failure)
        except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
            problem = problem_of(error, way, account.base_url)
            return replace(exchange, failure=_failure_of(error, exchange), problem=problem)


def _failure_of(error: Exception, exchange: Exchange) -> Failure:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Failure.TIMEOUT
    return Failure.TRUNCATED if exchange.status else Failure.UNREACHABLE


async def _read(response: httpx.Response) -> tuple[bytes, Failure | None]:
    """The body within the bound, which also holds while a compressed body is inflated."""
    body, plain = bytearray(), Inflater(response.headers.get("Content-Encoding", ""))
    try:
        async for chunk in response.aiter_raw():
            for piece in plain.feed(chunk):
                body += piece
                if len(body) > MOST_BODY_BYTES:
                    return b"", Failure.TRUNCATED
    except (UndecodedError, BrokenCodingError):
        return b"", Failure.TRUNCATED
    return bytes(body), None
