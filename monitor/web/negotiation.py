"""What a client's `Accept` and `Accept-Encoding` allow (RFC 9110, 12.5.1 and 12.5.3)."""

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


def accepts_openmetrics(field: str) -> bool:
    """Whether OpenMetrics 1.0.0 is named, and wanted no less than plain text. A wildcard does not name it."""
    wanted = plain = 0.0
    for element in field.lower().split(","):
        kind, *parameters = (part.strip() for part in element.split(";"))
        versions = [
            value.strip() for name, _, value in (one.partition("=") for one in parameters) if name.strip() == "version"
        ]
        if kind == "application/openmetrics-text" and versions in ([], ["1.0.0"]):
            wanted = max(wanted, _weight(parameters))
        elif kind == "text/plain":
            plain = max(plain, _weight(parameters))
    return wanted > 0 and wanted >= plain


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
