"""Durations as users write them, in the configuration and on the command line."""

from __future__ import annotations

import re

UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)")


def parse_duration(text: object) -> float:
    """Seconds from text such as `250ms`, `60s`, `5m`, `1.5h` or `35d`.

    Raises:
        ValueError: the text is no duration; the message says what to give instead.
    """
    match = DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("not a duration; give a number and a unit, such as 60s")
    number, unit = match.groups()
    if not unit:
        raise ValueError("a number without a unit; give a unit, such as 60s")
    if unit not in UNIT_SECONDS:
        raise ValueError(f"unknown unit; use one of {', '.join(UNIT_SECONDS)}, such as 60s")
    return float(number) * UNIT_SECONDS[unit]
