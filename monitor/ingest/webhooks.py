"""The listener that providers call when a task ends: `POST /ACCOUNT/SECRET`, with any slashes around and any query.

A webhook is observed and stored, and only then is the provider told that it arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from hmac import compare_digest

import structlog
from aiohttp import web

from monitor.config import Account
from monitor.engine.engine import Engine
from monitor.errors import StoreError
from monitor.http.bodies import Bodies, BodyTooLargeError, BrokenBodyError, NoRoomError, SlowBodyError
from monitor.http.body_copies import CutCopy
from monitor.http.inflate import BrokenCodingError, UndecodedError
from monitor.http.listener import Answers, Listener
from monitor.http.turns import Turns
from monitor.ingest import delivery_rows
from monitor.metrics import SelfMetrics
from monitor.observations import AnyObservation, Source
from monitor.providers.base import Provider
from monitor.providers.lenient import path_segments
from monitor.runtime.clock import Clock
from monitor.runtime.descriptors import most_connections

SOURCE: Source = "webhook"
LARGEST_BODY_BYTES = 32 * 2**20
MOST_AT_ONCE = 16
RETRY_SECONDS = "30"

log = structlog.get_logger()


class Webhooks:
    """Takes webhooks in, at most sixteen at a time. `accounts` gives the configured accounts by name."""

    def __init__(
        self,
        accounts: Callable[[], Mapping[str, Account]],
        providers: Mapping[str, Provider],
        engine: Engine,
        own: SelfMetrics,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._providers = providers
        self._engine = engine
        self._own = own
        self._clock = clock
        self._turns = Turns()
        self._bodies = Bodies(LARGEST_BODY_BYTES)
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def runner(self, shutdown_timeout: float) -> web.BaseRunner:
        """The listener, ready for `setup()`."""
        answers = Answers(self._malformed, lambda _: web.Response(status=500))
        listener = Listener("webhooks", self.handle, answers, most=most_connections())
        return web.ServerRunner(listener, shutdown_timeout=shutdown_timeout)

    def _malformed(self, status: int) -> web.Response:
        self._own.webhooks.labels("", "unknown").inc()
        return web.Response(status=status)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """200 once it is stored. 503 if it cannot be stored, and then the provider sends it again."""
        account = self._account(request.rel_url.raw_path)
        if account is None or request.method != "POST":
            self._own.webhooks.labels("", "unknown").inc()
            return _goodbye(404)
        answer = await self._taken(account, request)
        event = "received" if answer.status == web.HTTPOk.status_code else "refused"
        self._own.webhooks.labels(account.name, event).inc()
        return answer

    async def _taken(self, account: Account, request: web.BaseRequest) -> web.Response:
        try:
            async with self._room:
                is_kept = await self._keep(account, request)
        except StoreError:
            is_kept = False
        except NoRoomError:
            request.content.feed_eof()
            is_kept = False
        except BodyTooLargeError:
            return _goodbye(413)
        except UndecodedError:
            return _goodbye(415)
        except SlowBodyError:
            return _goodbye(408)
        except (BrokenBodyError, BrokenCodingError):
            return _goodbye(400)
        return web.Response() if is_kept else web.Response(status=503, headers={"Retry-After": RETRY_SECONDS})

    async def _keep(self, account: Account, request: web.BaseRequest) -> bool:
        """Observe and store it. Returns whether there was room for it.

        Raises:
            StoreError: the store does not work.
            Exception: as `Bodies.read`.
        """
        await _continue(request)
        async with self._bodies.read(request) as held:
            body = bytes(held)
            now, content_type = self._clock.now(), request.headers.get("Content-Type", "")
            content_type = content_type if content_type.isascii() else ""
            await self._engine.submit(await self._told(account, body, now), SOURCE)
            return await self._engine.write(
                "webhook", lambda connection: delivery_rows.add(connection, account.name, content_type, body, now)
            )

    def _account(self, path: str) -> Account | None:
        """The account that the path names, if the path has its secret."""
        name, *rest = path_segments(path) or ("",)
        account = self._accounts().get(name)
        if account is None or account.webhook is None or len(rest) != 1:
            return None
        [secret] = rest
        wanted = account.webhook.secret.get_secret_value()
        return account if compare_digest(secret.encode(errors="replace"), wanted.encode()) else None

    async def _told(self, account: Account, body: bytes, now: float) -> list[AnyObservation]:
        """The observations in it. Empty if it cannot be read: the application may still understand it."""
        copy = CutCopy("")
        try:
            await self._turns.do(copy.add(body))
            return self._providers[account.provider].decode_webhook(account.name, copy.body(), now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the webhook goes on
            self._own.observer_errors.labels("decode").inc()
            log.warning("observer.failed", stage="decode", error=type(error).__name__)
            return []


async def _continue(request: web.BaseRequest) -> None:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _goodbye(status: int) -> web.Response:
    """An answer after which the connection is closed."""
    answer = web.Response(status=status)
    answer.force_close()
    return answer
