"""Usage tiers as the daemon knows them: which one an account is at, and which one it needs."""

from __future__ import annotations

from sqlalchemy import Connection

from monitor.config import Account
from monitor.providers import PROVIDERS
from monitor.tiering.account import AccountTiering

__all__ = ["Tiering"]


class Tiering:
    """Every account's tier. One call at a time, from whatever thread."""

    def __init__(self) -> None:
        self._accounts: dict[str, AccountTiering] = {}

    def account(self, connection: Connection, account: Account) -> AccountTiering | None:
        """What is known of an account, its peaks restored from the store the first time.

        None at a provider without tiers.
        """
        tables = PROVIDERS[account.provider].tiers
        if tables is not None and account.name not in self._accounts:
            self._accounts[account.name] = AccountTiering(connection, account.name, tables)
        return self._accounts[account.name] if tables is not None else None

    def changed(self) -> bool:
        """Whether there is anything to store."""
        return any(account.changed for account in self._accounts.values())

    def save(self, connection: Connection) -> None:
        """Write what has changed."""
        for account in self._accounts.values():
            account.save(connection)

    def saved(self) -> None:
        """Note that what `save` wrote is committed."""
        for account in self._accounts.values():
            account.saved()
