"""What both simulated providers read from an HTTP request: its kind, its key, and whether the monitor sent it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

_MONITOR = "genmedia-monitor/"
CLIENT_GONE = "client_gone"
"""The fault in the request log of a request whose client left before the answer."""


class Kind(StrEnum):
    """What a request is for."""

    CREATE = "create"
    POLL = "poll"
    ACCOUNT = "account"
    DELETE = "delete"
    OTHER = "other"


def is_own(headers: Mapping[str, str]) -> bool:
    """Return whether the monitor itself sent the request, by its User-Agent."""
    return headers.get("user-agent", "").startswith(_MONITOR)


def bearer_token(headers: Mapping[str, str]) -> str:
    """Return the API key of the Authorization header, empty if there is none."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" else ""
