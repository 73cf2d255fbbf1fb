"""Follows one HTTP exchange beside the traffic, and publishes what it was."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import ClientResponse
from multidict import CIMultiDict, CIMultiDictProxy

from monitor.config import Account
from monitor.gateway.observe.observer import Observer
from monitor.gateway.observe.request_body import RequestBody
from monitor.gateway.target import Target
from monitor.http.body_copies import CutCopy, EventCopy, ReplyCopy
from monitor.http.inflate import BrokenCodingError, content_codings
from monitor.providers.base import Provider
from monitor.providers.http import EVENT_STREAM, UNKNOWN_ENDPOINT, Exchange, Failure, Route, media_type

ERRORS_FROM = 400
# The request headers that a decoder sees; none of them is a credential.
SHOWN_HEADERS = ("x-stainless-retry-count", "content-type", "user-agent")


class ExchangeObserver:
    """Follows one HTTP exchange. It is shown everything that passes. No method raises.

    `failure` is set if the exchange has no whole reply.
    """

    def __init__(
        self,
        observer: Observer,
        account: Account,
        provider: Provider,
        method: str,
        target: Target,
        headers: CIMultiDictProxy[str],
    ) -> None:
        self._observer = observer
        self._account = account
        self._provider = provider
        self._method = method
        self._path = target.path
        self._is_dry_run = observer.attempt("route", provider.is_dry_run, target.query) or False
        self._started_at = observer.clock.now()
        self._route = observer.attempt("route", provider.route, method, target.path)
        self._request = None if self._route is None else RequestBody(self._route, content_codings(headers))
        self._reads_request = True
        self._response: ClientResponse | None = None
        self._copy: ReplyCopy | CutCopy | EventCopy | None = None
        self._is_unread = False
        self.failure: Failure | None = None

    @property
    def may_create(self) -> bool:
        """Whether the request is known to ask for a generation, or may, as a POST to an unknown path does."""
        route, request = self._route, self._request
        if route is None or request is None or self._method != "POST" or self._is_dry_run:
            return False
        is_known = route.endpoint != UNKNOWN_ENDPOINT
        return not is_known or bool(self._observer.attempt("route", self._provider.creates, route, request.items))

    @property
    def may_pay_twice(self) -> bool:
        """Whether the request may create and names no task, so that the provider would take a retry for a new one."""
        request, name = self._request, self._provider.named_tasks
        return request is not None and self.may_create and not self._observer.attempt("route", name, request.items)

    async def request_bytes(self, chunk: bytes) -> None:
        """The next bytes of the request's body pass."""
        if self._request is not None and self._reads_request:
            try:
                await self._observer.turns.do(self._request.add(chunk))
            except Exception as error:  # noqa: BLE001 - whatever it is, the traffic goes on
                self._reads_request = False
                self._observer.failed("fields", error)

    def response_head(self, response: ClientResponse) -> None:
        """The reply begins."""
        self._response = response
        if self._route is not None:
            self._copy = _copy(self._route, self._provider, response)

    async def response_bytes(self, chunk: bytes) -> None:
        """The next bytes of the reply's body pass."""
        if self._copy is not None and chunk:
            try:
                await self._observer.turns.do(self._copy.add(chunk))
            except Exception as error:  # noqa: BLE001 - whatever it is, the traffic goes on
                self._give_up(error)

    def was_not_sent(self) -> None:
        """The request was not sent, for want of resources here. There is no exchange to publish."""
        self._route = None

    def end(self, request_headers: Mapping[str, str]) -> None:
        """The exchange is over. Publish what it was."""
        exchange = self._observer.attempt("exchange", self._exchange, request_headers)
        if exchange is not None:
            seen = self._observer.attempt("decode", self._provider.decode, exchange)
            self._observer.publish(seen or (), is_dry_run=self._is_dry_run)

    def _exchange(self, request_headers: Mapping[str, str]) -> Exchange | None:
        if self._route is None or self._request is None:
            return None
        response, body = self._response, self._body()
        items = self._request.items
        named = () if self._is_dry_run else self._provider.named_tasks(items)
        shown = CIMultiDict([(name, request_headers[name]) for name in SHOWN_HEADERS if name in request_headers])
        return Exchange(
            account=self._account.name,
            method=self._method,
            path=self._path,
            route=self._route,
            started_at=self._started_at,
            duration_seconds=max(0.0, self._observer.clock.now() - self._started_at),
            request_headers=shown,
            request_fields=self._request.fields,
            request_items=items,
            repeated=self._observer.retries.repeated(self._account.name, named, self._started_at),
            status=response.status if response else None,
            response_headers=response.headers if response else {},
            body=body,
            is_unread=self._is_unread,
            failure=self.failure,
        )

    def _body(self) -> bytes:
        copy, response = self._copy, self._response
        if copy is None or response is None:
            return b""
        try:
            return copy.body(content_codings(response.headers)) if isinstance(copy, ReplyCopy) else copy.body()
        except Exception as error:  # noqa: BLE001 - whatever it is, the traffic goes on
            self._give_up(error)
            return b""

    def _give_up(self, error: Exception) -> None:
        """Drop the copy of the reply: we cannot read it, or nobody can."""
        self._copy = None
        self._is_unread = not isinstance(error, BrokenCodingError)
        self._observer.failed("reply", error)


def _copy(route: Route, provider: Provider, response: ClientResponse) -> ReplyCopy | CutCopy | EventCopy | None:
    """The copy that keeps what the decoder needs of the reply's body, None if it needs nothing."""
    if media_type(response.headers) == EVENT_STREAM:
        return EventCopy(content_codings(response.headers), provider.keeps_event)
    if route.cuts_reply:
        return CutCopy(content_codings(response.headers))
    return ReplyCopy() if route.reads_reply or response.status >= ERRORS_FROM else None
