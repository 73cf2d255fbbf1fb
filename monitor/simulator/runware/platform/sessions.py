"""WebSocket sessions, which outlive their socket for a while.

Frames that were not delivered are kept for 120 seconds. The client that resumes the session by its id gets them
(documentation of 2024 and 2026). The resumed session has a new id.
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
        """Close it cleanly, as soon as possible."""

    def reset(self) -> None:
        """Reset the TCP connection without a closing handshake."""


@dataclass(slots=True, eq=False)
class Session:
    """A client that authenticated. `left_at` is the Unix time at which its socket closed, None while it is open."""

    id: str
    account: Account
    key: str
    outbox: deque[dict[str, Any]] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    left_at: float | None = None

    def send(self, document: dict[str, Any]) -> None:
        """Queue a frame; it is sent as soon as there is a socket."""
        self.outbox.append(document)
        self.filled.set()


class Sessions:
    """All sessions that can be resumed, and all connections."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._sessions: dict[str, Session] = {}

    def open(self, account: Account, key: str, previous: str, now: float) -> Session:
        """Return a client's session under a new id: the previous one if it can still be resumed, else a new one."""
        self._forget(now)
        session = self._sessions.pop(previous, None)
        if session is None or session.account is not account:
            session = Session("", account, key)
        session.id, session.left_at = account.new_id(), None
        self._sessions[session.id] = session
        return session

    def _forget(self, now: float) -> None:
        """Drop the sessions that can no longer be resumed."""
        for session in tuple(self._sessions.values()):
            longest = session.account.settings.resume_seconds
            if session.left_at is not None and now - session.left_at > longest:
                del self._sessions[session.id]
