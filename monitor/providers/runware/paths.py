"""Every endpoint of Runware, and from a method and a path to what the request means."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from msgspec.structs import replace

from monitor.observations import Kind
from monitor.providers.http import Route
from monitor.providers.lenient import path_segments

TASKS = "/v1"
"""The path that takes arrays of tasks, by POST or on a WebSocket (docs `models-api/authentication`, October 2026)."""

WEBHOOK = "webhookURL"
"""The field with the URL that gets the results (docs `models-api/webhooks`, October 2026). It may hold a secret."""

ITEM_FIELDS = ("taskType", "taskUUID", "model", "numberResults", "deliveryMethod", f"{WEBHOOK}?")
"""The fields of a passing task that are kept. None is a secret, and none says anything about the content."""

DRY_RUN = "dryRun"
YES = frozenset({"1", "true"})
"""With this query in the WebSocket's address, tasks are "validated by the server without executing inference" (README
of `@runware/sdk-js` 1.3.1, 2026, which sends `dryRun=1`). We assume that it works over HTTP, too, and as `true`."""

SERVERLESS = "serverless"
"""The model of a call to a serverless application, which does not name the model that it runs."""

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
"""Method, pattern of the path, and route. The kind of a POST to `/v1` follows from its tasks.

The four routes in other providers' formats are from docs `tools/compatible-apis` (autumn 2026). The last three are from
SDK 1.8.0 (October 2026) and have an origin of their own, https://api.serverless.runware.ai. Apart from `/v1`, no route
names a task that could be followed."""

OTHER = Route("other", Kind.OTHER)
PATTERNS = tuple((method, re.compile(pattern), found) for method, pattern, found in ROUTES)
TEMPLATES = {found.endpoint: found for _, _, found in ROUTES}


def route(method: str, path: str) -> Route:
    """Classify a request. A known path with an unknown method keeps its template and has the kind `other`."""
    plain = "/" + "/".join(path_segments(path))
    fitting = [(wanted, found) for wanted, pattern, found in PATTERNS if pattern.fullmatch(plain)]
    known = next((found for wanted, found in fitting if wanted == method.upper()), None)
    if known is not None:
        return known
    template = fitting[0][1].endpoint if fitting else TEMPLATES.get(plain, OTHER).endpoint
    return replace(OTHER, endpoint=template)


def is_dry_run(query: str) -> bool:
    """Whether the query of a request or of a WebSocket handshake asks for validation without generation."""
    if DRY_RUN not in query:
        return False
    return any(name == DRY_RUN and value.lower() in YES for name, value in parse_qsl(query.removeprefix("?")))
