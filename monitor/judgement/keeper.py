"""What the topics keep between evaluations: restored from the store, changed in memory, written back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from monitor.config import Account


class Kept(Protocol):
    """What one topic keeps of one account."""

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write now."""
        ...

    def save(self, connection: Connection) -> None:
        """Write what has changed."""
        ...

    def saved(self) -> None:
        """Note that what `save` wrote is committed."""
        ...


AnyKept = TypeVar("AnyKept", bound=Kept)


class Keeper(Generic[AnyKept]):
    """What one topic keeps, by account. One call at a time, from whatever thread."""

    def __init__(self, restore: Callable[[Connection, Account], AnyKept]) -> None:
        self._restore = restore
        self._accounts: dict[str, AnyKept] = {}

    def of(self, connection: Connection, account: Account) -> AnyKept:
        """What is kept of an account, restored the first time it is asked for."""
        if account.name not in self._accounts:
            self._accounts[account.name] = self._restore(connection, account)
        return self._accounts[account.name]

    @property
    def is_changed(self) -> bool:
        """Whether any account has something to write now."""
        return any(kept.is_changed for kept in self._accounts.values())

    def save(self, connection: Connection) -> None:
        """Write what has changed."""
        for kept in self._accounts.values():
            kept.save(connection)

    def saved(self) -> None:
        """Note that what `save` wrote is committed."""
        for kept in self._accounts.values():
            kept.saved()
