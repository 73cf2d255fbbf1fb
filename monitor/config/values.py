"""The configuration as the program uses it: frozen, durations in seconds.

The values that the file writes as they are double as the schema of their part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, SecretStr

from monitor.config.fields import (
    AccountName,
    Address,
    Duration,
    HostName,
    Listen,
    Moment,
    Origin,
    Proxy,
    Ratio,
    SocketOrigin,
    StoreUrl,
    Target,
    WebOrigin,
    between,
    whole_number,
)
from monitor.providers import PROVIDERS
from monitor.runtime.logs import redact

LONGEST_NAME = 63
STRICT = ConfigDict(extra="forbid")
OPERATOR_LISTEN = Address("127.0.0.1", 10190)
GATEWAY_LISTEN = Address("127.0.0.1", 10191)


def parse_provider(text: object) -> str:
    """The name of a vendor that is known."""
    if not isinstance(text, str) or text not in PROVIDERS:
        name = f" '{redact(text)}'" if isinstance(text, str) and len(text) <= LONGEST_NAME else ""
        raise ValueError(f"unknown provider{name}; use one of {', '.join(PROVIDERS)}")
    return text


ProviderName = Annotated[str, BeforeValidator(parse_provider)]


@dataclass(frozen=True, kw_only=True)
class GatewayConfig:
    """The gateway's listener, and how long it waits for a vendor's connection and for its next byte."""

    __pydantic_config__ = STRICT

    listen: Listen = GATEWAY_LISTEN
    timeout: Annotated[Duration, between("1s", "1h")] = 120.0
    connect_timeout: Annotated[Duration, between("100ms", "5m")] = 10.0
    allowed_origins: tuple[WebOrigin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WebhooksConfig:
    """The listener that vendors call; there is none unless it is configured."""

    __pydantic_config__ = STRICT

    listen: Listen


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where an account's webhooks come in, at `/ACCOUNT/SECRET`, and where the application awaits them."""

    secret: SecretStr
    forward_to: SecretStr


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """How tasks that nobody polls any more are followed.

    A task is followed once its client has been silent for `silence` and is orphaned after `orphaned`. One task is read
    at most every `interval`, one account at most `requests_per_minute` times a minute.
    """

    __pydantic_config__ = STRICT

    silence: Annotated[Duration, between("1s", "1h")] = 15.0
    orphaned: Annotated[Duration, between("1s", "1d")] = 60.0
    interval: Annotated[Duration, between("5s", "1h")] = 5.0
    requests_per_minute: Annotated[int, whole_number(1, 6000)] = 120


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long finished tasks are kept: never less than the vendor's rolling day."""

    __pydantic_config__ = STRICT

    tasks: Annotated[Duration, between("2d", "3650d")] = 35 * 86400.0


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Shares of a limit at which its use deserves attention, and action."""

    __pydantic_config__ = STRICT

    soft: Ratio = 0.8
    hard: Ratio = 0.95

    def __post_init__(self) -> None:
        if self.soft > self.hard:
            raise ValueError("soft is above hard; let soft come first")


@dataclass(frozen=True, kw_only=True)
class LimitThresholds:
    """The thresholds of each limit that an account can run into."""

    __pydantic_config__ = STRICT

    concurrency: Thresholds = field(default_factory=Thresholds)
    daily_generations: Thresholds = field(default_factory=Thresholds)
    monthly_spend_credits: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True, kw_only=True)
class CreditRunway:
    """How long the balance must last: with less it deserves attention, and action."""

    __pydantic_config__ = STRICT

    soft: Annotated[Duration, between("1m", "365d")] = 24 * 3600.0
    hard: Annotated[Duration, between("1m", "365d")] = 4 * 3600.0

    def __post_init__(self) -> None:
        if self.soft < self.hard:
            raise ValueError("soft is below hard; let soft be the longer time")


@dataclass(frozen=True, kw_only=True)
class Autobilling:
    """The vendor's setting: `amount` credits are bought when the balance is below `threshold`."""

    __pydantic_config__ = STRICT

    threshold: Annotated[int, whole_number(1, 999_999_999)]
    amount: Annotated[int, whole_number(1, 999_999_999)]


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """Credits bought before the monitor watched."""

    __pydantic_config__ = STRICT

    at: Moment
    credits: Annotated[int, whole_number(1, 999_999_999)]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the provider does not say of an account's limits: the number of its usage tier, among others."""

    __pydantic_config__ = STRICT

    tier: Annotated[int, whole_number(1, 99)] | None = None
    thresholds: LimitThresholds = field(default_factory=LimitThresholds)
    credit_runway: CreditRunway = field(default_factory=CreditRunway)
    autobilling: Autobilling | None = None
    purchases: tuple[Purchase, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What a judgement of a model's capacity needs: so many tasks, in so long a time unless they come too seldom."""

    __pydantic_config__ = STRICT

    window: Annotated[Duration, between("1m", "1h")] = 300.0
    min_samples: Annotated[int, whole_number(5, 1000)] = 20


@dataclass(frozen=True, kw_only=True)
class Account:
    """One key at one vendor. `name` is its path on the gateway and its label; `ws_url` is empty without WebSocket.

    `proxy` takes the place of the environment's; `ca` is PEM text of authorities to trust beside the system's.
    """

    name: str
    provider: str
    api_key: SecretStr
    base_url: str
    ws_url: str = ""
    poll_interval: float = 60.0
    follow_up: FollowUp = field(default_factory=FollowUp)
    max_models: int = 100
    capacity: Capacity = field(default_factory=Capacity)
    limits: Limits = field(default_factory=Limits)
    webhook: Webhook | None = None
    proxy: SecretStr | None = None
    ca: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything the daemon is told. `store`, None for the platform's place, may hold a password: no repr shows it."""

    accounts: tuple[Account, ...]
    listen: Address = OPERATOR_LISTEN
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    store: str | None = field(default=None, repr=False)
    evaluate_interval: float = 5.0
    retention: Retention = field(default_factory=Retention)
    webhooks: WebhooksConfig | None = None
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WebhookShape:
    """A webhook whose secret is still to be fetched."""

    __pydantic_config__ = STRICT

    forward_to: Target
    secret_env: str | None = None
    secret_file: str | None = None


@dataclass(frozen=True, kw_only=True)
class AccountShape:
    """One item of `accounts` in the file: an account whose key is still to be fetched."""

    __pydantic_config__ = STRICT

    name: AccountName
    provider: ProviderName
    api_key_env: str | None = None
    api_key_file: str | None = None
    api_key_command: str | None = None
    base_url: Origin | None = None
    ws_url: SocketOrigin | None = None
    poll_interval: Annotated[Duration, between("1s", "1d")] = 60.0
    follow_up: FollowUp = field(default_factory=FollowUp)
    max_models: Annotated[int, whole_number(1, 10000)] = 100
    capacity: Capacity = field(default_factory=Capacity)
    limits: Limits = field(default_factory=Limits)
    webhook: WebhookShape | None = None
    proxy: Proxy | None = None
    ca_file: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConfigShape:
    """The file's top level; `accounts` are read one by one."""

    __pydantic_config__ = STRICT

    listen: Listen = OPERATOR_LISTEN
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    store: StoreUrl = None
    evaluate_interval: Annotated[Duration, between("100ms", "1m")] = 5.0
    accounts: list[object] | None = None
    retention: Retention = field(default_factory=Retention)
    webhooks: WebhooksConfig | None = None
    allowed_hosts: tuple[HostName, ...] = ()
