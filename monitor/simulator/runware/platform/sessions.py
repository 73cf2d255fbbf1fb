"""Sessions of WebSockets: what is still to be told to a client, also when its socket is gone for a while.

What was not delivered is kept for 120 seconds and told to whoever resumes the session by its id (documentation of
2024 and 2026); the resumed session has a new id.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from monitor.simulator.runware.platform.account import Account


class Connection(Protocol):
    """An open WebSocket."""

    @property
    def account(self) -> str:
        """The name of the account that authenticated, empty before."""

    def close(self, code: int) -> None:
        """Close it cleanly, soon."""

    def reset(self) -> None:
        """Reset the TCP connection without a closing handshake."""


@dataclass(slots=True, eq=False)
class Session:
    """A client that authenticated. `left_at` is when its socket went, None while it has one."""

    id: str
    account: Account
    key: str
    outbox: deque[dict[str, Any]] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    left_at: float | None = None

    def send(self, document: dict[str, Any]) -> None:
        """Send a frame, as soon as there is a socket."""
        self.outbox.append(document)
        self.filled.set()


class Sessions:
    """All sessions that may be resumed, and all connections."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._sessions: dict[str, Session] = {}

    def open(self, account: Account, key: str, previous: str, now: float) -> Session:
        """A session for a client that authenticates: the one it had, if it may still resume it, under a new id."""
        self._forget(now)
        session = self._sessions.pop(previous, None)
        if session is None or session.account is not account:
            session = Session("", account, key)
        session.id, session.left_at = account.new_id(), None
        self._sessions[session.id] = session
        return session

    def _forget(self, now: float) -> None:
        """Drop what nobody may resume any more."""
        for session in tuple(self._sessions.values()):
            longest = session.account.settings.resume_seconds
            if session.left_at is not None and now - session.left_at > longest:
                del self._sessions[session.id]
