"""How an exchange ended."""

from __future__ import annotations

import pytest

from monitor.observations import Kind, Outcome, RequestSeen
from monitor.providers import PROVIDERS
from monitor.providers.http import Failure

RUNWAY = PROVIDERS["runway"]
ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"
ACCEPTED = {"id": ID, "estimatedCost": {"credits": 60}}
DOCS = "https://docs.dev.runwayml.com/api"
NO_CREDITS = {"error": "You do not have enough credits to run this task.", "docUrl": DOCS}
DAILY_CAP = {"error": "Your daily task limit has been reached.", "docUrl": DOCS}
VALIDATION = {
    "error": "promptText: 'we do not have enough credits' is not allowed",
    "issues": [{"code": "invalid_string", "path": ["promptText", 0], "message": "refused"}],
    "docUrl": DOCS,
}
BAD_VERSION = {
    "error": "The API version that was provided in the X-Runway-Version header is not valid.",
    "docUrl": DOCS,
}
WRONG_HOST = {"error": "Incorrect hostname for API key", "details": "use api.dev.runwayml.com", "docUrl": DOCS}
NO_MODEL = {"error": "No eligible model", "code": "no_eligible_model", "pipeline": [], "emptiedBy": ["price"]}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def request(exchange) -> RequestSeen:
    first = RUNWAY.decode(exchange)[0]
    assert isinstance(first, RequestSeen)
    return first


def test_a_request_tells_all_its_labels_at_its_end(exchange):
    seen = request(exchange("POST", "/v1/text_to_video", ACCEPTED, asked={"model": "gen4.5"}))
    assert seen == RequestSeen(
        account="production",
        at=1010.0,
        endpoint="/v1/text_to_video",
        kind=Kind.CREATE,
        outcome=Outcome.SUCCESS,
        duration_seconds=10.0,
        model="gen4.5",
        code="200",
        retry=False,
    )


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, VALIDATION, Outcome.INVALID_REQUEST),
        (400, BAD_VERSION, Outcome.INVALID_REQUEST),
        (400, NO_MODEL, Outcome.INVALID_REQUEST),
        (400, b"", Outcome.INVALID_REQUEST),
        (400, {"error": None}, Outcome.INVALID_REQUEST),
        (400, {"error": "promptText: notenough credits"}, Outcome.INVALID_REQUEST),
        (400, NO_CREDITS, Outcome.INSUFFICIENT_CREDITS),
        (400, {"message": "You don't have enough credits."}, Outcome.INSUFFICIENT_CREDITS),
        (400, {"error": {"text": NO_CREDITS["error"]}}, Outcome.INSUFFICIENT_CREDITS),
        (400, b'{"error":"You do not have enough credits to ru', Outcome.INSUFFICIENT_CREDITS),
        (401, WRONG_HOST, Outcome.UNAUTHORIZED),
        (403, {}, Outcome.FORBIDDEN),
        (404, {"error": "x", "code": "router_config_not_found"}, Outcome.NOT_FOUND),
        (429, DAILY_CAP, Outcome.RATE_LIMITED),
        (402, NO_CREDITS, Outcome.CLIENT_ERROR),
        (405, {}, Outcome.CLIENT_ERROR),
        (408, {}, Outcome.CLIENT_ERROR),
        (409, {}, Outcome.CLIENT_ERROR),
        (413, HTML, Outcome.CLIENT_ERROR),
        (422, {}, Outcome.CLIENT_ERROR),
        (500, {}, Outcome.SERVER_ERROR),
        (501, {}, Outcome.SERVER_ERROR),
        (502, HTML, Outcome.OVERLOADED),
        (503, {"message": "Service Unavailable"}, Outcome.OVERLOADED),
        (504, b"", Outcome.OVERLOADED),
        (520, HTML, Outcome.SERVER_ERROR),
        (301, HTML, Outcome.REDIRECTED),
        (302, ACCEPTED, Outcome.REDIRECTED),
        (304, b"", Outcome.REDIRECTED),
        (307, b"", Outcome.REDIRECTED),
        (399, b"", Outcome.REDIRECTED),
        (103, b"", Outcome.TRUNCATED),
        (204, b"", Outcome.TRUNCATED),
        (205, b"", Outcome.TRUNCATED),
        (200, ACCEPTED, Outcome.SUCCESS),
        (202, ACCEPTED, Outcome.SUCCESS),
        (200, HTML, Outcome.TRUNCATED),
        (200, b'{"id":"17f2', Outcome.TRUNCATED),
        (200, b"", Outcome.TRUNCATED),
        (200, [ACCEPTED], Outcome.TRUNCATED),
        (200, b"[" * 100_000, Outcome.TRUNCATED),
    ],
)
def test_every_answer_to_a_create_has_its_outcome(exchange, status, body, outcome):
    seen = request(exchange("POST", "/v1/text_to_video", body, status=status))
    assert (seen.outcome, seen.code) == (outcome, str(status))


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_a_redirect_of_any_request_is_an_error_and_tells_nothing_of_tasks(exchange, status):
    for method, path in [("POST", "/v1/text_to_video"), ("GET", f"/v1/tasks/{ID}"), ("DELETE", f"/v1/tasks/{ID}")]:
        [seen] = RUNWAY.decode(exchange(method, path, ACCEPTED | {"status": "SUCCEEDED"}, status=status))
        assert (seen.outcome, seen.code) == (Outcome.REDIRECTED, str(status))


