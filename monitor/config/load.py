"""Loading: read, check the shape, fetch the keys, cross-check, freeze."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from monitor.config.document import parse_document
from monitor.config.fields import Address
from monitor.config.files import TooLongError, read_file
from monitor.config.keys import NoKeyError, clean_key, key_sources, read_authorities, webhook_secret_sources
from monitor.config.shape import MOST_FAULTS, check_shape
from monitor.config.values import Account, AccountShape, Config, ConfigShape, Webhook
from monitor.errors import ConfigError, unexpected
from monitor.http.network import Network
from monitor.providers import PROVIDERS
from monitor.providers.base import Provider

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, never bound
LOOPBACKS = frozenset({"localhost", "127.0.0.1", "::1"})
STAND_IN = "unnamed"
LONGEST_FILE_BYTES = 1024 * 1024
Sources = Mapping[str, Callable[[str], SecretStr]]


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration in the file at `path`; accounts come from `environ` where the file names none.

    Relative key files lie beside the file. May take as long as the key commands do.

    Raises:
        ConfigError: with every fault that was found, one line each; nothing else is raised.
    """
    try:
        return _load(path, environ)
    except ConfigError:
        raise
    except Exception as error:  # whatever it is, the user is told and a daemon goes on
        raise ConfigError([f"{path or 'the environment'}: {unexpected(error)}"]) from error


def _load(path: Path | None, environ: Mapping[str, str]) -> Config:
    document = parse_document(_read(path)) if path else {}
    shape, faults = check_shape(ConfigShape, document)
    if shape is None:
        raise ConfigError(faults)
    takes_webhooks = shape.webhooks is not None or "webhooks" in document
    accounts = _Accounts(path.parent if path else Path(), environ, faults, takes_webhooks=takes_webhooks)
    if shape.accounts is not None:
        accounts.from_items(shape.accounts)
    elif "accounts" not in document:
        accounts.from_environment()
    faults += _listener_faults(_listeners(shape, faults))
    if faults:
        raise ConfigError(faults)
    return Config(
        accounts=tuple(accounts.complete),
        listen=shape.listen,
        gateway=shape.gateway,
        store=shape.store,
        evaluate_interval=shape.evaluate_interval,
        retention=shape.retention,
        webhooks=shape.webhooks,
        allowed_hosts=shape.allowed_hosts,
    )


