"""All accounts of the simulated Runware, and the keys that open them."""

from __future__ import annotations

from enum import StrEnum

from monitor.simulator.runware.errors import Refusal
from monitor.simulator.runware.platform.account import Account
from monitor.simulator.runware.settings import Settings
from monitor.simulator.shared.accounts import AccountRegistry


class KeyState(StrEnum):
    """What a key is good for. `powerless` is a key without permission to do anything."""

    VALID = "valid"
    REVOKED = "revoked"
    POWERLESS = "powerless"


class Platform(AccountRegistry[Account, KeyState]):
    """The simulated Runware without its wire."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, KeyState.VALID)

    def add(self, name: str, key: str, settings: Settings, balance: float, now: float) -> Account:
        """Open an account with a balance in US dollars.

        Raises:
            ValueError: the name or the key is in use.
        """
        return self.register(name, key, lambda rng: Account(name, settings, balance, rng, now))

    def authenticate(self, secret: str) -> Account:
        """Return the account that a key opens.

        Raises:
            Refusal: the key is missing, unknown, revoked or powerless.
        """
        if not secret:
            raise Refusal("missingApiKey", "apiKey")
        key = self.key(secret)
        if key is None or key.state is KeyState.REVOKED:
            raise Refusal("invalidApiKey", "apiKey")
        if key.state is KeyState.POWERLESS:
            raise Refusal("insufficientPermissions")
        return key.account

    @property
    def due(self) -> float | None:
        """The Unix time of the next event, None if none is planned."""
        planned = [account.timeline.due for account in self.accounts.values()]
        return min((time for time in planned if time is not None), default=None)
