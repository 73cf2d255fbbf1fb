"""From a method and a path to what the request means."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from monitor.observations import Kind
from monitor.providers.http import Route
from monitor.providers.lenient import is_task_id, model_id, path_segments
from monitor.providers.runway.tables import ENDPOINTS, NAMES_TASK, RECIPE

OTHER = Route("other", Kind.OTHER)
ANY = ""


def _pattern(template: str) -> tuple[str, ...]:
    return tuple(ANY if part.startswith("{") else part for part in path_segments(template))


ROUTES = {
    (method, route.endpoint): replace(route, reads_reply=route.kind in {Kind.CREATE, Kind.POLL})
    for method, route in ENDPOINTS
}
TEMPLATES = {_pattern(route.endpoint): route.endpoint for _, route in ENDPOINTS}
LONGEST = max(map(len, TEMPLATES))


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
    for pattern, named in _patterns(segments[: LONGEST + 1]):
        if pattern in TEMPLATES:
            return TEMPLATES[pattern], named
    return OTHER.endpoint, ""


def _patterns(segments: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path as it is, then with each of its parts taken for a placeholder, the last first: most ids stand there."""
    yield segments, ""
    for index in reversed(range(len(segments))):
        named = segments[index]
        if named not in {".", ".."}:
            yield (*segments[:index], ANY, *segments[index + 1 :]), named
