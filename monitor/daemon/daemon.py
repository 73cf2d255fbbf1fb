"""The daemon: builds the parts, runs them in one process, and stops them in order."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from sqlalchemy import URL

from monitor.config import Account, Address, Config
from monitor.daemon.jobs import Jobs
from monitor.daemon.publisher import Publisher
from monitor.daemon.signals import Signals
from monitor.engine.apply import Catalogue
from monitor.engine.engine import Engine
from monitor.errors import ConfigError, ListenError, StoreInUseError, unexpected
from monitor.gateway import build_gateway
from monitor.http.listener import note_in_loop
from monitor.http.network import Network
from monitor.ingest.observations import Ingest
from monitor.ingest.webhooks import Webhooks
from monitor.judgement.credits.state import rules_of
from monitor.metrics import Exposition, SelfMetrics
from monitor.providers import PROVIDERS
from monitor.runtime.clock import Clock
from monitor.runtime.descriptors import raise_limit
from monitor.runtime.lean import give_back_large_blocks
from monitor.store import Database, default_file, state_folder
from monitor.web import WebRunner, build_web

GATEWAY_DRAIN_SECONDS = 3.0
COLLECT_DRAIN_SECONDS = 1.0
WEB_DRAIN_SECONDS = 0.5
# How long a start waits for the store before it goes on without.
STORE_SECONDS = 1.0
# How long a thread that commits or evaluates may keep the interpreter while a request waits; the default is 5 ms.
SWITCH_SECONDS = 0.0002
# How many new objects call for a collection: more than are on their way at any time, so that most are gone by then.
NEW_OBJECTS = 10_000
# What a reload cannot change, because listeners, the store and the schedule are built from it.
FIXED_KEYS = ("listen", "gateway", "webhooks", "store", "evaluate_interval", "retention", "allowed_hosts")

log = structlog.get_logger()


class Daemon:
    """Every part of the running monitor.

    `load` reads the configuration again. It is called in a thread, since a key command may take time.
    """

    def __init__(self, config: Config, load: Callable[[], Config], clock: Clock, database: Database) -> None:
        self._load = load
        self._clock = clock
        self._database = database
        registry = CollectorRegistry()
        self._own = SelfMetrics(registry)
        self._exposition = Exposition(registry)
        self._accounts: dict[str, Account] = {}
        self._adopt(config)
        self._reloading = asyncio.Lock()
        self._engine = Engine(database, self._catalogue_of, self._own, clock)
        self._publisher = Publisher(database, self._engine, lambda: self._accounts, self._exposition, self._own, clock)
        network = Network(os.environ)
        self._jobs = Jobs(
            database=database,
            engine=self._engine,
            evaluate=self._publisher.run,
            config=config,
            own=self._own,
            clock=clock,
            network=network,
        )
        self._gateway = build_gateway(
            lambda: self._accounts,
            PROVIDERS,
            self._engine,
            self._own,
            clock,
            config.gateway,
            network,
            shutdown_timeout=GATEWAY_DRAIN_SECONDS,
            allowed_hosts=config.allowed_hosts,
        )
        webhooks = Webhooks(lambda: self._accounts, PROVIDERS, self._engine, self._own, clock)
        self._webhooks = webhooks.runner(GATEWAY_DRAIN_SECONDS) if config.webhooks else None
        self._web = WebRunner(self._web_app(), shutdown_timeout=WEB_DRAIN_SECONDS)
        self._is_serving = False
        self.engine_run: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Daemon]:
        """Serve inside the block. Leaving it accepts no more traffic, ends what is under way and commits the queue.

        The operator listener answers until the end.

        Raises:
            ListenError: an address cannot be bound.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._web.cleanup)
            self.engine_run = asyncio.create_task(self._engine.run())
            stack.push_async_callback(self._stop_engine)
            stack.push_async_callback(self._jobs.drain, COLLECT_DRAIN_SECONDS)
            stack.push_async_callback(self._gateway.cleanup)
            await _listen(self._web, self._config.listen, "listen")
            await _listen(self._gateway, self._config.gateway.listen, "gateway.listen")
            await self._listen_for_webhooks(stack)
            self._note_reload()
            await self._engine.first_attempt(STORE_SECONDS)
            self._jobs.start(self._accounts.values())
            self._is_serving = True
            stack.callback(self._stop_serving)
            urls = {"operator": self.operator_url, "gateway": self.gateway_url}
            if self.webhooks_url:
                urls["webhooks"] = self.webhooks_url
            log.info("daemon.started", **urls, store=self._database.place, accounts=[*self._accounts])
            yield self

    async def _listen_for_webhooks(self, stack: AsyncExitStack) -> None:
        if self._webhooks is not None and self._config.webhooks is not None:
            stack.push_async_callback(self._webhooks.cleanup)
            await _listen(self._webhooks, self._config.webhooks.listen, "webhooks.listen")

    @property
    def operator_url(self) -> str:
        """Where metrics and the status page are."""
        return _url(self._web)

    @property
    def gateway_url(self) -> str:
        """Where applications send their requests. An account's name follows."""
        return _url(self._gateway)

    @property
    def webhooks_url(self) -> str:
        """Where providers send webhooks; an account's name and secret follow. Empty without such a listener."""
        return "" if self._webhooks is None else _url(self._webhooks)

    async def reload(self) -> str | None:
        """Load the configuration again. Returns why it was rejected and the old one stays, None if it was accepted."""
        async with self._reloading:
            before = self._config
            try:
                config = await asyncio.to_thread(self._load)
                self._check_fixed(config)
                self._change_over(config)
            except ConfigError as error:
                return self._reject(error)
            except Exception as error:  # noqa: BLE001  # whatever it is, the old configuration stays
                self._change_over(before)
                return self._reject(ConfigError([f"the configuration {unexpected(error)}"]))
            self._note_reload()
            log.info("config.loaded", accounts=[*self._accounts])
            return None

    def _change_over(self, config: Config) -> None:
        self._adopt(config)
        self._jobs.apply(self._accounts.values())

    def _reject(self, error: ConfigError) -> str:
        self._own.reload_success.set(0)
        log.warning("config.rejected", faults=error.faults)
        return str(error)

    def _adopt(self, config: Config) -> None:
        """Use these accounts. The daemon's own counts of each start at 0."""
        accounts = {account.name: account for account in config.accounts}
        for gone in self._accounts.keys() - accounts.keys():
            self._own.in_flight.remove(self._accounts[gone].provider, gone)
        for account in accounts.values():
            self._own.in_flight.labels(account.provider, account.name)
            self._own.models_capped.labels(account.name)
            if account.webhook is not None:
                self._own.begin_webhooks(account.name)
        self._config, self._accounts = config, accounts

    def _check_fixed(self, config: Config) -> None:
        changed = [key for key in FIXED_KEYS if getattr(config, key) != getattr(self._config, key)]
        if changed:
            raise ConfigError([f"{key}: cannot change while running; restart the daemon" for key in changed])

    def _note_reload(self) -> None:
        self._own.reload_success.set(1)
        self._own.reload_time.set(self._clock.now())

    async def _stop_engine(self) -> None:
        await self._engine.stop()
        if self.engine_run is not None:
            await self.engine_run

    def _stop_serving(self) -> None:
        self._is_serving = False

    def _reasons_not_ready(self) -> list[str]:
        is_old = self._publisher.is_old(self._config.evaluate_interval)
        reasons = {
            "the gateway does not listen yet, or not any more": not self._is_serving,
            "state is not loaded yet": self._publisher.snapshot is None,
            "the figures are old: the evaluation fails or does not end": is_old,
            f"the store accepts no writes: {self._engine.fault}": not self._engine.is_storing,
        }
        return [reason for reason, holds in reasons.items() if holds]

    def _catalogue_of(self, account: str) -> Catalogue | None:
        configured = self._accounts.get(account)
        if configured is None:
            return None
        return Catalogue(PROVIDERS[configured.provider].models, configured.max_models, rules_of(configured))

    def _web_app(self) -> web.Application:
        return build_web(
            exposition=self._exposition,
            snapshot=lambda: self._publisher.snapshot,
            ready=self._reasons_not_ready,
            reload=self.reload,
            ingest=Ingest(lambda: self._accounts, PROVIDERS, self._engine, self._clock).handle,
            clock=self._clock,
            allowed_hosts=self._config.allowed_hosts,
        )


