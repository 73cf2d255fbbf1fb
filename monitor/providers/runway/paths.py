"""Runway's endpoints, and what a request to each of them means. To add one, add a line to these tables.

Sources, unless a table names another: the Python SDK `runwayml` 5.24.0 (autumn 2026) and Runway's own `openapi.json` of
2026-08-08.
"""

from __future__ import annotations

from msgspec.structs import replace

from monitor.observations import Kind
from monitor.providers.http import Route
from monitor.providers.lenient import is_task_id, model_id, path_segments

TASK = "/v1/tasks/{id}"
INVOCATION = "/v1/workflow_invocations/{id}"
WORKFLOW = "/v1/workflows/{id}"
WORKFLOW_MODEL = "workflow"

NAMES_TASK = frozenset({TASK, INVOCATION})
"""Endpoints whose path names a task."""

GENERATIONS = (
    "/v1/image_to_video",
    "/v1/text_to_video",
    "/v1/video_to_video",
    "/v1/text_to_image",
    "/v1/character_performance",
    "/v1/image_upscale",
    "/v1/video_upscale",
    "/v1/video_to_hdr",
    "/v1/video_to_audio",
    "/v1/text_to_speech",
    "/v1/sound_effect",
    "/v1/speech_to_speech",
    "/v1/voice_dubbing",
    "/v1/voice_isolation",
    "/v1/avatar_videos",
)
"""A POST creates a task with the model that the body names (SDK 5.24.0)."""

ROUTERS = ("/v1/generate/video", "/v1/generate/image", "/v1/generate/audio")
"""A POST creates a task with a model that only the reply names, at `routing.model` (SDK 5.24.0)."""

RECIPE = "/v1/recipes/{name}"
"""A POST creates a task whose model in limits and usage is the recipe's name (SDK 5.24.0)."""

OTHER_ENDPOINTS = (
    ("POST", Route(WORKFLOW, Kind.CREATE, model=WORKFLOW_MODEL, makes_task=True)),
    ("POST", Route("/v1/realtime_sessions", Kind.CREATE, model_fields=("model",))),
    ("POST", Route("/v1/voices", Kind.CREATE, model_fields=("from.model",))),
    ("POST", Route("/v1/voices/preview", Kind.CREATE, model_fields=("model",))),
    ("GET", Route(TASK, Kind.POLL)),
    ("GET", Route(INVOCATION, Kind.POLL)),
    ("GET", Route("/v1/realtime_sessions/{id}", Kind.POLL)),
    ("DELETE", Route(TASK, Kind.DELETE)),
    ("DELETE", Route("/v1/realtime_sessions/{id}", Kind.DELETE)),
    ("DELETE", Route("/v1/avatars/{id}", Kind.DELETE)),
    ("DELETE", Route("/v1/voices/{id}", Kind.DELETE)),
    ("DELETE", Route("/v1/documents/{id}", Kind.DELETE)),
    ("DELETE", Route("/v1/avatar_conversations/{id}", Kind.DELETE)),
    ("DELETE", Route("/v1/routers/{id}", Kind.DELETE)),
    ("DELETE", Route(WORKFLOW, Kind.DELETE)),
    ("GET", Route("/v1/organization", Kind.ACCOUNT)),
    ("POST", Route("/v1/organization/usage", Kind.ACCOUNT)),
    ("GET", Route("/v1/organization/webapp/usage", Kind.ACCOUNT)),
    ("GET", Route("/v1/organization/webapp/audit_logs", Kind.ACCOUNT)),
    ("GET", Route("/v1/organization/webapp/audit_logs/{event_id}", Kind.ACCOUNT)),
    ("GET", Route("/v1/avatar_usage", Kind.ACCOUNT)),
    ("POST", Route("/v1/realtime_sessions/{id}/consume", Kind.OTHER)),
    ("POST", Route("/v1/uploads", Kind.OTHER)),
    ("POST", Route("/v1/avatars", Kind.OTHER)),
    ("GET", Route("/v1/avatars", Kind.OTHER)),
    ("GET", Route("/v1/avatars/{id}", Kind.OTHER)),
    ("PATCH", Route("/v1/avatars/{id}", Kind.OTHER)),
    ("GET", Route("/v1/voices", Kind.OTHER)),
    ("GET", Route("/v1/voices/{id}", Kind.OTHER)),
    ("PATCH", Route("/v1/voices/{id}", Kind.OTHER)),
    ("POST", Route("/v1/documents", Kind.OTHER)),
    ("GET", Route("/v1/documents", Kind.OTHER)),
    ("GET", Route("/v1/documents/{id}", Kind.OTHER)),
    ("PATCH", Route("/v1/documents/{id}", Kind.OTHER)),
    ("GET", Route("/v1/avatar_conversations", Kind.OTHER)),
    ("GET", Route("/v1/avatar_conversations/{id}", Kind.OTHER)),
    ("POST", Route("/v1/routers", Kind.OTHER)),
    ("GET", Route("/v1/routers", Kind.OTHER)),
    ("GET", Route("/v1/routers/{id}", Kind.OTHER)),
    ("PATCH", Route("/v1/routers/{id}", Kind.OTHER)),
    ("GET", Route("/v1/routers/{id}/requests", Kind.OTHER)),
    ("GET", Route("/v1/workflows", Kind.OTHER)),
    ("GET", Route(WORKFLOW, Kind.OTHER)),
)
"""All other endpoints, with their method (SDK 5.24.0; `consume` from the skill pack of 2026-04-21)."""

ENDPOINTS: tuple[tuple[str, Route], ...] = (
    *(("POST", Route(path, Kind.CREATE, model_fields=("model",), makes_task=True)) for path in GENERATIONS),
    *(("POST", Route(path, Kind.CREATE, makes_task=True)) for path in ROUTERS),
    ("POST", Route(RECIPE, Kind.CREATE, makes_task=True)),
    *OTHER_ENDPOINTS,
)

OTHER = Route("other", Kind.OTHER)
PLACEHOLDER = ""


ROUTES = {
    (method, route.endpoint): replace(route, reads_reply=route.kind in {Kind.CREATE, Kind.POLL})
    for method, route in ENDPOINTS
}
TEMPLATES = {
    tuple(PLACEHOLDER if part.startswith("{") else part for part in path_segments(route.endpoint)): route.endpoint
    for _, route in ENDPOINTS
}
MAX_SEGMENTS = max(map(len, TEMPLATES))


def route(method: str, path: str) -> Route:
    """Classify a request. A known path with an unknown method keeps its template and has the kind `other`."""
    template, named = _match(path_segments(path))
    found = ROUTES.get((method.upper(), template))
    if found is None:
        return replace(OTHER, endpoint=template)
    if template == RECIPE:
        return replace(found, model=model_id(named))
    if template in NAMES_TASK and is_task_id(named):
        return replace(found, task=named)
    return found


def _match(segments: tuple[str, ...]) -> tuple[str, str]:
    """The template of a path, and the segment in place of the template's placeholder.

    Templates have at most one placeholder. So the path is looked up as it is, then with each segment replaced by a
    placeholder. The last segment comes first, because most ids stand there.
    """
    segments = segments[: MAX_SEGMENTS + 1]
    if segments in TEMPLATES:
        return TEMPLATES[segments], ""
    for index in reversed(range(len(segments))):
        pattern = (*segments[:index], PLACEHOLDER, *segments[index + 1 :])
        if pattern in TEMPLATES and segments[index] not in {".", ".."}:
            return TEMPLATES[pattern], segments[index]
    return OTHER.endpoint, ""