def test_a_304_answers_a_poll_and_tells_nothing_new(exchange):
    [seen] = RUNWAY.decode(exchange("GET", f"/v1/tasks/{ID}", status=304))
    assert seen.outcome is Outcome.SUCCESS
    assert request(exchange("GET", "/v1/organization", status=304)).outcome is Outcome.SUCCESS
    assert request(exchange("DELETE", f"/v1/tasks/{ID}", status=304)).outcome is Outcome.REDIRECTED
    broken = exchange("GET", f"/v1/tasks/{ID}", status=304, failure=Failure.CLIENT_GONE)
    assert request(broken).outcome is Outcome.CLIENT_GONE


def test_a_page_in_place_of_an_answer_is_no_success_and_deletes_nothing(exchange):
    page = {"response_headers": {"content-type": "Text/HTML; charset=utf-8"}}
    for method, path in [("DELETE", f"/v1/tasks/{ID}"), ("GET", "/v1/organization"), ("GET", "/v1/voices")]:
        [seen] = RUNWAY.decode(exchange(method, path, **page))
        assert seen.outcome is Outcome.TRUNCATED
    assert request(exchange("GET", "/health", **page)).outcome is Outcome.SUCCESS


@pytest.mark.parametrize("path", [f"/v1/tasks/{ID}", f"/v1/voices/{ID}", f"/v1/realtime_sessions/{ID}"])
def test_a_404_is_benign_on_a_delete_only(exchange, path):
    assert request(exchange("DELETE", path, {"error": "x"}, status=404)).outcome is Outcome.BENIGN_NOT_FOUND
    assert request(exchange("GET", path, {"error": "x"}, status=404)).outcome is Outcome.NOT_FOUND


def test_a_404_on_a_path_that_has_no_delete_is_not_benign(exchange):
    assert request(exchange("DELETE", "/v2/tasks", status=404)).outcome is Outcome.NOT_FOUND


def test_a_body_that_nobody_reads_cannot_be_truncated(exchange):
    assert request(exchange("GET", "/v1/organization")).outcome is Outcome.SUCCESS
    assert request(exchange("DELETE", f"/v1/tasks/{ID}", status=204)).outcome is Outcome.SUCCESS


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Failure.UNREACHABLE, Outcome.UNREACHABLE),
        (Failure.TIMEOUT, Outcome.TIMEOUT),
        (Failure.TRUNCATED, Outcome.TRUNCATED),
        (Failure.CLIENT_GONE, Outcome.CLIENT_GONE),
    ],
)
def test_a_failure_is_the_outcome_unless_an_error_status_came(exchange, failure, outcome):
    def ended(status):
        seen = request(exchange("POST", "/v1/text_to_video", ACCEPTED, status=status, failure=failure))
        return seen.outcome, seen.code

    assert ended(None) == (outcome, "none")
    assert ended(200) == (outcome, "200")
    assert ended(503) == (Outcome.OVERLOADED, "503")
    assert ended(429) == (Outcome.RATE_LIMITED, "429")


