"""The gateway's listener, and the session to the providers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial

import aiohttp
from aiohttp import web

from monitor.config import Account, GatewayConfig
from monitor.engine.engine import Sink
from monitor.gateway.admission import admit
from monitor.gateway.forward import Forwarder
from monitor.gateway.http.upstream import LONGEST_LINE_BYTES, MOST_HEADERS, READ_BUFFER_BYTES, open_session
from monitor.gateway.observe.observer import Observer
from monitor.gateway.refusal import Refusals, Refused, own_answer, short_of_means
from monitor.http.aiohttp_internals import Runner
from monitor.http.listener import Answers, Connection, Handler, Listener
from monitor.http.network import Network
from monitor.metrics import SelfMetrics
from monitor.providers.base import Provider
from monitor.runtime import descriptors
from monitor.runtime.clock import Clock

# How long an idle client may keep one of the last file descriptors.
SHORT_SECONDS = 1.0
# RFC 9110, 9.2.2.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
Accounts = Callable[[], Mapping[str, Account]]


def build_gateway(
    accounts: Accounts,
    providers: Mapping[str, Provider],
    sink: Sink,
    own: SelfMetrics,
    clock: Clock,
    config: GatewayConfig,
    network: Network,
    shutdown_timeout: float = 60.0,
    allowed_hosts: Collection[str] = (),
) -> web.BaseRunner:
    """Return the gateway, ready for `setup()`. Then a site makes it listen, and `cleanup()` ends it.

    `accounts` returns the present accounts by name. `cleanup()` gives exchanges under way `shutdown_timeout` seconds to
    end. `allowed_hosts` are names of this machine that no web page can have rebound.
    """
    observer = Observer(sink, own, clock)
    return GatewayRunner(accounts, providers, observer, own, config, network, shutdown_timeout, allowed_hosts)


class GatewayRunner(Runner):
    """Owns the listener's connections and the session to the providers."""

    def __init__(
        self,
        accounts: Accounts,
        providers: Mapping[str, Provider],
        observer: Observer,
        own: SelfMetrics,
        config: GatewayConfig,
        network: Network,
        shutdown_timeout: float,
        allowed_hosts: Collection[str],
    ) -> None:
        super().__init__(shutdown_timeout=shutdown_timeout)
        self._accounts = accounts
        self._providers = providers
        self._observer = observer
        self._own = own
        self._config = config
        self._network = network
        self._allowed_hosts = allowed_hosts
        self._session: aiohttp.ClientSession | None = None
        self._forwarder: Forwarder | None = None

    async def open_server(self) -> web.Server:
        config = self._config
        self._session = open_session(config.connect_timeout, config.timeout)
        refusals = Refusals(self._own)
        self._forwarder = Forwarder(
            self._accounts,
            self._providers,
            self._observer,
            self._own,
            partial(admit, origins=config.allowed_origins, hosts=self._allowed_hosts),
            refusals,
            self._session,
            self._network,
            config.timeout,
        )
        return GatewayListener(self._forwarder.handle, refusals)

    async def shutdown(self) -> None:
        """End idle WebSockets, which do not end by themselves."""
        if self._forwarder is not None:
            self._forwarder.drain_sockets()

    async def close_server(self) -> None:
        if self._session is not None:
            await self._session.close()


class GatewayListener(Listener):
    """The gateway's listener. Only the process's file descriptors bound the number of its connections."""

    def __init__(self, handler: Handler, refusals: Refusals) -> None:
        super().__init__(
            "gateway",
            handler,
            own_answers(refusals),
            cancels=True,
            read_bufsize=READ_BUFFER_BYTES,
            max_line_size=LONGEST_LINE_BYTES,
            max_field_size=LONGEST_LINE_BYTES,
            max_headers=MOST_HEADERS,
        )
        self._refusals = refusals

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Accept a connection. On a reserved descriptor its requests are refused; on one of the last it is closed."""
        super().connection_made(handler, transport)
        left = descriptors.left_above(transport)
        if isinstance(handler, Connection):
            handler.is_short = left < descriptors.KEPT_BACK
            if handler.is_short:
                asyncio.get_running_loop().call_later(SHORT_SECONDS, self.close_if_idle, handler)
        if left < descriptors.LAST:
            self._refusals.answer(short_of_means())
            transport.abort()


def own_answers(refusals: Refusals) -> Answers:
    """The gateway's replies to what is not HTTP, and to requests on which it failed."""

    def malformed(status: int) -> web.Response:
        return refusals.counted(Refused(status, "malformed", "the request is not well-formed HTTP/1.1"))

    def failed(request: web.BaseRequest) -> web.Response:
        is_final = request.method not in IDEMPOTENT
        return own_answer(500, "internal", "the gateway failed; its log says why", is_final=is_final)

    return Answers(malformed, failed)
