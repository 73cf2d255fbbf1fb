"""What each vendor's bytes mean."""

from __future__ import annotations

from monitor.providers.base import Provider
from monitor.providers.runware import Runware
from monitor.providers.runway import Runway

PROVIDERS: dict[str, Provider] = {
    "runway": Runway(),
    "runware": Runware(),
}
"""Every vendor, by the name that a configuration uses."""
