"""All accounts, and whose key it is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from monitor.simulator.runware.errors import Refusal
from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.settings import Settings


class KeyState(StrEnum):
    """What a key is good for."""

    VALID = "valid"
    REVOKED = "revoked"
    POWERLESS = "powerless"


@dataclass(slots=True)
class Key:
    """Whose key it is, and its state."""

    account: Account
    state: KeyState = KeyState.VALID


class Platform:
    """The simulated Runware without its wire."""

    def __init__(self, seed: int) -> None:
        self.accounts: dict[str, Account] = {}
        self._rng = random.Random(seed)
        self._keys: dict[str, Key] = {}

    def add(self, name: str, key: str, settings: Settings, balance: float, now: float) -> Account:
        """Open an account.

        Raises:
            ValueError: the name or the key is in use.
        """
        if name in self.accounts or key in self._keys:
            raise ValueError("the name or the key is in use")
        account = Account(name, settings, balance, random.Random(self._rng.getrandbits(64)), now)
        self.accounts[name] = account
        self._keys[key] = Key(account)
        return account

    def set_keys(self, name: str, state: KeyState) -> None:
        """Put all keys of an account in a state."""
        for key in self._keys.values():
            if key.account.name == name:
                key.state = state

    def key_states(self, name: str) -> list[KeyState]:
        return [key.state for key in self._keys.values() if key.account.name == name]

    def owner(self, key: str) -> Account | None:
        """Whose key it is, whatever its state."""
        known = self._keys.get(key)
        return known.account if known else None

    def authenticate(self, key: str) -> Account:
        """The account that a key opens.

        Raises:
            Refusal: there is none, or the key is good for nothing.
        """
        if not key:
            raise Refusal("missingApiKey", "apiKey")
        known = self._keys.get(key)
        if known is None or known.state is KeyState.REVOKED:
            raise Refusal("invalidApiKey", "apiKey")
        if known.state is KeyState.POWERLESS:
            raise Refusal("insufficientPermissions")
        return known.account

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`."""
        for account in self.accounts.values():
            account.advance(now)

    @property
    def due(self) -> float | None:
        """When something happens next."""
        planned = [account.timeline.due for account in self.accounts.values()]
        return min((time for time in planned if time is not None), default=None)
