"""From a method and a path to what the request means."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from msgspec.structs import replace

from monitor.observations import Kind
from monitor.providers.http import Route
from monitor.providers.lenient import path_segments
from monitor.providers.runware.tables import DRY_RUN, ROUTES, YES

OTHER = Route("other", Kind.OTHER)
PATTERNS = tuple((method, re.compile(pattern), found) for method, pattern, found in ROUTES)
TEMPLATES = {found.endpoint: found for _, _, found in ROUTES}


def route(method: str, path: str) -> Route:
    """Classify a request. A known path with a method it does not have keeps its template, as kind `other`."""
    plain = "/" + "/".join(path_segments(path))
    fitting = [(wanted, found) for wanted, pattern, found in PATTERNS if pattern.fullmatch(plain)]
    known = next((found for wanted, found in fitting if wanted == method.upper()), None)
    if known is not None:
        return known
    template = fitting[0][1].endpoint if fitting else TEMPLATES.get(plain, OTHER).endpoint
    return replace(OTHER, endpoint=template)


def is_dry_run(query: str) -> bool:
    """Whether the query of a request or of a WebSocket's handshake asks to generate nothing."""
    if DRY_RUN not in query:
        return False
    return any(name == DRY_RUN and value.lower() in YES for name, value in parse_qsl(query.removeprefix("?")))
