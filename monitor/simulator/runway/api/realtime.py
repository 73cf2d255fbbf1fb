"""Endpoints of realtime sessions and of the conversations that come from them. Pure."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from monitor.simulator.runway.api.messages import NO_CONTENT, Call, Reply, ok, page
from monitor.simulator.runway.errors import invalid, issue, refuse
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.ledger import utc_day
from monitor.simulator.runway.platform.sessions import (
    CONVERSATION,
    LONGEST_SECONDS,
    MODEL,
    OVER,
    READY_SECONDS,
    UPFRONT_CREDITS,
    Session,
    SessionStatus,
    conversation_document,
    conversation_row,
    session_document,
)


def create_session(organization: Organization, call: Call, _: str) -> Reply:
    """POST /v1/realtime_sessions."""
    fields = call.require("model", "avatar")
    if fields["model"] != MODEL or not isinstance(fields["avatar"], dict):
        raise invalid([issue("model", "Invalid literal value", "invalid_literal")])
    longest = fields.get("maxDuration", LONGEST_SECONDS)
    if not isinstance(longest, int) or not 0 < longest <= LONGEST_SECONDS:
        raise invalid([issue("maxDuration", f"Expected 1 to {LONGEST_SECONDS}", "invalid_type")])
    queue = organization.admit(MODEL, UPFRONT_CREDITS, call.now)
    has_tools = bool(fields.get("tools"))
    session = Session(organization.new_id(), organization.new_id(), fields["avatar"], has_tools, longest, call.now)
    organization.sessions[session.id] = session
    queue.enter(partial(_take_slot, organization, session), call.now)
    return ok({"id": session.id}, model=MODEL)


def _take_slot(organization: Organization, session: Session, now: float) -> bool:
    if session.status is not SessionStatus.NOT_READY:
        return False
    session.queued = False
    organization.timeline.at(now + organization.settings.durations.pending, partial(_ready, organization, session))
    return True


def _ready(organization: Organization, session: Session, now: float) -> None:
    if session.status is SessionStatus.NOT_READY:
        session.status, session.expires_at = SessionStatus.READY, now + READY_SECONDS
        organization.timeline.at(session.expires_at, partial(_expire, organization, session))


def _expire(organization: Organization, session: Session, now: float) -> None:
    if session.status is SessionStatus.READY:
        _end(organization, session, SessionStatus.CANCELLED, now)


def _complete(organization: Organization, session: Session, now: float) -> None:
    if session.status is SessionStatus.RUNNING:
        _end(organization, session, SessionStatus.COMPLETED, now)


def _end(organization: Organization, session: Session, status: SessionStatus, now: float) -> None:
    session.status, session.finished_at = status, now
    organization.ledger.charge(MODEL, session.running_credits, now)
    if not session.queued:
        organization.queue(MODEL).leave(now)


def _find(organization: Organization, session_id: str) -> Session:
    session = organization.sessions.get(session_id)
    if session is None or session.gone:
        raise refuse("not_found")
    return session


def read_session(organization: Organization, _: Call, session_id: str) -> Reply:
    """GET /v1/realtime_sessions/{id}."""
    return ok(session_document(_find(organization, session_id)), model=MODEL)


def delete_session(organization: Organization, call: Call, session_id: str) -> Reply:
    """DELETE /v1/realtime_sessions/{id}: completes a running session, cancels any other."""
    session = _find(organization, session_id)
    if session.status in OVER:
        raise refuse("not_found")
    running = session.status is SessionStatus.RUNNING
    _end(organization, session, SessionStatus.COMPLETED if running else SessionStatus.CANCELLED, call.now)
    return Reply(204, model=MODEL)


def consume_session(organization: Organization, call: Call, session_id: str) -> Reply:
    """POST /v1/realtime_sessions/{id}/consume, once, authorized by the session's own key."""
    session = _find(organization, session_id)
    if session.status is not SessionStatus.READY or call.headers.get("authorization") != f"Bearer {session.key}":
        raise refuse("unauthorized")
    session.status, session.started_at = SessionStatus.RUNNING, call.now
    organization.timeline.at(call.now + session.max_seconds, partial(_complete, organization, session))
    room = {"url": "wss://rooms.simulator.invalid", "token": organization.new_id(), "roomName": session.id}
    return ok(room, model=MODEL)


def _conversations(organization: Organization) -> list[Session]:
    return [one for one in organization.sessions.values() if one.status in CONVERSATION and not one.gone]


def list_conversations(organization: Organization, call: Call, _: str) -> Reply:
    """GET /v1/avatar_conversations."""
    return page(call, [conversation_row(session) for session in _conversations(organization)])


def _find_conversation(organization: Organization, conversation_id: str) -> Session:
    session = _find(organization, conversation_id)
    if session.status not in CONVERSATION:
        raise refuse("not_found")
    return session


def read_conversation(organization: Organization, _: Call, conversation_id: str) -> Reply:
    """GET /v1/avatar_conversations/{id}."""
    return ok(conversation_document(_find_conversation(organization, conversation_id)))


def delete_conversation(organization: Organization, _: Call, conversation_id: str) -> Reply:
    """DELETE /v1/avatar_conversations/{id}."""
    _find_conversation(organization, conversation_id).gone = True
    return NO_CONTENT


def read_avatar_usage(organization: Organization, call: Call, _: str) -> Reply:
    """GET /v1/avatar_usage: finished sessions per UTC day between two dates."""
    missing = [name for name in ("startDate", "endDate") if name not in call.query]
    if missing:
        raise invalid([issue(name, "Required", "invalid_type") for name in missing], "query")
    start, end = call.query["startDate"][:10], call.query["endDate"][:10]
    days: defaultdict[str, list[int]] = defaultdict(list)
    for session in _conversations(organization):
        if session.finished_at is not None and start <= (day := utc_day(session.created_at)) < end:
            days[day].append(session.seconds)
    return ok(_usage(days))


def _usage(days: dict[str, list[int]]) -> dict[str, Any]:
    seconds = [one for day in days.values() for one in day]
    return {
        "totalSessions": len(seconds),
        "totalSeconds": sum(seconds),
        "avgDurationSeconds": round(sum(seconds) / len(seconds)) if seconds else 0,
        "byDay": [{"date": day, "sessions": len(row), "seconds": sum(row)} for day, row in sorted(days.items())],
    }
