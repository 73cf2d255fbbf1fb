"""Accounts and the API keys that open them. Pure: the time is an argument."""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from monitor.simulator.shared.settings import AccountSettings
from monitor.simulator.shared.timeline import Timeline

SettingsT = TypeVar("SettingsT", bound=AccountSettings)
EntryT = TypeVar("EntryT")


class BaseAccount(Generic[SettingsT, EntryT]):
    """What every account has. Call `advance` before anything else. `script` settles how the next tasks end."""

    def __init__(self, name: str, settings: SettingsT, rng: random.Random, now: float) -> None:
        self.name = name
        self.settings = settings
        self.script: deque[EntryT] = deque()
        self.created_at = now
        self.timeline = Timeline()
        self._rng = rng

    def new_id(self) -> str:
        """Return a random UUID from the seeded generator."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`, a Unix time."""
        self.timeline.advance(now)


AccountT = TypeVar("AccountT", bound=BaseAccount[Any, Any])
KeyStateT = TypeVar("KeyStateT", bound=StrEnum)


@dataclass(slots=True)
class Key(Generic[AccountT, KeyStateT]):
    """An API key's account and state. The secret itself is only in the table of keys."""

    account: AccountT
    state: KeyStateT


class AccountRegistry(Generic[AccountT, KeyStateT]):
    """All accounts of a provider, and their keys. A new key is `valid`."""

    def __init__(self, seed: int, valid: KeyStateT) -> None:
        self.accounts: dict[str, AccountT] = {}
        self._keys: dict[str, Key[AccountT, KeyStateT]] = {}
        self._rng = random.Random(seed)
        self._valid = valid

    def register(self, name: str, key: str, create: Callable[[random.Random], AccountT]) -> AccountT:
        """Open the account that `create` makes from a seeded generator, with one key.

        Raises:
            ValueError: the name or the key is in use.
        """
        if name in self.accounts:
            raise ValueError(f"there already is an account {name!r}")
        self._check_unused(key)
        account = self.accounts[name] = create(random.Random(self._rng.getrandbits(64)))
        self.add_key(name, key)
        return account

    def add_key(self, name: str, key: str) -> None:
        """Give an account one more key.

        Raises:
            ValueError: the key is in use.
        """
        self._check_unused(key)
        self._keys[key] = Key(self.accounts[name], self._valid)

    def _check_unused(self, key: str) -> None:
        if key in self._keys:
            raise ValueError("the key is in use")

    def key(self, secret: str) -> Key[AccountT, KeyStateT] | None:
        """Return a known key, whatever its state."""
        return self._keys.get(secret)

    def owner(self, secret: str) -> AccountT | None:
        """Return the account of a key, whatever the key's state."""
        key = self._keys.get(secret)
        return key.account if key else None

    def set_keys(self, name: str, state: KeyStateT) -> None:
        """Put all keys of an account in a state."""
        for key in self._keys.values():
            if key.account.name == name:
                key.state = state

    def key_states(self, name: str) -> list[KeyStateT]:
        """Return the state of each of an account's keys."""
        return [key.state for key in self._keys.values() if key.account.name == name]

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now` in all accounts."""
        for account in self.accounts.values():
            account.advance(now)