def test_an_exchange_without_status_or_failure_never_reached_the_vendor(exchange):
    seen = request(exchange("POST", "/v1/text_to_video", status=None))
    assert (seen.outcome, seen.code) == (Outcome.UNREACHABLE, "none")


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 10**9])
def test_a_status_that_http_does_not_have_is_no_label(exchange, status):
    assert request(exchange("GET", "/v1/organization", status=status)).code == "none"


@pytest.mark.parametrize(
    ("headers", "retry"),
    [
        ({}, False),
        ({"x-stainless-retry-count": "0"}, False),
        ({"x-stainless-retry-count": "1"}, True),
        ({"X-Stainless-Retry-Count": "2"}, True),
        ({"accept": "*/*", "X-STAINLESS-RETRY-COUNT": "10"}, True),
        ({"x-stainless-retry-count": ""}, False),
        ({"x-stainless-retry-count": "-1"}, False),
        ({"x-stainless-retry-count": "yes"}, False),
        ({"x-stainless-retry-count": "9" * 10_000}, True),
    ],
)
def test_an_attempt_is_a_retry_when_the_sdk_counts_it_as_one(exchange, headers, retry):
    assert request(exchange("POST", "/v1/text_to_video", ACCEPTED, request_headers=headers)).retry is retry


ROUTED = {"id": ID, "routing": {"model": "veo3.1_fast", "provider": "google", "estimatedCost": {"credits": 50}}}


@pytest.mark.parametrize(
    ("path", "asked", "body", "model"),
    [
        ("/v1/text_to_video", {"model": "gen4.5"}, ACCEPTED, "gen4.5"),
        ("/v1/text_to_video", {"model": "vendor/new-model:2"}, ACCEPTED, "vendor/new-model:2"),
        ("/v1/text_to_video", {}, ACCEPTED, "unknown"),
        ("/v1/text_to_video", {"model": ""}, ACCEPTED, "unknown"),
        ("/v1/text_to_video", {"model": "a cat on a mat"}, ACCEPTED, "unknown"),
        ("/v1/text_to_video", {"model": "gen4.5\n"}, ACCEPTED, "unknown"),
        ("/v1/text_to_video", {"model": ID}, ACCEPTED, "unknown"),
        ("/v1/text_to_video", {"model": "key_" + "0a" * 64}, ACCEPTED, "unknown"),
        ("/v1/recipes/product_ad", {}, ACCEPTED, "product_ad"),
        (f"/v1/workflows/{ID}", {}, {"id": ID}, "workflow"),
        ("/v1/generate/video", {}, ROUTED, "veo3.1_fast"),
        ("/v1/generate/video", {}, {"id": ID, "routing": {"model": ["veo3.1"]}}, "unknown"),
        ("/v1/generate/video", {}, NO_MODEL, "unknown"),
        ("/v1/voices", {"from.model": "eleven_ttv_v3"}, {"id": ID}, "eleven_ttv_v3"),
        ("/v1/voices", {}, {"id": ID}, "unknown"),
        ("/v1/realtime_sessions", {"model": "gwm1_avatars"}, {"id": ID}, "gwm1_avatars"),
        ("/v1/uploads", {"model": "gen4.5"}, {}, ""),
        ("/v1/organization/usage", {"model": "gen4.5"}, {}, ""),
    ],
)
def test_a_create_carries_its_model_and_nothing_else_does(exchange, path, asked, body, model):
    assert request(exchange("POST", path, body, asked=asked)).model == model


def test_a_poll_carries_no_model(exchange):
    assert request(exchange("GET", f"/v1/tasks/{ID}", {"id": ID, "status": "RUNNING"})).model == ""
