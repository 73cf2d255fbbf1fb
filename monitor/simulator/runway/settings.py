"""What can be chosen about a simulated organization. Times are seconds, money is credits."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from monitor.simulator.runway.catalog import TIERS
from monitor.simulator.runway.errors import WEIGHTS
from monitor.simulator.shared.settings import AccountSettings, Count, NotNegative, Share

DEFAULT_KEY = "key_" + "0123456789abcdef" * 8
"""Well formed, and good for nothing but the simulator."""


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """A model's concurrent generations and generations in a rolling 24 hours; null is unlimited."""

    concurrency: Count | None = None
    daily: Count | None = None


class Durations(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a task is PENDING, then RUNNING; `models` overrides the latter, `jitter` spreads it by that share."""

    pending: NotNegative = 1.0
    running: NotNegative = 15.0
    jitter: Share = 0.0
    models: dict[str, NotNegative] = field(default_factory=dict)


class Autobilling(Struct, frozen=True, forbid_unknown_fields=True):
    """Buys `amount` when the balance is below `threshold` at the hourly check; `charge_fails` declines the card."""

    threshold: Count
    amount: Count
    charge_fails: bool = False


class Settings(AccountSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about an organization that stays until it is changed.

    `limits` overrides the tier's for single models. `failure_rate` is the share of tasks that fail, with codes drawn by
    the weights in `failures` (`-` is a failure without code). `charged_share` is the part of the estimate that a
    success costs. A new task answers 404 for `visible_after`; `cancelled_visible` shows CANCELLED instead of 404.
    `monthly_credits` overrides what the tier lets buy in 30 days.
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
