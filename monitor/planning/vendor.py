"""Whose limits are planned with: the provider that has usage tiers.

There is one. With a second, a plan without an account will have to be told which.
"""

from __future__ import annotations

from monitor.providers import PROVIDERS

VENDOR, TIERS = next((provider, provider.tiers) for provider in PROVIDERS.values() if provider.tiers is not None)
