"""Which request means what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.observations import Kind
from monitor.providers import PROVIDERS
from monitor.providers.http import Route
from monitor.providers.runway.paths import ROUTES

RUNWAY = PROVIDERS["runway"]
ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"

GENERATIONS = [
    "image_to_video",
    "text_to_video",
    "video_to_video",
    "text_to_image",
    "character_performance",
    "image_upscale",
    "video_upscale",
    "video_to_hdr",
    "video_to_audio",
    "text_to_speech",
    "sound_effect",
    "speech_to_speech",
    "voice_dubbing",
    "voice_isolation",
    "avatar_videos",
]
RECIPES = [
    "ad_localization",
    "marketing_stock_image",
    "multi_shot_video",
    "product_ad",
    "product_campaign_image",
    "product_swap",
    "product_ugc",
]
OTHERS = [
    ("POST", "/v1/realtime_sessions", "/v1/realtime_sessions", Kind.CREATE),
    ("POST", "/v1/voices", "/v1/voices", Kind.CREATE),
    ("POST", "/v1/voices/preview", "/v1/voices/preview", Kind.CREATE),
    ("GET", f"/v1/tasks/{ID}", "/v1/tasks/{id}", Kind.POLL),
    ("GET", f"/v1/workflow_invocations/{ID}", "/v1/workflow_invocations/{id}", Kind.POLL),
    ("GET", f"/v1/realtime_sessions/{ID}", "/v1/realtime_sessions/{id}", Kind.POLL),
    ("DELETE", f"/v1/tasks/{ID}", "/v1/tasks/{id}", Kind.DELETE),
    ("DELETE", f"/v1/realtime_sessions/{ID}", "/v1/realtime_sessions/{id}", Kind.DELETE),
    ("DELETE", f"/v1/avatars/{ID}", "/v1/avatars/{id}", Kind.DELETE),
    ("DELETE", f"/v1/voices/{ID}", "/v1/voices/{id}", Kind.DELETE),
    ("DELETE", f"/v1/documents/{ID}", "/v1/documents/{id}", Kind.DELETE),
    ("DELETE", f"/v1/routers/{ID}", "/v1/routers/{id}", Kind.DELETE),
    ("GET", "/v1/organization", "/v1/organization", Kind.ACCOUNT),
    ("POST", "/v1/organization/usage", "/v1/organization/usage", Kind.ACCOUNT),
    ("GET", "/v1/organization/webapp/usage", "/v1/organization/webapp/usage", Kind.ACCOUNT),
    ("GET", "/v1/organization/webapp/audit_logs", "/v1/organization/webapp/audit_logs", Kind.ACCOUNT),
    (
        "GET",
        "/v1/organization/webapp/audit_logs/evt_1",
        "/v1/organization/webapp/audit_logs/{event_id}",
        Kind.ACCOUNT,
    ),
    ("GET", "/v1/avatar_usage", "/v1/avatar_usage", Kind.ACCOUNT),
    ("POST", f"/v1/realtime_sessions/{ID}/consume", "/v1/realtime_sessions/{id}/consume", Kind.OTHER),
    ("POST", "/v1/uploads", "/v1/uploads", Kind.OTHER),
    ("POST", "/v1/avatars", "/v1/avatars", Kind.OTHER),
    ("PATCH", f"/v1/avatars/{ID}", "/v1/avatars/{id}", Kind.OTHER),
    ("GET", "/v1/avatars?limit=10", "/v1/avatars", Kind.OTHER),
    ("GET", "/v1/voices?limit=10", "/v1/voices", Kind.OTHER),
    ("GET", f"/v1/voices/{ID}", "/v1/voices/{id}", Kind.OTHER),
    ("GET", "/v1/documents?limit=10", "/v1/documents", Kind.OTHER),
    ("GET", "/v1/avatar_conversations?limit=10", "/v1/avatar_conversations", Kind.OTHER),
    ("GET", f"/v1/avatar_conversations/{ID}", "/v1/avatar_conversations/{id}", Kind.OTHER),
    ("GET", "/v1/routers?limit=10", "/v1/routers", Kind.OTHER),
    ("GET", f"/v1/routers/{ID}/requests", "/v1/routers/{id}/requests", Kind.OTHER),
    ("GET", "/v1/workflows", "/v1/workflows", Kind.OTHER),
    ("GET", f"/v1/workflows/{ID}", "/v1/workflows/{id}", Kind.OTHER),
]


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_generation_is_a_create_that_makes_a_task_of_the_bodys_model(name: str):
    expected = Route(f"/v1/{name}", Kind.CREATE, model_fields=("model",), makes_task=True, reads_reply=True)
    assert RUNWAY.route("POST", f"/v1/{name}") == expected


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_makes_a_task_of_the_model_in_its_path(name: str):
    expected = Route("/v1/recipes/{name}", Kind.CREATE, model=name, makes_task=True, reads_reply=True)
    assert RUNWAY.route("POST", f"/v1/recipes/{name}") == expected


@pytest.mark.parametrize("medium", ["video", "image", "audio"])
def test_the_router_makes_a_task_whose_model_the_request_does_not_tell(medium: str):
    expected = Route(f"/v1/generate/{medium}", Kind.CREATE, makes_task=True, reads_reply=True)
    assert RUNWAY.route("POST", f"/v1/generate/{medium}") == expected


def test_a_workflow_makes_a_task_of_the_model_workflow():
    expected = Route("/v1/workflows/{id}", Kind.CREATE, model="workflow", makes_task=True, reads_reply=True)
    assert RUNWAY.route("POST", f"/v1/workflows/{ID}") == expected


@pytest.mark.parametrize(("method", "path", "endpoint", "kind"), OTHERS)
def test_every_other_endpoint_has_its_template_and_kind_and_makes_no_task(method, path, endpoint, kind):
    route = RUNWAY.route(method, path)
    assert (route.endpoint, route.kind, route.makes_task) == (endpoint, kind, False)


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/v1/realtime_sessions", "model"), ("/v1/voices", "from.model"), ("/v1/voices/preview", "model")],
)
def test_a_create_that_makes_no_task_still_names_where_its_model_stands(path: str, fields: str):
    assert RUNWAY.route("POST", path).model_fields == (fields,)


def test_only_tasks_and_invocations_are_named_by_a_path():
    assert RUNWAY.route("GET", f"/v1/tasks/{ID}").task == ID
    assert RUNWAY.route("DELETE", f"/v1/tasks/{ID}").task == ID
    assert RUNWAY.route("GET", f"/v1/workflow_invocations/{ID}").task == ID
    assert RUNWAY.route("GET", f"/v1/realtime_sessions/{ID}").task == ""
    assert RUNWAY.route("POST", f"/v1/workflows/{ID}").task == ""


def test_no_operation_of_the_real_sdk_is_unknown(sdk_operations):
    assert len(sdk_operations) >= 66
    for method, template in sdk_operations:
        route = RUNWAY.route(method, template.replace("{id}", ID).replace("{event_id}", ID))
        expected = "/v1/recipes/{name}" if template.startswith("/v1/recipes/") else template
        assert route.endpoint == expected, (method, template)
        assert (method, expected) in ROUTES


def test_exactly_what_the_real_sdk_can_wait_for_makes_a_task(sdk_operations):
    makers = {
        (method, template)
        for method, template in sdk_operations
        if RUNWAY.route(method, template.replace("{id}", ID)).makes_task
    }
    waitable = {operation for operation, can_wait in sdk_operations.items() if can_wait and operation[0] == "POST"}
    assert makers == waitable | {("POST", "/v1/workflows/{id}")}


def test_every_model_of_the_real_sdk_is_in_the_catalogue(sdk_models):
    assert len(sdk_models) >= 76
    assert sdk_models <= RUNWAY.models
    assert "workflow" in RUNWAY.models


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tasks/x/",
        "//v1//tasks/x",
        "/v1/tasks/x?y=/v1/uploads",
        "/v1/tasks/x#y",
        "/v1/%74asks/x",
        "v1/tasks/x",
    ],
)
def test_slashes_queries_and_encoding_do_not_hide_a_known_path(path: str):
    route = RUNWAY.route("get", path)
    assert (route.endpoint, route.kind, route.task) == ("/v1/tasks/{id}", Kind.POLL, "x")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "*",
        "/v1",
        "/v2/tasks/x",
        "/V1/TASKS/x",
        "/v1/tasks",
        "/v1/tasks/a/b",
        "/v1/tasks/..",
        "/v1/tasks/%2e%2e",
        f"/v1/{ID}",
        "/v1/recipes",
        "/v1/generate/text",
        "/x" * 5000,
        "http://api.dev.runwayml.com/v1/tasks/x",
    ],
)
def test_an_unknown_path_is_other(path: str):
    assert RUNWAY.route("GET", path) == Route("other", Kind.OTHER)


def test_a_known_path_with_a_wrong_method_keeps_its_template_and_is_other():
    assert RUNWAY.route("GET", "/v1/text_to_video") == Route("/v1/text_to_video", Kind.OTHER)
    assert RUNWAY.route("DELETE", "/v1/organization") == Route("/v1/organization", Kind.OTHER)
    assert RUNWAY.route("HEAD", f"/v1/tasks/{ID}") == Route("/v1/tasks/{id}", Kind.OTHER)


@pytest.mark.parametrize("strange", ["a%2Fb", "%00", "a%20b", "%ff", "x" * 129, "\udcff", "é"])
def test_what_can_be_no_id_names_no_task(strange: str):
    route = RUNWAY.route("GET", f"/v1/tasks/{strange}")
    assert (route.endpoint, route.task) == ("/v1/tasks/{id}", "")


@pytest.mark.parametrize("strange", [ID, ID.upper(), "a%20b", "x" * 65, "%F0%9F%8E%A5", "%22", "-x"])
def test_what_can_be_no_recipe_becomes_no_label(strange: str):
    assert RUNWAY.route("POST", f"/v1/recipes/{strange}").model == "unknown"


METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]) | st.text()
PARTS = (
    st.sampled_from(["v1", "tasks", "recipes", "workflows", "organization", "usage", "voices", "..", "%2f"]) | st.text()
)
PATHS = st.text() | st.lists(PARTS).map("/".join) | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(method=METHODS, path=PATHS)
def test_any_method_and_path_give_a_route_from_the_closed_set(method: str, path: str):
    templates = {known.endpoint for known in map(_of, CONCRETE)} | {"other"}
    route = RUNWAY.route(method, path)
    assert route.endpoint in templates
    assert route.kind in Kind


def _of(operation: tuple[str, str]) -> Route:
    return RUNWAY.route(*operation)


CONCRETE = [
    *(("POST", f"/v1/{name}") for name in GENERATIONS),
    *(("POST", f"/v1/generate/{medium}") for medium in ("video", "image", "audio")),
    ("POST", "/v1/recipes/product_ad"),
    *((method, path) for method, path, _, _ in OTHERS),
    ("GET", f"/v1/documents/{ID}"),
]