def _read(path: Path) -> str:
    try:
        return read_file(path, LONGEST_FILE_BYTES).decode()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; check path and permissions"]) from None
    except TooLongError:
        raise ConfigError([f"{path}: longer than 1 MiB; name a configuration file"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: not UTF-8 text; save it as UTF-8"]) from None


class _Accounts:
    """Gathers accounts that are complete, and the faults of those that are not."""

    def __init__(self, base: Path, environ: Mapping[str, str], faults: list[str], *, takes_webhooks: bool) -> None:
        self.complete: list[Account] = []
        self._base = base
        self._environ = environ
        self._network = Network(environ)
        self._faults = faults
        self._sources = key_sources(base, environ)
        self._secrets = webhook_secret_sources(base, environ)
        self._takes_webhooks = takes_webhooks
        self._places: dict[str, str] = {}

    def from_items(self, items: list[Any]) -> None:
        """Accounts as the file lists them."""
        if not items:
            self._faults.append("accounts: empty; list one, or leave the key out to take them from the environment")
        for index, item in enumerate(items):
            if len(self._faults) > MOST_FAULTS:
                break
            place = f"accounts[{index}]"
            shape, faults = check_shape(AccountShape, item, place)
            self._faults += faults
            if not isinstance(item, Mapping):
                continue  # the shape check has told
            if shape is None:  # perhaps for want of a name only, which is to hide nothing else
                shape, _ = check_shape(AccountShape, {**item, "name": STAND_IN})
            self._check_name(item.get("name"), place)
            key = self._key(item, place, self._sources, "key")
            webhook = self._webhook(shape, item.get("webhook"), place)
            if shape is not None:
                self._add(shape, key, place, webhook)

    def from_environment(self) -> None:
        """One account for each provider whose own key variable is set, named as the provider."""
        given = {name: each for name, each in PROVIDERS.items() if self._environ.get(each.key_env)}
        if not given:
            variables = " or ".join(provider.key_env for provider in PROVIDERS.values())
            self._faults.append(f"accounts: none; set {variables}, or list accounts in a file, given with --config")
        for name, provider in given.items():
            try:
                key = clean_key(self._environ[provider.key_env])
            except NoKeyError as error:
                self._faults.append(f"{provider.key_env}: {error}")
            else:
                self._add(AccountShape(name=name, provider=name), key, provider.key_env)

    def _check_name(self, name: object, place: str) -> None:
        first = self._places.setdefault(name, place) if isinstance(name, str) else place
        if first != place:
            self._faults.append(f"{place}.name: '{name}' is also {first}; give each its own name")

    def _webhook(self, shape: AccountShape | None, item: object, place: str) -> Webhook | None:
        if not isinstance(item, Mapping):
            return None  # there is none, or the shape check has told
        place = f"{place}.webhook"
        if shape is not None and not PROVIDERS[shape.provider].has_webhooks:
            self._faults.append(f"{place}: {shape.provider} calls no webhooks; leave it out")
        if not self._takes_webhooks:
            self._faults.append(f"{place}: nobody listens for webhooks; set webhooks.listen")
        secret = self._key(item, place, self._secrets, "secret")
        if secret is None or shape is None or shape.webhook is None:
            return None
        return Webhook(secret=secret, forward_to=shape.webhook.forward_to)

    def _key(self, item: Mapping[str, str], place: str, sources: Sources, what: str) -> SecretStr | None:
        given = [source for source in sources if source in item]
        if len(given) != 1:
            count = f"more than one {what} source" if given else f"no {what} source"
            self._faults.append(f"{place}: {count}; give one of {', '.join(sources)}")
            return None
        source, value = given[0], item[given[0]]
        if not isinstance(value, str):
            return None  # the shape check has told
        try:
            return sources[source](value)
        except NoKeyError as error:
            self._faults.append(f"{place}.{source}: {error}")
            return None

    def _check_tier(self, tier: int | None, provider: Provider, place: str) -> None:
        """A tier that no table holds could not be reckoned with."""
        known = [each.number for each in provider.tiers.newest.tiers] if provider.tiers else []
        if tier is not None and tier not in known:
            advice = f"give {known[0]} to {known[-1]}" if known else "leave it out"
            self._faults.append(f"{place}.limits.tier: {provider.name} has no tier {tier}; {advice}")

    def _add(self, shape: AccountShape, key: SecretStr | None, place: str, webhook: Webhook | None = None) -> None:
        provider = PROVIDERS[shape.provider]
        self._check_tier(shape.limits.tier, provider, place)
        self._faults += _autobilling_faults(shape, provider, place)
        if shape.ws_url and not provider.ws_url:
            self._faults.append(f"{place}.ws_url: {shape.provider} has no WebSocket to pass on; leave it out")
        ca = self._authorities(shape.ca_file, place)
        if key is not None:
            account = Account(
                name=shape.name,
                provider=shape.provider,
                api_key=key,
                base_url=shape.base_url or provider.base_url,
                ws_url=shape.ws_url or _socket_origin(provider, shape.base_url),
                poll_interval=shape.poll_interval,
                follow_up=shape.follow_up,
                max_models=shape.max_models,
                capacity=shape.capacity,
                limits=shape.limits,
                webhook=webhook,
                proxy=shape.proxy,
                ca=ca,
            )
            self._check_ways(account, place)
            self.complete.append(account)

    def _authorities(self, path: str | None, place: str) -> str:
        """The certificates in `ca_file`, as PEM text."""
        if path is None:
            return ""
        try:
            return read_authorities(self._base / path)
        except NoKeyError as error:
            self._faults.append(f"{place}.ca_file: {error}")
            return ""

    def _check_ways(self, account: Account, place: str) -> None:
        """A proxy of the environment that cannot be used is no reason to go without."""
        try:
            for origin in filter(None, (account.base_url, account.ws_url)):
                self._network.way(origin, account.proxy, account.ca)
            if account.webhook is not None:
                self._network.way(account.webhook.forward_to.get_secret_value(), ca=account.ca)
        except ValueError as error:
            self._faults.append(f"{place}: the environment's {error}")


def _autobilling_faults(shape: AccountShape, provider: Provider, place: str) -> list[str]:
    plan, least = shape.limits.autobilling, provider.smallest_purchase_credits
    if plan is not None and provider.autobilling is None:
        return [f"{place}.limits.autobilling: how {shape.provider} buys by itself is not known; leave it out"]
    if plan is None or plan.amount >= least:
        return []
    return [
        f"{place}.limits.autobilling.amount: {shape.provider} sells no fewer than {least:g} credits; give {least:g}"
    ]


def _socket_origin(provider: Provider, base_url: str | None) -> str:
    """Where WebSockets go unless told: beside a base URL of one's own, so that a test never reaches production."""
    return base_url.replace("http", "ws", 1) if base_url and provider.ws_url else provider.ws_url


def _listeners(shape: ConfigShape, faults: list[str]) -> dict[str, Address]:
    """The listeners by their keys, less those whose default only stands in for what is faulty."""
    listeners = {"listen": shape.listen, "gateway.listen": shape.gateway.listen}
    if shape.webhooks is not None:
        listeners["webhooks.listen"] = shape.webhooks.listen
    faulty = {fault.partition(":")[0] for fault in faults}
    return {key: there for key, there in listeners.items() if faulty.isdisjoint({key, key.partition(".")[0]})}


def _listener_faults(listeners: Mapping[str, Address]) -> list[str]:
    return [
        f"{later}: {there} is taken by {first} ({here}); give each listener its own port"
        for (first, here), (later, there) in combinations(listeners.items(), 2)
        if here.port == there.port != 0 and _overlap(here.host, there.host)
    ]


def _overlap(one: str, other: str) -> bool:
    return one == other or not WILDCARDS.isdisjoint({one, other}) or LOOPBACKS.issuperset({one, other})
