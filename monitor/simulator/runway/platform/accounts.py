"""All organizations of the simulated Runway, and the keys that open them."""

from __future__ import annotations

from enum import StrEnum

from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import timestamp
from monitor.simulator.runway.settings import Settings
from monitor.simulator.shared.accounts import AccountRegistry

DEFAULT_ROUTER = "default"


class KeyState(StrEnum):
    """What a key is good for. `wrong_host` is a key of the web app's host name."""

    VALID = "valid"
    REVOKED = "revoked"
    WRONG_HOST = "wrong_host"


class Platform(AccountRegistry[Organization, KeyState]):
    """The simulated Runway without HTTP. It is seeded: the same calls at the same times get the same answers."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, KeyState.VALID)

    def add(self, name: str, key: str, settings: Settings, credits_: int, now: float) -> Organization:
        """Open an organization with one key, one workflow and one Model Router configuration (`default`).

        Raises:
            ValueError: the name or the key is in use.
        """
        organization = self.register(name, key, lambda rng: Organization(name, settings, credits_, rng, now))
        router_id, created = organization.new_id(), timestamp(now)
        organization.resources["routers"][router_id] = {
            "id": router_id,
            "slug": DEFAULT_ROUTER,
            "name": "Default",
            "description": None,
            "settings": {"schemaVersion": 1, "optimizeFor": "cost", "fallback": {"onCapacity": True}},
            "version": 1,
            "createdAt": created,
            "updatedAt": created,
        }
        return organization
