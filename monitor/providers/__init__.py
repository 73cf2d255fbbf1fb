"""What each provider's bytes mean. Everything here is pure: no I/O, no clock."""

from __future__ import annotations

from monitor.providers.base import Provider
from monitor.providers.runware import Runware
from monitor.providers.runway import Runway

PROVIDERS: dict[str, Provider] = {
    "runway": Runway(),
    "runware": Runware(),
}
"""Every provider, by its name in the configuration."""
