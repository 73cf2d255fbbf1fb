"""Takes requests in, passes them on, and answers in the provider's place only when the provider does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import aiohttp
from aiohttp import HttpVersion11, web
from multidict import CIMultiDict
from yarl import URL

from monitor.config import Account
from monitor.gateway.http.headers import request_headers
from monitor.gateway.http.reply import AlreadySent, Relay
from monitor.gateway.http.upload import Upload
from monitor.gateway.http.upstream import SWITCHING_PROTOCOLS, OwnShortage, ProviderFailure, send
from monitor.gateway.observe.exchange import ExchangeObserver
from monitor.gateway.observe.observer import Observer
from monitor.gateway.refusal import Refusals, Refused, own_answer, short_of_means
from monitor.gateway.target import Target, parse_target
from monitor.gateway.websocket.observer import SocketObserver
from monitor.gateway.websocket.passthrough import UPGRADE_FIELDS, Upgraded, WebSocketPassthrough, wants_socket
from monitor.http.network import Network, Way
from monitor.metrics import SelfMetrics
from monitor.providers.base import Provider
from monitor.providers.http import Failure
from monitor.runtime.logs import redact

BAD_GATEWAY = 502
GATEWAY_TIMEOUT = 504


class Forwarder:
    """Passes each request to the provider of the account that its path names."""

    def __init__(
        self,
        accounts: Callable[[], Mapping[str, Account]],
        providers: Mapping[str, Provider],
        observer: Observer,
        own: SelfMetrics,
        admit: Callable[[web.BaseRequest], None],
        refusals: Refusals,
        session: aiohttp.ClientSession,
        network: Network,
        timeout: float,
    ) -> None:
        self._accounts = accounts
        self._providers = providers
        self._observer = observer
        self._own = own
        self._admit = admit
        self._refusals = refusals
        self._session = session
        self._network = network
        self._timeout = timeout
        self._sockets: set[WebSocketPassthrough] = set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        try:
            self._admit(request)
            target = parse_target(request.raw_path)
            account = self._account(target)
            is_socket = bool(account.ws_url) and wants_socket(request)
            origin = account.ws_url if is_socket else account.base_url
            url = URL(origin).with_path(target.path + target.query, encoded=True)
            headers = request_headers(request.raw_headers, url.host_port_subcomponent or "")
        except Refused as refused:
            return self._refusals.answer(refused)
        provider = self._providers[account.provider]
        exchange = ExchangeObserver(self._observer, account, provider, request.method, target, request.headers)
        in_flight = self._own.in_flight.labels(provider.name, account.name)
        if is_socket:
            headers.update(UPGRADE_FIELDS)
        with in_flight.track_inprogress():
            way = self._network.way(origin, account.proxy, account.ca)
            answer = await self._observed(request, url, way, headers, exchange)
        if isinstance(answer, Upgraded):
            extensions = answer.response.headers.get("Sec-WebSocket-Extensions", "")
            socket_observer = SocketObserver(self._observer, account, provider, target.query, extensions, in_flight)
            return await self._passed(WebSocketPassthrough(request, answer.response, socket_observer))
        return answer

    def drain_sockets(self) -> None:
        """Let each WebSocket end once no request on it awaits an answer."""
        for socket in tuple(self._sockets):
            socket.drain()

    async def _passed(self, socket: WebSocketPassthrough) -> web.StreamResponse:
        self._sockets.add(socket)
        try:
            await socket.run()
        finally:
            self._sockets.discard(socket)
        return AlreadySent(keep_alive=False)

    def _account(self, target: Target) -> Account:
        try:
            return self._accounts()[target.account]
        except KeyError:
            # A key in the wrong place must not come back in an answer, which somebody may log.
            name = redact(target.account)
            text = f"no account is called '{name}'; a path begins with the name of a configured account"
            raise Refused(404, "account", text) from None

    async def _observed(
        self, request: web.BaseRequest, url: URL, way: Way, headers: CIMultiDict[str], exchange: ExchangeObserver
    ) -> web.StreamResponse:
        try:
            return await self._exchange(request, url, way, headers, exchange)
        except asyncio.CancelledError:
            exchange.failure = Failure.CLIENT_GONE
            raise
        except ConnectionError:
            exchange.failure = Failure.CLIENT_GONE
            return AlreadySent(keep_alive=False)
        finally:
            exchange.end(request.headers)

    async def _exchange(
        self, request: web.BaseRequest, url: URL, way: Way, headers: CIMultiDict[str], exchange: ExchangeObserver
    ) -> web.StreamResponse:
        expects = request.version >= HttpVersion11 and headers.get("Expect", "").lower() == "100-continue"
        upload = None
        if request.body_exists:
            client = request.writer if expects else None
            upload = Upload(request.content, client, exchange.request_bytes, self._timeout)
        try:
            waits, upgrades = expects and upload is not None, "Upgrade" in headers
            response = await send(self._session, request.method, url, way, headers, upload, waits, upgrades)
        except OwnShortage:
            exchange.was_not_sent()
            return self._refusals.answer(short_of_means())
        except ProviderFailure as failure:
            return await self._unanswered(failure, upload, exchange)
        exchange.response_head(response)
        if response.status == SWITCHING_PROTOCOLS:
            return Upgraded(response)
        unread = expects and upload is not None and not upload.started
        relay = Relay(request, response, bool(request.keep_alive) and not unread, holds=exchange.may_pay_twice)
        return await self._relay(relay, response, exchange)

    async def _unanswered(
        self, failure: ProviderFailure, upload: Upload | None, exchange: ExchangeObserver
    ) -> web.Response:
        if upload is not None and upload.broken:
            exchange.failure = Failure.CLIENT_GONE
            return self._refusals.answer(Refused(400, "body", "the request's body is malformed"))
        is_unsent = failure.is_unsent or (upload is not None and not upload.started)
        if upload is not None and not upload.started:
            await upload.show_buffered()
        exchange.failure = failure.failure
        return provider_failed(failure, is_final=not is_unsent and exchange.may_pay_twice)

    async def _relay(
        self, relay: Relay, response: aiohttp.ClientResponse, exchange: ExchangeObserver
    ) -> web.StreamResponse:
        try:
            await relay.run(exchange.response_bytes)
        except ProviderFailure as broken:
            response.close()
            exchange.failure = broken.failure
            if not relay.begun:
                return provider_failed(broken, is_final=exchange.may_pay_twice)
            relay.break_off()
        except BaseException:
            response.close()
            raise
        return AlreadySent(relay.keep_alive)


def provider_failed(failure: ProviderFailure, *, is_final: bool) -> web.Response:
    """The reply in the provider's place; `is_final` as in `own_answer`."""
    status = GATEWAY_TIMEOUT if failure.failure is Failure.TIMEOUT else BAD_GATEWAY
    return own_answer(status, failure.failure, failure.text, is_final=is_final)
