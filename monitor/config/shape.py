"""Checking one part of the document against its schema, every fault at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from monitor.runtime.logs import redact

Shape = TypeVar("Shape")
Location = tuple[str | int, ...]
_adapters: dict[type, TypeAdapter[Any]] = {}
MOST_FAULTS = 100
"""How many faults of one part are told. A part with more is no configuration, and nothing of it is used."""
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

    Faulty parts are left out and defaults stand in, so that later checks can go on; None when even that is impossible.
    """
    try:
        return _adapter(schema).validate_python(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    faults = [_describe(schema, detail, place) for detail in details[:MOST_FAULTS]]
    return None if len(details) > MOST_FAULTS else _salvaged(schema, data, details), faults


def _adapter(schema: type[Shape]) -> TypeAdapter[Shape]:
    """Made once, since that takes longer than a check."""
    if schema not in _adapters:
        _adapters[schema] = TypeAdapter(schema)
    return _adapters[schema]


def _salvaged(schema: type[Shape], data: object, details: Sequence[ErrorDetails]) -> Shape | None:
    """What is left of `data` without its faulty parts, if `schema` can do without them.

    They go one by one, because what is faulty may be required, so that without it its holder is faulty in turn.
    """
    while location := _nearest(data, details[0]["loc"]):
        data = _without(data, location)
        try:
            return _adapter(schema).validate_python(data)
        except ValidationError as error:
            details = error.errors(include_url=False)
    return None


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


def _nearest(data: Any, location: Location) -> Location:
    """The place in `data` that is nearest to `location`: of a missing key, its holder."""
    for depth, part in enumerate(location):
        try:
            data = data[part]
        except (LookupError, TypeError):
            return location[:depth]
    return location


def _without(data: Any, location: Location) -> object:
    """A copy of `data` less what is at `location`; as parts may be shared by way of anchors, none is changed."""
    first, *inner = location
    copy = data.copy()
    if inner:
        copy[first] = _without(copy[first], tuple(inner))
    else:
        del copy[first]
    return copy
