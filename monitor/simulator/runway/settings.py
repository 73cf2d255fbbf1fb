"""The settings of a simulated Runway organization. Times are in seconds, money is in credits."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from monitor.simulator.runway.catalog import TIERS
from monitor.simulator.runway.errors import WEIGHTS
from monitor.simulator.shared.settings import AccountSettings, Count, NotNegative, Share

DEFAULT_KEY = "key_" + "0123456789abcdef" * 8
"""A well-formed key that only the simulator accepts."""


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """The concurrent generations of a model, and its generations in a rolling 24 hours. None is unlimited."""

    concurrency: Count | None = None
    daily: Count | None = None


class Durations(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a task is PENDING, then RUNNING.

    `models` overrides `running` for single models. `jitter` is the share by which `running` varies at random.
    """

    pending: NotNegative = 1.0
    running: NotNegative = 15.0
    jitter: Share = 0.0
    models: dict[str, NotNegative] = field(default_factory=dict)


class Autobilling(Struct, frozen=True, forbid_unknown_fields=True):
    """Buys `amount` if the balance is below `threshold` at the hourly check.

    With `charge_fails` the card is declined.
    """

    threshold: Count
    amount: Count
    charge_fails: bool = False


class Settings(AccountSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about an organization that stays until it is changed.

    `limits` overrides the tier's limits for single models. `failures` maps failure codes to weights; the code `-` is a
    failure without a code. `charged_share` is the part of the estimate that a success costs. A new task answers 404 for
    `visible_after`. `cancelled_visible` shows CANCELLED instead of 404. `monthly_credits` overrides the credits that
    the tier allows to buy in 30 days.
    """

    tier: Annotated[int, Meta(ge=min(TIERS), le=max(TIERS))] = 1
    limits: dict[str, Limit] = field(default_factory=dict)
    durations: Durations = Durations()
    failures: dict[str, NotNegative] = field(default_factory=lambda: dict(WEIGHTS))
    charged_share: Share = 1.0
    visible_after: NotNegative = 0.0
    cancelled_visible: bool = False
    autobilling: Autobilling | None = None
    monthly_credits: Count | None = None
