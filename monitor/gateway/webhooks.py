"""The listener that vendors call when a task has ended: `POST /ACCOUNT/SECRET`.

What comes is observed, and kept until the application has taken it; only then the vendor is told that it arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from hmac import compare_digest

import structlog
from aiohttp import web

from monitor.clock import Clock
from monitor.config import Account
from monitor.engine import Engine
from monitor.errors import StoreError
from monitor.gateway.replies import CutCopy
from monitor.metrics import Own
from monitor.model import AnyObservation
from monitor.providers.base import Provider
from monitor.store import deliveries

SOURCE = "webhook"
LARGEST_BODY_BYTES = 32 * 2**20
MOST_AT_ONCE = 16
READ_SECONDS = 30.0
RETRY_SECONDS = "30"

log = structlog.get_logger()


class Webhooks:
    """Takes webhooks in, sixteen at once; others wait. `accounts` gives the configured accounts by name."""

    def __init__(
        self,
        accounts: Callable[[], Mapping[str, Account]],
        providers: Mapping[str, Provider],
        engine: Engine,
        own: Own,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._providers = providers
        self._engine = engine
        self._own = own
        self._clock = clock
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def runner(self, shutdown_timeout: float) -> web.AppRunner:
        """The listener, ready for `setup()`."""
        app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        app.router.add_route("*", "/{rest:.*}", self.handle)
        return web.AppRunner(app, access_log=None, shutdown_timeout=shutdown_timeout)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """200 once it is kept; 503 when it cannot be, and then the vendor sends it again."""
        account = self._account(request.path)
        if account is None or request.method != "POST":
            self._own.webhooks.labels("", "unknown").inc()
            return web.Response(status=404, headers={"Connection": "close"})
        try:
            async with self._room:
                is_kept = await self._keep(account, request)
        except StoreError:
            return web.Response(status=503, headers={"Retry-After": RETRY_SECONDS})
        except web.HTTPRequestEntityTooLarge:
            self._own.webhooks.labels(account.name, "refused").inc()
            raise
        except TimeoutError:
            return web.Response(status=408, headers={"Connection": "close"})
        self._own.webhooks.labels(account.name, "received" if is_kept else "refused").inc()
        return web.Response() if is_kept else web.Response(status=503, headers={"Retry-After": RETRY_SECONDS})

    async def _keep(self, account: Account, request: web.Request) -> bool:
        """Observe and store it; whether there was room for it.

        Raises:
            HTTPRequestEntityTooLarge: its body is.
            TimeoutError: its body does not come.
            StoreError: the store does not work.
        """
        async with asyncio.timeout(READ_SECONDS):
            body = await request.read()
        now, content_type = self._clock.now(), request.headers.get("Content-Type", "")
        content_type = content_type if content_type.isascii() else ""
        await self._engine.submit(self._told(account, body, now), SOURCE)
        return await self._engine.write(
            "webhook", lambda connection: deliveries.add(connection, account.name, content_type, body, now)
        )

    def _account(self, path: str) -> Account | None:
        """The account that the path names, if it also knows its secret."""
        name, _, secret = path.removeprefix("/").partition("/")
        account = self._accounts().get(name)
        if account is None or account.webhook is None:
            return None
        wanted = account.webhook.secret.get_secret_value()
        return account if compare_digest(secret.encode(errors="replace"), wanted.encode()) else None

    def _told(self, account: Account, body: bytes, now: float) -> list[AnyObservation]:
        """What it says, nothing where we fail to read it: the application may understand it."""
        copy = CutCopy("")
        try:
            copy.add(body)
            return self._providers[account.provider].decode_webhook(account.name, copy.body(), now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the webhook goes on
            self._own.observer_errors.labels("decode").inc()
            log.warning("observer.failed", stage="decode", error=type(error).__name__)
            return []
