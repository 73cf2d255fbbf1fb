"""Checking one part of the document against its schema, every fault at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from monitor.logs import redact

Shape = TypeVar("Shape")
Location = tuple[str | int, ...]
MESSAGES = {
    "missing": "missing; add it",
    "missing_argument": "missing; add it",
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dataclass_type": "must be a group of keys",
}


def check_shape(schema: type[Shape], data: object, place: str = "") -> tuple[Shape | None, list[str]]:
    """The value in `data` and the lines that tell its faults.

    Faulty keys are left out and their defaults stand in, so that later checks can go on; None when even that is
    impossible.
    """
    try:
        return TypeAdapter(schema).validate_python(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        faults = [_describe(schema, detail, place) for detail in details]
    pruned = _without(data, [detail["loc"] for detail in details])
    try:
        return TypeAdapter(schema).validate_python(pruned), faults
    except ValidationError:
        return None, faults


def _describe(schema: type, detail: ErrorDetails, place: str) -> str:
    where = _place(place, detail["loc"])
    if detail["type"] == "unexpected_keyword_argument":
        near, known = _known_keys(schema, detail["loc"])
        if near:
            return f"{where}: unknown key; did you mean {near[0]}?"
        return f"{redact(where)}: unknown key; known here: {', '.join(known)}"
    return f"{where}: {MESSAGES.get(detail['type']) or detail.get('ctx', {}).get('error') or detail['msg']}"


def _place(place: str, location: Location) -> str:
    for part in location:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return place or "the file"


def _known_keys(schema: type, location: Location) -> tuple[list[str], list[str]]:
    """The known key nearest to the last of `location`, where one is near, and all that are known in its place."""
    inner: Any = schema
    for part in location[:-1]:
        inner = inner if isinstance(part, int) else get_type_hints(inner)[part]
        inner = next(filter(is_dataclass, get_args(inner)), inner)  # a list's items, a group that may be absent
    known = [each.name for each in fields(inner)] if is_dataclass(inner) else []
    return get_close_matches(str(location[-1]), known, n=1), known


def _without(data: object, locations: Sequence[Location]) -> object:
    """A copy of `data` less the keys at `locations`."""
    data = deepcopy(data)
    for location in locations:
        holder: Any = data
        for part in location[:-1]:
            holder = holder.get(part) if isinstance(holder, Mapping) else None
        if isinstance(holder, dict) and location:
            holder.pop(location[-1], None)
    return data