async def serve(config: Config, load: Callable[[], Config], clock: Clock) -> None:
    """Run the daemon until SIGTERM or SIGINT. A second signal ends the process at once. SIGHUP reloads.

    The store is opened after everything listens, so that a database that fails stops no traffic. A fault of our own
    that ends the engine ends the daemon with a traceback.

    Raises:
        ListenError: an address cannot be bound.
        StoreInUseError: another daemon has the SQLite file.
        StoreError: the configuration names no store that could be opened.
    """
    signals = Signals()
    asyncio.get_running_loop().set_exception_handler(note_in_loop)
    database = Database(config.store or _default_store(), exclusive=True)
    await _claim(database)
    raise_limit()
    _favour_the_loop()
    give_back_large_blocks()
    try:
        async with Daemon(config, load, clock, database).running() as daemon:
            signals.reload = daemon.reload
            await _first_of(signals.stop, daemon.engine_run)
            signals.reload = None
            log.info("daemon.stopping")
    finally:
        database.close()
    log.info("daemon.stopped")


def _default_store() -> str:
    file = default_file()
    if file.parent == Path.cwd() != state_folder():
        advice = f"to keep it wherever the daemon starts, stop the daemon and move {file.name}* to {state_folder()}"
        log.warning("store.in_working_directory", path=str(file), advice=advice)
    return URL.create("sqlite", database=str(file)).render_as_string()


async def _claim(database: Database) -> None:
    """Refuse to start if another daemon has the store. Other faults show when the store is opened."""
    claiming = asyncio.ensure_future(asyncio.to_thread(database.claim))
    await asyncio.wait([claiming], timeout=STORE_SECONDS)
    if claiming.done() and isinstance(error := claiming.exception(), StoreInUseError):
        raise error


def _favour_the_loop() -> None:
    """Keep other threads and the garbage collector from holding up the event loop for long."""
    sys.setswitchinterval(SWITCH_SECONDS)
    # What is loaded by now stays: a collection under load need not look through it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


async def _first_of(stop: asyncio.Event, engine: asyncio.Task[None] | None) -> None:
    told = asyncio.create_task(stop.wait())
    await asyncio.wait([told, *filter(None, [engine])], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()


async def _listen(runner: web.BaseRunner, address: Address, key: str) -> None:
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except (OSError, UnicodeError) as error:  # the latter of a host that no name can be
        number = getattr(error, "errno", None) or 0
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or "not a host"
        raise ListenError(f"{key}: cannot listen on {address}: {reason}; choose another address") from None


def _url(runner: web.BaseRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{Address(host, port)}"
