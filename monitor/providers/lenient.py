"""Tolerant readers of JSON and paths. Nothing here raises, whatever a provider or an application sends."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TypeGuard
from urllib.parse import unquote

import msgspec

UNKNOWN_MODEL = "unknown"

LARGEST_NUMBER = 1e15
MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}")
TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def json_value(body: bytes) -> object:
    r"""The value in a JSON `body`, None if there is none.

    The fast, strict parser comes first. What it rejects gets a tolerant second reading: UTF-16, UTF-32, a byte order
    mark, half of a surrogate pair as in `"\ud83d"`, and invalid bytes. A task must not be lost for the prose beside it.
    """
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(body.decode(json.detect_encoding(body), "replace"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def json_object(body: bytes) -> dict[str, object] | None:
    """The object in a JSON `body`, None if it holds anything else."""
    value = json_value(body)
    return value if isinstance(value, dict) else None


def path_segments(path: str) -> tuple[str, ...]:
    """The decoded segments of a request's path. Doubled and trailing slashes add none."""
    plain = path.partition("#")[0].partition("?")[0]
    return tuple(unquote(part) for part in plain.split("/") if part)


def nested(value: object, *keys: str) -> object:
    """The value under `keys` in nested objects, None if there is none."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def number(value: object) -> float | None:
    """A JSON number of plausible size, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= LARGEST_NUMBER else None


def count(value: object) -> int | None:
    """A whole JSON number of plausible size, zero or more, None for anything else. `2.0` is the number 2."""
    whole = number(value)
    return int(whole) if whole is not None and whole >= 0 and whole.is_integer() else None


def is_model_id(value: object) -> TypeGuard[str]:
    """Whether `value` looks like the id of a model, and not like free text or a UUID."""
    return isinstance(value, str) and bool(MODEL_ID.fullmatch(value)) and not UUID.fullmatch(value)


def model_id(value: object) -> str:
    """`value` if it can be the id of a model, else `unknown`."""
    return value if is_model_id(value) else UNKNOWN_MODEL


def is_day(value: object) -> TypeGuard[str]:
    """Whether `value` is a date, `YYYY-MM-DD`."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_task_id(value: object) -> TypeGuard[str]:
    """Whether `value` can be the id of a task."""
    return isinstance(value, str) and bool(TASK_ID.fullmatch(value))
