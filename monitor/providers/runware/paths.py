"""From a method and a path to what the request means."""

from __future__ import annotations

import re

from msgspec.structs import replace

from monitor.model import Kind
from monitor.providers.base import Route
from monitor.providers.runware.tables import ROUTES

OTHER = Route("other", Kind.OTHER)
PATTERNS = tuple((method, re.compile(f"{pattern}/?"), found) for method, pattern, found in ROUTES)
TEMPLATES = {found.endpoint: found for _, _, found in ROUTES}


def route(method: str, path: str) -> Route:
    """Classify a request. A known path with a method it does not have keeps its template, as kind `other`."""
    plain = path.partition("#")[0].partition("?")[0]
    fitting = [(wanted, found) for wanted, pattern, found in PATTERNS if pattern.fullmatch(plain)]
    known = next((found for wanted, found in fitting if wanted == method.upper()), None)
    if known is not None:
        return known
    template = fitting[0][1].endpoint if fitting else TEMPLATES.get(plain, OTHER).endpoint
    return replace(OTHER, endpoint=template)
