"""Every endpoint of Runway, and from a method and a path to what the request means."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from monitor.observations import Kind
from monitor.providers.http import Route
from monitor.providers.lenient import is_task_id, model_id, path_segments

TASK = "/v1/tasks/{id}"
INVOCATION = "/v1/workflow_invocations/{id}"
WORKFLOW = "/v1/workflows/{id}"
WORKFLOW_MODEL = "workflow"

NAMES_TASK = frozenset({TASK, INVOCATION})
"""The endpoints whose path names a task."""

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
"""POST to these creates a task of the model named in the body (SDK 5.24.0)."""

ROUTERS = ("/v1/generate/video", "/v1/generate/image", "/v1/generate/audio")
"""POST to these creates a task of a model that only the reply names, at `routing.model` (SDK 5.24.0)."""

RECIPE = "/v1/recipes/{name}"
"""POST to this creates a task whose model, in limits and usage, is the recipe's name (SDK 5.24.0)."""

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
"""Everything else, by method (SDK 5.24.0; `consume` from the skill pack of 2026-04-21)."""

ENDPOINTS: tuple[tuple[str, Route], ...] = (
    *(("POST", Route(path, Kind.CREATE, model_fields=("model",), makes_task=True)) for path in GENERATIONS),
    *(("POST", Route(path, Kind.CREATE, makes_task=True)) for path in ROUTERS),
    ("POST", Route(RECIPE, Kind.CREATE, makes_task=True)),
    *OTHER_ENDPOINTS,
)

OTHER = Route("other", Kind.OTHER)
PLACEHOLDER = ""


def _pattern(template: str) -> tuple[str, ...]:
    return tuple(PLACEHOLDER if part.startswith("{") else part for part in path_segments(template))


ROUTES = {
    (method, route.endpoint): replace(route, reads_reply=route.kind in {Kind.CREATE, Kind.POLL})
    for method, route in ENDPOINTS
}
TEMPLATES = {_pattern(route.endpoint): route.endpoint for _, route in ENDPOINTS}
MAX_SEGMENTS = max(map(len, TEMPLATES))


def route(method: str, path: str) -> Route:
    """Classify a request. A known path with a method it does not have keeps its template, as kind `other`."""
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
    """The template of a path and the part that stands for its placeholder."""
    for pattern, named in _patterns(segments[: MAX_SEGMENTS + 1]):
        if pattern in TEMPLATES:
            return TEMPLATES[pattern], named
    return OTHER.endpoint, ""


def _patterns(segments: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path as it is, then with each of its parts taken for a placeholder, the last first: most ids stand there."""
    yield segments, ""
    for index in reversed(range(len(segments))):
        named = segments[index]
        if named not in {".", ".."}:
            yield (*segments[:index], PLACEHOLDER, *segments[index + 1 :]), named
