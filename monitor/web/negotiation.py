"""What a client's `Accept-Encoding` allows (RFC 9110, 12.5.3)."""

from __future__ import annotations

import math


def accepts_gzip(field: str) -> bool:
    """Whether gzip may be sent, and is wanted no less than the plain text. What cannot be read allows nothing."""
    weights: dict[str, float] = {}
    for element in field.lower().split(","):
        coding, *parameters = (part.strip() for part in element.split(";"))
        weights[coding] = _weight(parameters)
    others = weights.get("*", 0.0)
    gzip = weights.get("gzip", weights.get("x-gzip", others))
    return gzip > 0 and gzip >= weights.get("identity", others)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if math.isfinite(weight) and 0 <= weight <= 1 else 0.0
    return 1.0
