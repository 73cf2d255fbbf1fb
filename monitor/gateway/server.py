"""The gateway's listener."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial

import aiohttp
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from monitor.clock import Clock
from monitor.config import Account, GatewayConfig
from monitor.engine.engine import Sink
from monitor.gateway.admission import admit
from monitor.gateway.forward import Forwarder
from monitor.gateway.listener import Listener
from monitor.gateway.observer import Observer
from monitor.gateway.refusal import Refusals, Refused, own_answer
from monitor.gateway.upstream import LONGEST_LINE_BYTES, MOST_HEADERS, READ_BUFFER_BYTES, open_session
from monitor.metrics import SelfMetrics
from monitor.network import Network
from monitor.providers.base import Provider

log = structlog.get_logger()
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
    """The gateway, ready for `setup()`; then a site makes it listen and `cleanup()` ends it.

    `accounts` gives the accounts by name as they are now. On `cleanup()` exchanges under way have `shutdown_timeout`
    seconds to end. `allowed_hosts` are host names of this machine that no web page can have rebound.
    """
    observer = Observer(sink, own, clock)
    return GatewayRunner(accounts, providers, observer, own, config, network, shutdown_timeout, allowed_hosts)


class GatewayRunner(web.BaseRunner):
    """Owns the listener's connections and the session to the vendors."""

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

    async def _make_server(self) -> web.Server:
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
        return Listener(
            self._forwarder.handle,
            self._own,
            lambda server, loop, _: GatewayConnection(server, loop, refusals),
            cancels=True,
        )

    async def shutdown(self) -> None:
        """Let go of WebSockets, which do not end by themselves."""
        if self._forwarder is not None:
            self._forwarder.drain_sockets()

    async def _cleanup_server(self) -> None:
        if self._session is not None:
            await self._session.close()


class GatewayConnection(web.RequestHandler):
    """One client's connection: bodies stay as they are, and every refusal is the gateway's own."""

    __slots__ = ("_refusals",)

    def __init__(self, manager: web.Server, loop: asyncio.AbstractEventLoop, refusals: Refusals) -> None:
        super().__init__(
            manager,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,
            read_bufsize=READ_BUFFER_BYTES,
            max_line_size=LONGEST_LINE_BYTES,
            max_field_size=LONGEST_LINE_BYTES,
            max_headers=MOST_HEADERS,
        )
        self._refusals = refusals

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a body that turns out malformed fails at once."""
        super().data_received(data)
        under_way = self._current_request
        # What follows a body that has not ended can only be a parser's error; the body would wait for its end for ever.
        if self._messages and under_way is not None and not under_way.content.is_eof():
            under_way.content.set_exception(web.RequestPayloadError("malformed"))
            under_way.content.feed_eof()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - the base class's
        """End; what is under way has `timeout` seconds. The library waits so long for it twice."""
        await super().shutdown(None if timeout is None else timeout / 2)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """The answer to a request that is not HTTP, or that the gateway failed to handle."""
        if isinstance(exc, HttpProcessingError):
            return self._refusals.answer(Refused(status, "malformed", "the request is not well-formed HTTP/1.1"))
        log.error("gateway.failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of the answer is sent already")
        may_repeat = request.method in IDEMPOTENT
        answer = own_answer(500, "internal", "the gateway failed; its log says why", None if may_repeat else {})
        answer.force_close()
        return answer
