"""What is known of Runware's API, as dated data.

Sources, unless a table names another: the Python SDK `runware-sdk` 1.8.0 (October 2026) and the pages under
https://runware.ai/docs as stored from October 2025 to October 2026.
"""

from __future__ import annotations

import re

from monitor.observations import Kind
from monitor.providers.base import CapacityAdvice
from monitor.providers.http import Route

BASE_URL = "https://api.runware.ai"
"""Plain HTTP and server-sent events (docs `models-api/authentication`, October 2026)."""

WS_URL = "wss://ws-api.runware.ai"
"""WebSocket, which the SDKs use unless told otherwise (docs `models-api/authentication`, October 2026)."""

TASKS = "/v1"
"""Where an array of tasks is sent, by POST or on a WebSocket (docs `models-api/authentication`, October 2026)."""

DRY_RUN = "dryRun"
YES = frozenset({"1", "true"})
"""With this query on the WebSocket's address tasks are "validated by the server without executing inference" (README
of `@runware/sdk-js` 1.3.1, 2026, which sends `dryRun=1`). That it works over HTTP too, and as `true`, is an
assumption."""

CAPACITY = CapacityAdvice(healthy_seconds=30.0, concurrency=(2, 4))
""""Consistent sub-30s responses" are healthy, "2-4 concurrent requests" are recommended, and nothing is limited (docs
`platform/rate-limits`, July 2026; the newer page `models-api/rate-limits` could not be read to its end)."""

WEBHOOK = "webhookURL"
"""Where the vendor sends a task's results (docs `models-api/webhooks`, October 2026); it may hold a secret."""

ITEM_FIELDS = ("taskType", "taskUUID", "model", "numberResults", "deliveryMethod", f"{WEBHOOK}?")
"""What is kept of a task that passes: nothing that opens anything, nothing that it says of its content."""

GENERATIONS = frozenset(
    """
    imageInference videoInference audioInference textInference 3dInference upscale removeBackground caption
    controlNetPreprocess imageMasking promptEnhance vectorize training tools
    imageUpscale imageBackgroundRemoval imageCaption imageControlNetPreProcess photoMaker
    """.split()  # noqa: SIM905 - a list of this many quoted words is hard to read
)
"""Task types that generate (SDK 1.8.0), then the older names that the SDK `runware` 0.5.24 still sends (June 2026)."""

GET_RESPONSE = "getResponse"
POLLS = frozenset({GET_RESPONSE, "getTaskDetails"})
ACCOUNT = frozenset({"accountManagement"})
CONTROLS = frozenset({"authentication", "ping"})
"""Answered without a `taskUUID` (SDK 1.8.0)."""

UTILITIES = frozenset({"modelSearch", "modelUpload", "mediaStorage", "imageUpload"}) | CONTROLS
"""Task types that generate nothing (SDK 1.8.0)."""

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

PAUSED = "environment-paused"
"""In the `type` of a serverless 429: the month's budget is spent, which is no load (SDK 1.8.0)."""

FINISHED_STATUS = "success"
FAILED_STATUS = "error"
OPEN_STATUSES = frozenset({"processing", "queued", "pending", "scheduled", "waiting"})
"""`status` of a polled task (docs `models-api/task-polling`, October 2026). All open ones but the first are tolerated
by the SDK `runware` 0.5.24 and documented nowhere."""

MEDIA_ENDINGS = ("URL", "Base64Data", "DataURI")
RESULT_KEYS = ("text", "structuredData", "outputs", "air", "result")
"""A result is there once one of these keys, or one that ends so, has a value (SDK 1.8.0, `client.py`)."""

FILTERED = "content_filter"
"""The `finishReason` of a text that was cut off for what it says (SDK 1.8.0)."""

OLD_KEY_REFUSED = 19
"""`errorId` of a refused key in the protocol of 2024, which SDK `runware` 0.5.24 still understands."""

STREAM_EVENTS = re.compile(
    rb'"finish_?[rR]eason"\s*:\s*"|"errors?"\s*+:\s*+(?!null)|"cost"\s*:|^\[DONE\]'
    rb'|"(?:message_stop|response\.(?:completed|incomplete|failed))"'
)
"""Events of a stream that tell how it ended, in Runware's format (SDK 1.8.0, `stream.py`) and in those of the vendors
whose formats it also speaks (their documentation, 2026)."""

STREAM_ENDS = re.compile(
    rb'"finish_reason"\s*:\s*"|^\[DONE\]|"(?:message_stop|response\.(?:completed|incomplete))"', re.MULTILINE
)
"""Of those, the ones that say in another vendor's format that all is told."""

STREAM_ERROR = re.compile(rb'"error"\s*+:\s*+(?!null)')
"""And the ones that say there that it failed. A response that goes well holds an `error` of null (OpenAI, 2026)."""
