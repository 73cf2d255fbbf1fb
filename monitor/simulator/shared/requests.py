"""What both simulated vendors call a request, and how they know whose it is."""

from __future__ import annotations

from enum import StrEnum

OWN_USER_AGENT = "genmedia-monitor/"
"""How the monitor's own requests begin their User-Agent."""

CLIENT_GONE = "client_gone"
"""The fault of a request whose client did not wait for the answer."""


class Kind(StrEnum):
    """What a request is for."""

    CREATE = "create"
    POLL = "poll"
    ACCOUNT = "account"
    DELETE = "delete"
    OTHER = "other"
