"""Every endpoint of Runware, and from a method and a path to what the request means."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from msgspec.structs import replace

from monitor.observations import Kind
from monitor.providers.http import Route
from monitor.providers.lenient import path_segments

TASKS = "/v1"
"""Where an array of tasks is sent, by POST or on a WebSocket (docs `models-api/authentication`, October 2026)."""

WEBHOOK = "webhookURL"
"""Where the vendor sends a task's results (docs `models-api/webhooks`, October 2026); it may hold a secret."""

ITEM_FIELDS = ("taskType", "taskUUID", "model", "numberResults", "deliveryMethod", f"{WEBHOOK}?")
"""What is kept of a task that passes: nothing that opens anything, nothing that it says of its content."""

DRY_RUN = "dryRun"
YES = frozenset({"1", "true"})
"""With this query on the WebSocket's address tasks are "validated by the server without executing inference" (README
of `@runware/sdk-js` 1.3.1, 2026, which sends `dryRun=1`). That it works over HTTP too, and as `true`, is an
assumption."""

SERVERLESS = "serverless"
"""The model of a call to an application of one's own: what it runs is not told."""

ROUTES = (
    ("POST", "/v1", Route(TASKS, Kind.OTHER, item_fields=ITEM_FIELDS, reads_reply=True, cuts_reply=True)),
    ("POST", "/v1/chat/completions", Route("/v1/chat/completions", Kind.CREATE, model_fields=("model",))),
    ("POST", "/v1/responses", Route("/v1/responses", Kind.CREATE, model_fields=("model",))),
    ("POST", "/v1/messages", Route("/v1/messages", Kind.CREATE, model_fields=("model",))),
    ("POST", "/v1/decisions", Route("/v1/decisions", Kind.CREATE, model_fields=("model",))),
    (
        "POST",
        "/v1/apps/[^/]+/invoke-async/.+",
        Route("/v1/apps/{app}/invoke-async/{endpoint}", Kind.CREATE, model=SERVERLESS),
    ),
    (
        "POST",
        "/v1/apps/[^/]+/invoke-sync/.+",
        Route("/v1/apps/{app}/invoke-sync/{endpoint}", Kind.CREATE, model=SERVERLESS),
    ),
    ("GET", "/v1/apps/[^/]+/tasks/[^/]+", Route("/v1/apps/{app}/tasks/{id}", Kind.POLL)),
)
"""By method and path. The kind of a POST to `/v1` follows from its tasks. The four in other vendors' formats are from
docs `tools/compatible-apis` (autumn 2026), the last three from SDK 1.8.0; these live on an origin of their own,
https://api.serverless.runware.ai. None of them names a task that could be followed."""

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
