"""What an exchange tells of a task."""

from __future__ import annotations

import pytest

from monitor.observations import Outcome, Reason, TaskDeleted, TaskMissing, TaskSeen, TaskStatus, UnknownSeen
from monitor.providers import PROVIDERS
from monitor.providers.http import Call, Failure

RUNWAY = PROVIDERS["runway"]
ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"
POLL = f"/v1/tasks/{ID}"
CREATED_AT = "2026-11-22T00:00:00.000Z"


def facts(exchange) -> list:
    return RUNWAY.decode(exchange)[1:]


def poll(exchange, status: object, path: str = POLL, **fields: object) -> list:
    return facts(exchange("GET", path, {"id": ID, "createdAt": CREATED_AT, "status": status} | fields))


def seen(status: TaskStatus, **more) -> TaskSeen:
    poll_only = {"endpoint": "/v1/tasks/{id}", "model": "unknown"}
    return TaskSeen(account="production", at=1010.0, task=ID, status=status, **(poll_only | more))


def unknown(field: str) -> UnknownSeen:
    return UnknownSeen(account="production", at=1010.0, field=field)


def accepted(endpoint: str, model: str, estimate: float | None = None) -> TaskSeen:
    return seen(TaskStatus.PENDING, endpoint=endpoint, model=model, accepted=True, estimated_credits=estimate)


@pytest.mark.parametrize(
    ("path", "asked", "body", "expected"),
    [
        (
            "/v1/text_to_video",
            {"model": "gen4.5"},
            {"id": ID, "estimatedCost": {"credits": 60}},
            accepted("/v1/text_to_video", "gen4.5", 60),
        ),
        (
            "/v1/avatar_videos",
            {"model": "gwm1_avatars"},
            {"id": ID},
            accepted("/v1/avatar_videos", "gwm1_avatars"),
        ),
        (
            "/v1/recipes/product_ad",
            {},
            {"id": ID, "estimatedCost": {"credits": 12.5}},
            accepted("/v1/recipes/{name}", "product_ad", 12.5),
        ),
        (
            "/v1/generate/video",
            {},
            {"id": ID, "routing": {"model": "veo3.1_fast", "estimatedCost": {"credits": 50}}},
            accepted("/v1/generate/video", "veo3.1_fast", 50),
        ),
        (f"/v1/workflows/{ID}", {}, {"id": ID}, accepted("/v1/workflows/{id}", "workflow")),
    ],
)
def test_an_accepted_create_makes_a_pending_task(exchange, path, asked, body, expected):
    assert facts(exchange("POST", path, body, asked=asked)) == [expected]


@pytest.mark.parametrize(
    "exchanged",
    [
        {"body": {"routing": {"model": "veo3.1"}}},
        {"body": {"id": None}},
        {"body": {"id": ID}, "status": 400},
        {"body": {"id": ID}, "status": 302},
        {"body": {"id": ID}, "status": None, "failure": Failure.TIMEOUT},
        {"body": b'{"id":"' + ID.encode()},
    ],
)
def test_a_create_without_a_taken_id_makes_no_task(exchange, exchanged):
    assert facts(exchange("POST", "/v1/generate/video", **exchanged)) == []


