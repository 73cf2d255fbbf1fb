"""Loading: read, check the shape, fetch the keys, cross-check, freeze."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from monitor.config.document import parse_document
from monitor.config.fields import Address
from monitor.config.keys import NoKeyError, clean_key, key_sources
from monitor.config.shape import check_shape
from monitor.config.values import Account, AccountShape, Config, ConfigShape
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from monitor.providers.base import Provider

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, never bound
LOOPBACKS = frozenset({"localhost", "127.0.0.1", "::1"})


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration in the file at `path`; accounts come from `environ` where the file names none.

    Raises:
        ConfigError: with every fault that was found, one line each.
    """
    shape, faults = check_shape(ConfigShape, parse_document(_read(path)) if path else {})
    if shape is None:
        raise ConfigError(faults)
    accounts: list[Account] = []
    if shape.accounts is not None:
        accounts = _accounts(shape.accounts, path.parent if path else Path(), environ, faults)
    elif not any(fault.startswith("accounts") for fault in faults):
        accounts = _accounts_from_environment(environ, faults)
    faults += _listener_faults(shape.listen, shape.gateway.listen)
    if faults:
        raise ConfigError(faults)
    return Config(
        accounts=tuple(accounts),
        listen=shape.listen,
        gateway=shape.gateway,
        store=shape.store,
        evaluate_interval=shape.evaluate_interval,
        retention=shape.retention,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; check path and permissions"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: not UTF-8 text; save it as UTF-8"]) from None


def _accounts(items: list[object], base: Path, environ: Mapping[str, str], faults: list[str]) -> list[Account]:
    if not items:
        faults.append("accounts: empty; add an account, or leave the key out to take accounts from the environment")
    accounts: list[Account] = []
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        place = f"accounts[{index}]"
        shape, wrong = check_shape(AccountShape, item, place)
        faults += wrong
        if shape is None:
            continue
        if first.setdefault(shape.name, index) != index:
            faults.append(f"{place}.name: '{shape.name}' is also accounts[{first[shape.name]}]; give each its own name")
        accounts += _complete(shape, place, base, environ, faults)
    return accounts


def _providers() -> Mapping[str, Provider]:
    from monitor.providers import PROVIDERS  # noqa: PLC0415

    return PROVIDERS


def _complete(
    shape: AccountShape, place: str, base: Path, environ: Mapping[str, str], faults: list[str]
) -> list[Account]:
    """The account with its key and its provider's defaults; none where something lacks."""
    provider = _providers().get(shape.provider)
    if provider is None:
        faults.append(f"{place}.provider: unknown provider; use one of {', '.join(_providers())}")
    key = _key(shape, place, base, environ, faults)
    if provider is None or key is None:
        return []
    return [
        Account(
            name=shape.name,
            provider=shape.provider,
            api_key=key,
            base_url=shape.base_url or provider.base_url,
            poll_interval=shape.poll_interval,
            follow_up=shape.follow_up,
            max_models=shape.max_models,
        )
    ]


def _key(
    shape: AccountShape, place: str, base: Path, environ: Mapping[str, str], faults: list[str]
) -> SecretStr | None:
    sources = key_sources(base, environ)
    given = [name for name in sources if getattr(shape, name) is not None]
    if len(given) != 1:
        count = "more than one key source" if given else "no key source"
        faults.append(f"{place}: {count}; give one of {', '.join(sources)}")
        return None
    try:
        return sources[given[0]](getattr(shape, given[0]))
    except NoKeyError as fault:
        faults.append(f"{place}.{given[0]}: {fault}")
        return None


def _accounts_from_environment(environ: Mapping[str, str], faults: list[str]) -> list[Account]:
    """One account for each provider whose own key variable is set, named as the provider."""
    accounts: list[Account] = []
    for name, provider in _providers().items():
        if not environ.get(provider.key_env):
            continue
        try:
            key = clean_key(environ[provider.key_env])
        except NoKeyError as fault:
            faults.append(f"{provider.key_env}: {fault}")
            continue
        accounts.append(Account(name=name, provider=name, api_key=key, base_url=provider.base_url))
    if not accounts and not faults:
        variables = " or ".join(provider.key_env for provider in _providers().values())
        faults.append(f"accounts: none; set {variables}, or list accounts in a file and give it with --config")
    return accounts


def _listener_faults(listen: Address, gateway: Address) -> list[str]:
    if listen.port != gateway.port or listen.port == 0 or not _overlap(listen.host, gateway.host):
        return []
    return [f"gateway.listen: {gateway} is taken by listen ({listen}); give each listener its own port"]


def _overlap(one: str, other: str) -> bool:
    return one == other or not WILDCARDS.isdisjoint({one, other}) or LOOPBACKS.issuperset({one, other})
