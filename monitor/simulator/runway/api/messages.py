"""A call and its reply, without HTTP. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from monitor.simulator.runway.errors import invalid, issue, refuse

_LARGEST_PAGE = 100
_LONGEST_NUMBER = 9


@dataclass(frozen=True)
class Call:
    """An HTTP request at a Unix time. `headers` has lower-case names; `path` is as the client sent it."""

    method: str
    path: str
    now: float
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def json(self) -> Any:
        """The decoded body, None if it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return None

    @property
    def fields(self) -> dict[str, Any]:
        """The body as a JSON object. An empty body has no fields.

        Raises:
            Refusal: the body is not a JSON object.
        """
        if not self.body:
            return {}
        if self.json is None:
            raise refuse("not_json")
        if not isinstance(self.json, dict):
            raise invalid([issue("", "Expected object", "invalid_type")])
        return self.json

    def require(self, *names: str) -> dict[str, Any]:
        """Return the body's fields if they have each of `names`. `a|b` requires one of both.

        Raises:
            Refusal: some are missing.
        """
        fields = self.fields
        missing = [name for name in names if all(fields.get(one) in (None, "") for one in name.split("|"))]
        if missing:
            raise invalid([issue(name.split("|")[0], "Required", "invalid_type") for name in missing])
        return fields


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. `document` None is an empty body. The fields after it are for the request log."""

    status: int
    document: Any = None
    model: str = ""
    task: str = ""
    task_status: str = ""
    reason: str = ""


NO_CONTENT = Reply(204)


def ok(document: Any, **notes: str) -> Reply:
    """Return a 200. `notes` are for the request log."""
    return Reply(200, document, **notes)


def page(call: Call, rows: list[Any], *required: str) -> Reply:
    """Return a part of `rows` by the query's `limit` (required, 1 to 100) and `cursor`.

    Raises:
        Refusal: a query parameter is missing or wrong.
    """
    faults = [issue(name, "Required", "invalid_type") for name in required if name not in call.query]
    limit = _whole(call.query.get("limit", ""))
    if limit is None or not 1 <= limit <= _LARGEST_PAGE:
        faults.append(issue("limit", f"Expected a number from 1 to {_LARGEST_PAGE}", "invalid_type"))
    start = _whole(call.query.get("cursor", "0"))
    if start is None:
        faults.append(issue("cursor", "Invalid cursor"))
    if faults or limit is None or start is None:
        raise invalid(faults, "query")
    end = start + limit
    return ok({"data": rows[start:end], "nextCursor": str(end) if end < len(rows) else None})


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None