@pytest.mark.parametrize("strange", [7, [ID], {}, "", "a b", "x" * 129, True])
def test_an_id_that_can_be_none_is_told_and_makes_no_task(exchange, strange):
    assert facts(exchange("POST", "/v1/text_to_video", {"id": strange})) == [unknown("task_id")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_a_reply_is_read_in_any_encoding_that_json_has(exchange, encoding):
    [seen] = facts(exchange("GET", f"/v1/tasks/{ID}", f'{{"id":"{ID}","status":"RUNNING"}}'.encode(encoding)))
    assert seen.status is TaskStatus.RUNNING


def test_bytes_that_are_no_text_do_not_lose_the_task(exchange):
    [seen] = facts(exchange("GET", f"/v1/tasks/{ID}", b'{"status":"RUNNING","prompt":"caf\xe9"}'))
    assert seen.status is TaskStatus.RUNNING


def test_a_create_without_an_id_is_strange_but_for_a_routers_dry_run(exchange):
    assert facts(exchange("POST", "/v1/text_to_video", {"message": "please log in"})) == [unknown("task_id")]
    assert facts(exchange("POST", "/v1/generate/video", {"routing": {"model": "gen4.5"}})) == []


@pytest.mark.parametrize(
    "path", ["/v1/realtime_sessions", "/v1/voices", "/v1/voices/preview", "/v1/avatars", "/v1/uploads"]
)
def test_sessions_voices_avatars_and_uploads_make_no_task(exchange, path):
    assert facts(exchange("POST", path, {"id": ID, "status": "RUNNING"})) == []


def test_a_session_is_polled_without_being_a_task(exchange):
    assert poll(exchange, "READY", f"/v1/realtime_sessions/{ID}") == []


def test_a_task_that_was_taken_exists_though_the_client_is_gone(exchange):
    gone = exchange("POST", "/v1/text_to_video", {"id": ID}, asked={"model": "gen4.5"}, failure=Failure.CLIENT_GONE)
    assert facts(gone) == [accepted("/v1/text_to_video", "gen4.5")]


@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        ("PENDING", {"estimatedCost": {"credits": 60}}, seen(TaskStatus.PENDING, estimated_credits=60)),
        ("THROTTLED", {"estimatedCost": {"credits": 60}}, seen(TaskStatus.THROTTLED, estimated_credits=60)),
        ("RUNNING", {"progress": 0.42}, seen(TaskStatus.RUNNING)),
        (
            "SUCCEEDED",
            {"output": ["https://x/y.mp4?_jwt=z"], "cost": {"credits": 55}},
            seen(TaskStatus.SUCCEEDED, credits=55),
        ),
        ("CANCELLED", {"cost": {"credits": 0}}, seen(TaskStatus.CANCELLED, credits=0)),
        ("CANCELED", {}, seen(TaskStatus.CANCELLED)),
        ("throttled", {}, seen(TaskStatus.THROTTLED)),
        ("Succeeded", {"cost": {"credits": "55"}}, seen(TaskStatus.SUCCEEDED)),
        ("Succeeded", {"cost": {"credits": True}}, seen(TaskStatus.SUCCEEDED)),
        ("Succeeded", {"cost": {"credits": -5}}, seen(TaskStatus.SUCCEEDED)),
        ("Succeeded", {"cost": {"credits": float("nan")}}, seen(TaskStatus.SUCCEEDED)),
        ("Succeeded", {"cost": {"credits": float("inf")}}, seen(TaskStatus.SUCCEEDED)),
        ("Succeeded", {"cost": 55}, seen(TaskStatus.SUCCEEDED)),
        ("Succeeded", {"cost": {"credits": 10**40}}, seen(TaskStatus.SUCCEEDED)),
        ("Succeeded", {"failureCode": "SAFETY.INPUT.TEXT"}, seen(TaskStatus.SUCCEEDED)),
    ],
)
def test_every_status_is_read_with_its_credits(exchange, status, fields, expected):
    assert poll(exchange, status, **fields) == [expected]


@pytest.mark.parametrize("status", ["QUEUED", "PROCESSING", "WEIRD", "", None, 7, ["RUNNING"], {}])
def test_a_status_never_heard_of_is_told_and_keeps_the_task_open(exchange, status):
    assert poll(exchange, status) == [seen(TaskStatus.PENDING), unknown("task_status")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("SAFETY", Reason.MODERATION),
        ("SAFETY.INPUT.TEXT", Reason.MODERATION_INPUT),
        ("SAFETY.INPUT.IMAGE", Reason.MODERATION_INPUT),
        ("SAFETY.INPUT.VIDEO", Reason.MODERATION_INPUT),
        ("SAFETY.NEW", Reason.MODERATION_INPUT),
        ("SAFETY.OUTPUT.VIDEO", Reason.MODERATION_OUTPUT),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", Reason.MODERATION_INPUT),
        ("INPUT_PREPROCESSING.SAFETY.THIRD_PARTY", Reason.MODERATION_INPUT),
        ("THIRD_PARTY.OUTPUT.SAFETY", Reason.MODERATION_OUTPUT),
        ("INPUT_PREPROCESSING.INTERNAL", Reason.INTERNAL),
        ("ASSET.INVALID", Reason.ASSET),
        ("INTERNAL.BAD_OUTPUT.01", Reason.BAD_OUTPUT),
        ("INTERNAL.BAD_OUTPUT.CODE01", Reason.BAD_OUTPUT),
        ("INTERNAL", Reason.INTERNAL),
        ("INTERNAL.SOMETHING", Reason.INTERNAL),
        ("internal.bad_output.code01", Reason.BAD_OUTPUT),
        (None, Reason.INTERNAL),
        ("", Reason.INTERNAL),
        ("THIRD_PARTY.UNAVAILABLE", Reason.UPSTREAM),
        ("THIRD_PARTY.INPUT_VALIDATION", Reason.INVALID_INPUT),
    ],
)
def test_every_failure_code_has_its_reason(exchange, code, reason):
    assert poll(exchange, "FAILED", failureCode=code) == [seen(TaskStatus.FAILED, reason=reason)]


def test_a_failure_without_a_code_is_internal(exchange):
    assert poll(exchange, "FAILED", failure="it broke", cost={"credits": 0}) == [
        seen(TaskStatus.FAILED, reason=Reason.INTERNAL, credits=0)
    ]


def test_prose_that_ends_in_half_a_character_hides_no_failure(exchange):
    body = b'{"status":"FAILED","failure":"cut \\ud83d","failureCode":"ASSET.INVALID"}'
    assert facts(exchange("GET", POLL, body)) == [seen(TaskStatus.FAILED, reason=Reason.ASSET)]


