"""Serverless applications: invocations by the id that the client chooses. Pure.

The source is `serverless.py` of `runware-sdk` 1.8.0 (October 2026). Applications need not exist. What an invocation
costs is unknown, so nothing is charged.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from monitor.simulator.runware.platform.account import Account

MODEL = "serverless"
"""The model name under which the settings hold the pace, the capacity and the queue of invocations."""

_PAUSED = "https://docs.runware.ai/serverless/errors#environment-paused"
_PRODUCTION = "production"


class Problem(Exception):  # noqa: N818 - the field's word (RFC 9457)
    """An invocation or a read is refused. `retry_after` is in seconds, None if waiting does not help."""

    def __init__(self, status: int, detail: str, kind: str = "about:blank", retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.retry_after = retry_after

    @property
    def document(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }


@dataclass(slots=True, eq=False)
class Invocation:
    """One call of one endpoint. `code` is the error that it ends with, None for a success. Times are Unix seconds."""

    id: str
    app: str
    endpoint: str
    environment: str
    created_at: float
    ends_at: float
    code: str | None
    completed_at: float | None = None
    watchers: list[Callable[[], None]] = field(default_factory=list)

    def end(self, now: float) -> None:
        """Finish the invocation."""
        self.completed_at = now
        for watcher in self.watchers:
            watcher()

    @property
    def document(self) -> dict[str, Any]:
        """The invocation as the API returns it."""
        over = self.completed_at is not None
        status = "pending" if not over else "completed" if self.code is None else "failed"
        return {
            "id": self.id,
            "status": status,
            "appId": self.app,
            "endpointPath": self.endpoint,
            "output": {"url": f"https://outputs.simulator.invalid/{self.id}"} if status == "completed" else None,
            "error": self.code if status == "failed" else None,
            "createdAt": _iso(self.created_at),
            "completedAt": None if self.completed_at is None else _iso(self.completed_at),
        }


class Apps:
    """The invocations of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._invocations: dict[tuple[str, str], Invocation] = {}

    @property
    def longest_wait(self) -> float:
        """Seconds after which a synchronous request gets an answer although its invocation still runs."""
        return self._account.settings.sync_seconds

    def invoke(self, app: str, endpoint: str, environment: str, task_id: object, now: float) -> Invocation:
        """Start an invocation, or return the one that has this id already.

        Raises:
            Problem: the id is not a UUID, the environment is paused, or the application is at capacity.
        """
        self._account.advance(now)
        environment = environment or _PRODUCTION
        if not _is_uuid(task_id):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "taskId must be a UUID.")
        known = self._invocations.get((str(task_id), environment))
        if known is not None:
            return known
        if environment in self._account.settings.paused_environments:
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "The month's budget is spent.", _PAUSED)
        self._admit(now)
        ends_at = now + self._account.settings.pace(MODEL).seconds
        scripted = self._account.script.popleft() if self._account.script else None
        invocation = Invocation(
            str(task_id), app, endpoint, environment, now, ends_at, scripted if isinstance(scripted, str) else None
        )
        self._invocations[invocation.id, environment] = invocation
        self._account.timeline.at(ends_at, invocation.end)
        return invocation

    def read(self, app: str, environment: str, task_id: str, now: float) -> Invocation:
        """Return an invocation of this application and environment.

        Raises:
            Problem: there is no such invocation.
        """
        self._account.advance(now)
        found = self._invocations.get((task_id, environment or _PRODUCTION))
        if found is None or found.app != app:
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such task.")
        return found

    def _admit(self, now: float) -> None:
        open_ends = [one.ends_at for one in self._invocations.values() if one.completed_at is None]
        settings = self._account.settings
        if len(open_ends) >= settings.capacity_of(MODEL) + settings.queue_size(MODEL):
            wait = max(1, math.ceil(min(open_ends) - now))
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "The application is at capacity.", retry_after=wait)


def _is_uuid(task_id: object) -> bool:
    try:
        return str(uuid.UUID(str(task_id))) == task_id
    except ValueError:
        return False


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
