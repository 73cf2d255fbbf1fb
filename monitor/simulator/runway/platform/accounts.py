"""All simulated organizations, and the door: keys, version, then the endpoint."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from monitor.simulator.runway.api.messages import Call, Reply
from monitor.simulator.runway.api.routes import CONSUME, OTHER, Match, match
from monitor.simulator.runway.errors import Refusal, refuse
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import timestamp
from monitor.simulator.runway.settings import Settings

API_VERSION = "2024-11-06"
WEB_APP_HOST = "api.runwayml.com"
DEFAULT_ROUTER = "default"


class KeyState(StrEnum):
    """What a key is good for. `wrong_host` is a key of the other host name."""

    VALID = "valid"
    REVOKED = "revoked"
    WRONG_HOST = "wrong_host"


@dataclass(slots=True)
class Key:
    """An API key of an organization; the secret itself is only in the table of keys."""

    organization: Organization
    state: KeyState = KeyState.VALID


class Platform:
    """Answers calls as Runway would. Seeded: the same calls at the same times have the same answers."""

    def __init__(self, seed: int) -> None:
        self.accounts: dict[str, Organization] = {}
        self._keys: dict[str, Key] = {}
        self._rng = random.Random(seed)

    def add(self, name: str, key: str, settings: Settings, credits_: int, now: float) -> Organization:
        """Open an organization with one key, one workflow and one Model Router configuration (`default`).

        Raises:
            ValueError: the name or the key is in use.
        """
        if name in self.accounts:
            raise ValueError(f"there already is an account {name!r}")
        self._check_unused(key)
        rng = random.Random(self._rng.getrandbits(64))
        organization = Organization(name, settings, credits_, rng, now)
        self.accounts[name] = organization
        _add_router(organization, now)
        self.add_key(name, key)
        return organization

    def add_key(self, name: str, key: str) -> None:
        """Give an organization one more key.

        Raises:
            ValueError: the key is in use.
        """
        self._check_unused(key)
        self._keys[key] = Key(self.accounts[name])

    def _check_unused(self, key: str) -> None:
        if key in self._keys:
            raise ValueError("the key is in use")

    def set_keys(self, name: str, state: KeyState) -> None:
        """Put all keys of an organization in a state."""
        for key in self._keys.values():
            if key.organization.name == name:
                key.state = state

    def key_states(self, name: str) -> list[KeyState]:
        return [key.state for key in self._keys.values() if key.organization.name == name]

    def owner(self, call: Call, found: Match) -> Organization | None:
        """Whose call it is, whatever the state of the key."""
        key = self._keys.get(_bearer(call))
        if key is not None:
            return key.organization
        owners = (one for one in self.accounts.values() if found.variable in one.sessions)
        return next(owners, None) if found.template == CONSUME else None

    def advance(self, now: float) -> None:
        for organization in self.accounts.values():
            organization.advance(now)

    def handle(self, call: Call) -> Reply:
        """Answer a call."""
        found = match(call.method, call.path)
        try:
            return self._answer(call, found)
        except Refusal as refusal:
            return Reply(refusal.status, refusal.body, reason=refusal.reason)

    def _answer(self, call: Call, found: Match) -> Reply:
        organization = self.owner(call, found)
        if found.template != CONSUME:
            self._authenticate(call)
        if organization is None:
            raise refuse("unauthorized")
        if found.template == OTHER:
            raise refuse("not_found")
        if found.endpoint is None:
            raise refuse("wrong_method")
        organization.advance(call.now)
        return found.endpoint.answer(organization, call, found.variable)

    def _authenticate(self, call: Call) -> None:
        key = self._keys.get(_bearer(call))
        if call.headers.get("host", "").partition(":")[0] == WEB_APP_HOST or (
            key is not None and key.state is KeyState.WRONG_HOST
        ):
            details = "This API key is for use with api.dev.runwayml.com."
            raise refuse("wrong_host", details=details)
        if key is None or key.state is KeyState.REVOKED:
            raise refuse("unauthorized")
        if call.headers.get("x-runway-version") != API_VERSION:
            raise refuse("wrong_version")


def _bearer(call: Call) -> str:
    scheme, _, secret = call.headers.get("authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" else ""


def _add_router(organization: Organization, now: float) -> None:
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