@pytest.mark.parametrize("code", ["INTERNALS", "INPUT_PREPROCESSING.NEW", "NEW.INTERNAL", ".", 7, ["SAFETY"], {"a": 1}])
def test_a_failure_code_never_heard_of_is_told_as_other(exchange, code):
    assert poll(exchange, "FAILED", failureCode=code) == [
        seen(TaskStatus.FAILED, reason=Reason.OTHER),
        unknown("failure_code"),
    ]


def invocation(status: TaskStatus, **more) -> TaskSeen:
    return seen(status, endpoint="/v1/workflow_invocations/{id}", model="workflow", **more)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"failureCode": "ASSET.INVALID", "nodeErrors": {"n": {"failureCode": "SAFETY"}}}, Reason.ASSET),
        ({"nodeErrors": {"m": {"message": "x"}, "n": {"message": "x", "failureCode": "SAFETY"}}}, Reason.MODERATION),
        ({"nodeErrors": {"m": {"message": "x"}}}, Reason.INTERNAL),
        ({"nodeErrors": ["SAFETY"]}, Reason.INTERNAL),
        ({}, Reason.INTERNAL),
    ],
)
def test_a_failed_workflow_takes_its_own_code_before_those_of_its_nodes(exchange, fields, reason):
    found = poll(exchange, "FAILED", f"/v1/workflow_invocations/{ID}", **fields)
    assert found == [invocation(TaskStatus.FAILED, reason=reason)]


def test_a_workflow_that_succeeded_with_failed_nodes_succeeded(exchange):
    errors = {"n": {"message": "x", "failureCode": "SAFETY.INPUT.TEXT"}}
    found = poll(exchange, "SUCCEEDED", f"/v1/workflow_invocations/{ID}", output={}, nodeErrors=errors)
    assert found == [invocation(TaskStatus.SUCCEEDED)]


@pytest.mark.parametrize("path", [POLL, f"/v1/workflow_invocations/{ID}"])
def test_a_404_on_a_poll_is_a_missing_task(exchange, path):
    found = facts(exchange("GET", path, {"error": "x"}, status=404))
    assert found == [TaskMissing(account="production", at=1010.0, task=ID)]


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_any_other_refused_poll_tells_nothing_of_the_task(exchange, status):
    assert facts(exchange("GET", POLL, {"id": ID, "status": "RUNNING"}, status=status)) == []


def test_a_poll_that_cannot_be_read_tells_nothing_of_the_task(exchange):
    broken = exchange("GET", POLL, b'{"id":"x","status":"SUCC')
    assert [observation.outcome for observation in RUNWAY.decode(broken)] == [Outcome.TRUNCATED]


@pytest.mark.parametrize("status", [200, 204])
def test_a_confirmed_delete_deletes_the_task(exchange, status):
    assert facts(exchange("DELETE", POLL, status=status)) == [TaskDeleted(account="production", at=1010.0, task=ID)]


def test_a_404_on_a_delete_says_that_the_task_is_gone(exchange):
    assert facts(exchange("DELETE", POLL, {"error": "x"}, status=404)) == [
        TaskMissing(account="production", at=1010.0, task=ID)
    ]


@pytest.mark.parametrize("status", [None, 401, 503])
def test_an_unconfirmed_delete_tells_nothing_of_the_task(exchange, status):
    assert facts(exchange("DELETE", POLL, status=status)) == []


def test_a_sighting_tells_who_looked(exchange):
    ours = {"by_client": False}
    assert facts(exchange("GET", POLL, {"status": "RUNNING"}, **ours)) == [seen(TaskStatus.RUNNING, by_client=False)]
    assert facts(exchange("GET", POLL, status=404, **ours)) == [
        TaskMissing(account="production", at=1010.0, task=ID, by_client=False)
    ]


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("/v1/text_to_video", "/v1/tasks/a%2Fb%3Fc"),
        ("/v1/recipes/{name}", "/v1/tasks/a%2Fb%3Fc"),
        ("/v1/tasks/{id}", "/v1/tasks/a%2Fb%3Fc"),
        ("", "/v1/tasks/a%2Fb%3Fc"),
        ("/v1/workflows/{id}", "/v1/workflow_invocations/a%2Fb%3Fc"),
        ("/v1/workflow_invocations/{id}", "/v1/workflow_invocations/a%2Fb%3Fc"),
    ],
)
def test_a_task_is_read_where_its_endpoint_says(endpoint, path):
    assert RUNWAY.task_call("a/b?c", endpoint) == Call("GET", path)


def test_every_created_task_can_be_read_by_the_call_its_sighting_names(exchange):
    for path in ("/v1/text_to_video", f"/v1/workflows/{ID}", "/v1/generate/audio"):
        (created,) = facts(exchange("POST", path, {"id": ID}))
        call = RUNWAY.task_call(created.task, created.endpoint)
        assert RUNWAY.route(call.method, call.path).task == ID
