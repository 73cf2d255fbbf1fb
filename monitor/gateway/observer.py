"""Turns what passes into observations, and never lets a fault of its own touch the traffic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog
from aiohttp import ClientResponse
from multidict import CIMultiDict

from monitor.clock import Clock
from monitor.config import Account
from monitor.engine import Sink
from monitor.gateway.fields import FieldScanner
from monitor.gateway.replies import ReplyCopy
from monitor.metrics import Own, Stage
from monitor.providers.base import Exchange, Failure, Provider

SOURCE = "gateway"
SECONDS_BETWEEN_LOG_LINES = 60.0
ERRORS_FROM = 400
# All that a decoder sees of a request's headers: nothing that opens anything.
SHOWN_HEADERS = ("x-stainless-retry-count", "content-type", "user-agent")

log = structlog.get_logger()
Result = TypeVar("Result")


class Observer:
    """Runs the parts of observing that may throw; each fault is counted by its stage and logged once in a while."""

    def __init__(self, sink: Sink, own: Own, clock: Clock) -> None:
        self._sink = sink
        self._own = own
        self.clock = clock
        self._logged_at: dict[str, float] = {}

    def attempt(self, stage: Stage, work: Callable[[], Result]) -> Result | None:
        """The result of `work`, None when it throws."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the traffic goes on
            self._failed(stage, error)
            return None

    def ended(self, provider: Provider, exchange: Exchange) -> None:
        """Hand on what the exchange says."""
        observations = self.attempt("decode", lambda: provider.decode(exchange))
        if observations:
            self.attempt("sink", lambda: self._sink.put(observations, SOURCE))

    def _failed(self, stage: Stage, error: Exception) -> None:
        """Count and log, with no text of the error: it may quote a header or a body."""
        self._own.observer_errors.labels(stage).inc()
        now = self.clock.now()
        if stage not in self._logged_at or abs(now - self._logged_at[stage]) >= SECONDS_BETWEEN_LOG_LINES:
            self._logged_at[stage] = now
            log.warning("observer.failed", stage=stage, error=type(error).__name__)


class Watch:
    """Follows one exchange. It is shown everything that passes, and no method of it raises.

    `failure` is set where the exchange has no whole answer.
    """

    def __init__(self, observer: Observer, account: Account, provider: Provider, method: str, path: str) -> None:
        self._observer = observer
        self._account = account
        self._provider = provider
        self._method = method
        self._path = path
        self._started_at = observer.clock.now()
        self._route = observer.attempt("route", lambda: provider.route(method, path))
        wanted = self._route.model_fields if self._route else ()
        self._scanner = FieldScanner(wanted) if wanted else None
        self._response: ClientResponse | None = None
        self._copy: ReplyCopy | None = None
        self.failure: Failure | None = None

    def request_bytes(self, chunk: bytes) -> None:
        """The next bytes of the request's body pass."""
        scanner = self._scanner
        if scanner is not None and scanner.wants_more:
            self._observer.attempt("fields", lambda: scanner.feed(chunk))

    def response_head(self, response: ClientResponse) -> None:
        """The answer begins."""
        self._response = response
        if self._route is not None and (self._route.reads_reply or response.status >= ERRORS_FROM):
            self._copy = ReplyCopy()

    def response_bytes(self, chunk: bytes) -> None:
        """The next bytes of the answer's body pass."""
        if self._copy is not None:
            self._copy.add(chunk)

    def end(self, request_headers: Mapping[str, str]) -> None:
        """The exchange is over: say what it was."""
        exchange = self._observer.attempt("exchange", lambda: self._exchange(request_headers))
        if exchange is not None:
            self._observer.ended(self._provider, exchange)

    def _exchange(self, request_headers: Mapping[str, str]) -> Exchange | None:
        if self._route is None:
            return None
        response = self._response
        return Exchange(
            account=self._account.name,
            method=self._method,
            path=self._path,
            route=self._route,
            started_at=self._started_at,
            duration_seconds=max(0.0, self._observer.clock.now() - self._started_at),
            request_headers=_shown(request_headers),
            request_fields=self._scanner.found if self._scanner else {},
            status=response.status if response else None,
            response_headers=response.headers if response else {},
            body=self._body(),
            failure=self.failure,
        )

    def _body(self) -> bytes:
        copy, response = self._copy, self._response
        if copy is None or response is None:
            return b""
        return self._observer.attempt("reply", lambda: copy.body(response.headers.get("Content-Encoding", ""))) or b""


def _shown(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict([(name, headers[name]) for name in SHOWN_HEADERS if name in headers])
