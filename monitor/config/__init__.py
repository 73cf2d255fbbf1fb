"""The configuration: a YAML file or the environment in, frozen values out.

Reading takes two steps. The document's shape is checked first, key by key, then what no key can tell alone: duplicate
names, two listeners on one port, key sources that yield no key. Faults of both steps are reported together, each as
one line that begins with its place, such as `accounts[1].poll_interval`.
"""

from monitor.config.fields import Address
from monitor.config.load import load
from monitor.config.values import (
    Account,
    Autobilling,
    Capacity,
    Config,
    FollowUp,
    GatewayConfig,
    Limits,
    Purchase,
    Retention,
    Webhook,
    WebhooksConfig,
)

__all__ = [
    "Account",
    "Address",
    "Autobilling",
    "Capacity",
    "Config",
    "FollowUp",
    "GatewayConfig",
    "Limits",
    "Purchase",
    "Retention",
    "Webhook",
    "WebhooksConfig",
    "load",
]
