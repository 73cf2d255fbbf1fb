"""A realtime avatar session, from the wait for capacity to its end, and how the API shows it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from monitor.simulator.runway.platform.tasks import timestamp

MODEL = "gwm1_avatars"
UPFRONT_CREDITS = 2
READY_SECONDS = 60.0
"""Seconds for which a session can be consumed."""
LONGEST_SECONDS = 300
"""Runway ends a session after five minutes (its skill pack, 2026-04)."""


class SessionStatus(StrEnum):
    """Runway's realtime session statuses."""

    NOT_READY = "NOT_READY"
    READY = "READY"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


OVER = frozenset({SessionStatus.COMPLETED, SessionStatus.CANCELLED})
CONVERSATION = {SessionStatus.RUNNING: "in_progress", SessionStatus.COMPLETED: "ended"}


@dataclass(slots=True)
class Session:
    """One session. Times are Unix seconds.

    A client consumes the session once, with `key`. `queued` says that it has no slot yet.
    """

    id: str
    key: str
    avatar: dict[str, Any]
    has_tools: bool
    max_seconds: int
    created_at: float
    status: SessionStatus = SessionStatus.NOT_READY
    queued: bool = True
    expires_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    gone: bool = False

    @property
    def seconds(self) -> int:
        """The seconds for which it ran, 0 until it is over."""
        if self.started_at is None or self.finished_at is None:
            return 0
        return math.ceil(self.finished_at - self.started_at)

    @property
    def running_credits(self) -> int:
        """Two credits for every six seconds, rounded up."""
        return 2 * math.ceil(self.seconds / 6)


def session_document(session: Session) -> dict[str, Any]:
    """Return the answer to GET /v1/realtime_sessions/{id}."""
    document: dict[str, Any] = {
        "id": session.id,
        "createdAt": timestamp(session.created_at),
        "status": session.status.value,
    }
    match session.status:
        case SessionStatus.NOT_READY:
            document["queued"] = session.queued
        case SessionStatus.READY:
            document["sessionKey"] = session.key
            document["expiresAt"] = timestamp(session.expires_at or session.created_at)
        case SessionStatus.COMPLETED:
            document["duration"] = session.seconds
    return document


def conversation_row(session: Session) -> dict[str, Any]:
    """Return a row of GET /v1/avatar_conversations."""
    return {
        "id": session.id,
        "name": "Conversation",
        "avatar": _avatar(session),
        "createdAt": timestamp(session.created_at),
        "duration": session.seconds if session.finished_at else None,
        "hasTools": session.has_tools,
        "status": CONVERSATION[session.status],
    }


def conversation_document(session: Session) -> dict[str, Any]:
    """Return the answer to GET /v1/avatar_conversations/{id}."""
    row = conversation_row(session)
    del row["hasTools"]
    started, ended = session.started_at, session.finished_at
    return {
        **row,
        "maxDuration": session.max_seconds,
        "startedAt": timestamp(started) if started else None,
        **({"endedAt": timestamp(ended)} if ended else {}),
        "recordingUrl": None,
        "tools": [],
        "transcript": [],
    }


def _avatar(session: Session) -> dict[str, Any]:
    if session.avatar.get("type") == "runway-preset":
        preset = session.avatar.get("presetId")
        return {"type": "runway-preset", "presetId": preset, "name": preset}
    return {"type": "custom", "id": session.avatar.get("avatarId"), "name": None}
