"""The pass-through between an application and a provider: aiohttp on both sides, bytes unchanged."""

from monitor.gateway.server import build_gateway

__all__ = ["build_gateway"]
