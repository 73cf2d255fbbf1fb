"""Usage tiers as the daemon knows them: which one an account is at, and which one it needs."""

from __future__ import annotations

from monitor.config import Account
from monitor.model import Organization
from monitor.providers import PROVIDERS
from monitor.state.tier import TierState
from monitor.tiering.standing import Standing, completed


class Tiering:
    """Every account's tier. One call at a time, from whatever thread."""

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}

    def tier(self, account: Account, live: Organization | None) -> TierState | None:
        """The tier of an account by its live limits; None at a provider without tiers."""
        tables = PROVIDERS[account.provider].tiers
        if tables is None:
            return None
        if account.name not in self._standings:
            self._standings[account.name] = Standing(account.name, tables)
        return self._standings[account.name].look(account.limits.tier, live)

    def completed(self, account: Account, tier: TierState | None, live: Organization | None) -> Organization | None:
        """The live limits with what the provider does not say of them, as the tables have it for this tier."""
        tables = PROVIDERS[account.provider].tiers
        if tables is None or tier is None or live is None:
            return live
        return completed(tables, tier.number, live)
