from typing import Any

import pytest
from helpers_runware import (
    AIR,
    IMAGE,
    RUNWARE,
    VIDEO,
    U,
    V,
    W,
    ack,
    error,
    exchange,
    poll,
    request,
    result,
    story,
    stream,
    task,
    unknown,
)

from monitor.observations import Kind, TaskSeen
from monitor.observations import Outcome as Ends
from monitor.providers.http import Failure

TAKEN = [(U, "accepted", "")]
DONE = [*TAKEN, (U, "succeeded", "")]
ASKED = [(U, "asked", "")]


@pytest.mark.parametrize(
    ("body", "status", "outcome", "said"),
    [
        ({"data": [result()]}, 200, Ends.SUCCESS, DONE),
        ({"data": [result(), result()]}, 200, Ends.SUCCESS, DONE),
        ({"data": [ack()]}, 200, Ends.SUCCESS, TAKEN),
        ({"data": [ack() | {"status": "processing"}]}, 200, Ends.SUCCESS, [*TAKEN, (U, "running", "")]),
        ({"data": [result(status="finished")]}, 200, Ends.SUCCESS, DONE),
        ({"data": [ack() | {"text": "hello", "finishReason": "stop"}]}, 200, Ends.SUCCESS, DONE),
        ({"data": [ack() | {"imageUUID": "bare"}]}, 200, Ends.SUCCESS, TAKEN),
        ({"data": [ack() | {"imageDataURI": "data:..."}]}, 200, Ends.SUCCESS, DONE),
        ({"data": [ack() | {"text": "", "finishReason": "content_filter"}]}, 200, Ends.TASK_FAILED,
         [*TAKEN, (U, "failed", "moderation_output")]),
        ({"data": [result()], "errors": [error("timeoutProvider")]}, 200, Ends.PARTIAL, DONE),
        ({"data": [result()], "errors": [error("conflictTaskUUID")]}, 200, Ends.SUCCESS, DONE),
        ({"data": [], "errors": [error("timeoutProvider")]}, 200, Ends.TASK_FAILED, [*TAKEN, (U, "failed", "timeout")]),
        ({"errors": [error("noAvailableServer")]}, 200, Ends.TASK_FAILED, [*TAKEN, (U, "failed", "capacity")]),
        ({"errors": [error("contentPolicyViolation")]}, 200, Ends.TASK_FAILED, [*TAKEN, (U, "failed", "moderation")]),
        ({"errors": [error("invalidPositivePrompt")]}, 200, Ends.INVALID_REQUEST, []),
        ({"errors": [error("rateLimitExceeded")]}, 200, Ends.RATE_LIMITED, []),
        ({"errors": [error("insufficientCredits")]}, 200, Ends.INSUFFICIENT_CREDITS, []),
        ({"errors": [error("brandNew")]}, 200, Ends.TASK_FAILED, [*TAKEN, (U, "failed", "other")]),
        ({"errors": [error("taskCancelled")]}, 200, Ends.TASK_FAILED, [*TAKEN, (U, "cancelled", "")]),
        ({"error": error("providerError", None, None), "taskUUID": U, "taskType": IMAGE}, 200, Ends.TASK_FAILED,
         [*TAKEN, (U, "failed", "upstream")]),
        ({"data": [ack() | {"status": "error", "error": {"code": "providerTimeout"}}]}, 200, Ends.TASK_FAILED,
         [*TAKEN, (U, "failed", "timeout")]),
        ([{"errors": [error("providerError")]}], 200, Ends.TASK_FAILED, [*TAKEN, (U, "failed", "upstream")]),
        ({"error": True, "errors": [error("invalidApiKey", None, None)]}, 401, Ends.UNAUTHORIZED, []),
        ({"error": True, "errorId": 19, "errorMessage": "Invalid api key"}, 401, Ends.UNAUTHORIZED, []),
        ({"errors": [error("conflictTaskUUID")]}, 400, Ends.SUCCESS, TAKEN),
        ({"errors": [error("brandNew")]}, 400, Ends.INVALID_REQUEST, []),
        ({"errors": [error("timeoutProvider")]}, 504, Ends.TASK_FAILED, [*TAKEN, (U, "failed", "timeout")]),
        ({"errors": [error("noAvailableServer")]}, 503, Ends.OVERLOADED, []),
        ({"errors": [error("internalServerError")]}, 500, Ends.SERVER_ERROR, []),
        ({"errors": [error("rateLimitExceeded")]}, 429, Ends.RATE_LIMITED, []),
        ({"errors": [error("somethingElse", None, None)]}, 402, Ends.INSUFFICIENT_CREDITS, []),
        ({"errors": [error("internalServerError", None, None)]}, 200, Ends.SERVER_ERROR, []),
        ({"errors": [error("noAvailableServer", None, None)]}, 200, Ends.OVERLOADED, []),
        (b"<html>unavailable", 503, Ends.OVERLOADED, []),
        (b"", 504, Ends.OVERLOADED, ASKED),
        (b"Forbidden", 403, Ends.FORBIDDEN, []),
        (b"oops", 500, Ends.SERVER_ERROR, []),
        (b"half a", 200, Ends.TRUNCATED, ASKED),
        (b"<html>log in", 200, Ends.TRUNCATED, ASKED),
        (b"", 204, Ends.TRUNCATED, ASKED),
        (b"\"log in\"", 200, Ends.TRUNCATED, []),
        (b"<html>", 302, Ends.REDIRECTED, []),
        (b"", 304, Ends.REDIRECTED, []),
        (b"", 308, Ends.REDIRECTED, []),
        ({"data": [result()]}, 303, Ends.REDIRECTED, []),
        ({"errors": [error("taskCancelled")]}, 300, Ends.REDIRECTED, []),
        (b"", 103, Ends.TRUNCATED, []),
        ({}, 200, Ends.SUCCESS, []),
    ],
)  # fmt: skip
def test_a_create_ends_by_what_its_task_was_told(body: Any, status: int, outcome: Ends, said: list[Any]) -> None:
    told = RUNWARE.decode(exchange([task()], body, status))
    seen = request(told)
    assert (seen.outcome, seen.kind, seen.endpoint, seen.model) == (outcome, Kind.CREATE, "/v1", AIR)
    assert (seen.code, seen.duration_seconds) == (str(status), 10.0)
    assert story(told) == said


@pytest.mark.parametrize(
    ("body", "status", "outcome", "said"),
    [
        ({"data": [ack() | {"status": "processing", "progress": 47}]}, 200, Ends.SUCCESS, [(U, "running", "")]),
        ({"data": [ack() | {"status": "queued"}]}, 200, Ends.SUCCESS, [(U, "running", "")]),
        ({"data": [ack() | {"status": "dreaming"}]}, 200, Ends.SUCCESS, [(U, "running", "")]),
        ({"data": [result(status="finished")]}, 200, Ends.SUCCESS, [(U, "succeeded", "")]),
        ({"data": [result(status="success")]}, 200, Ends.SUCCESS, [(U, "succeeded", "")]),
        ({"data": [result(status="success"), ack() | {"status": "processing"}]}, 200, Ends.SUCCESS,
         [(U, "running", "")]),
        ({"data": [result(status="success")], "errors": [error("timeoutProvider", status="error")]}, 200, Ends.SUCCESS,
         [(U, "succeeded", "")]),
        ({"data": []}, 200, Ends.SUCCESS, [(U, "pending", "")]),
        ({"data": [], "errors": [error("timeoutProvider", status="error")]}, 200, Ends.SUCCESS,
         [(U, "failed", "timeout")]),
        ({"errors": [error("rateLimitExceeded", kind=VIDEO)]}, 200, Ends.SUCCESS, [(U, "failed", "rate_limit")]),
        ({"errors": [error("rateLimitExceeded", kind="getResponse")]}, 200, Ends.RATE_LIMITED, []),
        ({"errors": [error("failedProviderTimeout", kind=VIDEO, status="error")]}, 504, Ends.TASK_FAILED,
         [(U, "failed", "timeout")]),
        ({"errors": [error("rateLimitExceeded", kind=VIDEO)]}, 429, Ends.RATE_LIMITED, []),
        ({"errors": [error("noAvailableServer", kind=VIDEO)]}, 503, Ends.OVERLOADED, []),
        ({"errors": [error("invalidApiKey", kind=VIDEO)]}, 401, Ends.UNAUTHORIZED, []),
        ({"errors": [error("noAvailableServer", kind=VIDEO, status="error")]}, 503, Ends.TASK_FAILED,
         [(U, "failed", "capacity")]),
        ({"errors": [error("taskNotFound", kind="getResponse")]}, 404, Ends.NOT_FOUND, [(U, "missing", "")]),
        ({"errors": [error("taskNotFound")]}, 200, Ends.NOT_FOUND, [(U, "missing", "")]),
        ({"errors": [error("taskCancelled")]}, 200, Ends.SUCCESS, [(U, "cancelled", "")]),
        ({"errors": [error("conflictTaskUUID")]}, 200, Ends.SUCCESS, [(U, "pending", "")]),
        ({"errors": [error("invalidApiKey", None, None)]}, 401, Ends.UNAUTHORIZED, []),
        (b"<html>", 504, Ends.OVERLOADED, []),
        (b"", 503, Ends.OVERLOADED, []),
        (b"<html>", 302, Ends.REDIRECTED, []),
        ({"data": [result(status="success")]}, 307, Ends.REDIRECTED, []),
        (b"", 304, Ends.SUCCESS, []),
    ],
)  # fmt: skip
def test_a_poll_tells_of_its_task_and_is_a_success_when_it_was_answered(
    body: Any, status: int, outcome: Ends, said: list[Any]
) -> None:
    told = RUNWARE.decode(exchange([poll()], body, status))
    assert (request(told).outcome, request(told).kind, request(told).model) == (outcome, Kind.POLL, "")
    assert story(told) == said


def test_tasks_of_one_request_are_told_apart() -> None:
    body = {"data": [result(U), ack(V, VIDEO)], "errors": [error("providerError", W, "audioInference")]}
    items = [task(uuid=U), task(VIDEO, V), {"taskType": "audioInference", "taskUUID": W, "model": "elevenlabs:1@1"}]
    told = RUNWARE.decode(exchange(items, body))
    assert (request(told).outcome, request(told).model) == (Ends.PARTIAL, "mixed")
    expected = [(U, "accepted", ""), (U, "succeeded", ""), (V, "accepted", ""), (W, "accepted", "")]
    assert story(told) == [*expected, (W, "failed", "upstream")]


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ([error("invalidModel", U), error("invalidModel", V)], Ends.INVALID_REQUEST),
        ([error("timeoutProvider", U), error("invalidModel", V)], Ends.TASK_FAILED),
        ([error("insufficientCredits", U), error("invalidModel", V)], Ends.INSUFFICIENT_CREDITS),
        ([error("insufficientCredits", None, None)], Ends.INSUFFICIENT_CREDITS),
        ([error("conflictTaskUUID", U), error("invalidModel", V)], Ends.PARTIAL),
    ],
)
def test_a_request_whose_tasks_all_fail_takes_their_class(errors: list[Any], outcome: Ends) -> None:
    told = RUNWARE.decode(exchange([task(uuid=U), task(uuid=V)], {"errors": errors}))
    assert request(told).outcome is outcome


def test_a_task_lasts_from_the_request_to_its_answer() -> None:
    told = RUNWARE.decode(exchange([task()], {"data": [result(cost=0.0013), result(cost=0.0026)]}))
    accepted, ended = (each for each in told if isinstance(each, TaskSeen))
    assert (accepted.at, ended.at, ended.exact) == (1000.0, 1010.0, True)
    assert (accepted.credits, ended.credits) == (None, pytest.approx(0.0039))


def test_a_task_s_webhook_is_known_from_its_acceptance() -> None:
    items = [task(uuid=U, webhookURL="true"), task(uuid=V)]
    told = RUNWARE.decode(exchange(items, {"data": [ack(U), ack(V)]}))
    assert [(each.task, each.has_webhook) for each in told if isinstance(each, TaskSeen)] == [(U, True), (V, False)]


def test_what_a_task_cost_is_unknown_unless_it_is_told() -> None:
    told = RUNWARE.decode(exchange([task()], {"data": [result()]}))
    assert [each.credits for each in told if isinstance(each, TaskSeen)] == [None, None]


def test_a_request_is_a_retry_when_its_task_was_sent_before() -> None:
    assert request(RUNWARE.decode(exchange([task()], {"data": [ack()]}, repeated=frozenset({U})))).retry
    assert request(RUNWARE.decode(exchange([task()], {"errors": [error("conflictTaskUUID")]}))).retry
    assert not request(RUNWARE.decode(exchange([task()], {"data": [ack()]}))).retry


def test_a_request_names_the_tasks_that_it_asks_for() -> None:
    assert RUNWARE.named_tasks([task(uuid=U), poll(V), {"taskType": "ping"}, task(VIDEO, "no id!"), task(uuid=W)]) == (
        U,
        W,
    )


@pytest.mark.parametrize(
    ("item", "kind", "model"),
    [
        ({"taskType": IMAGE, "model": AIR}, Kind.CREATE, AIR),
        ({"taskType": "removeBackground"}, Kind.CREATE, "removeBackground"),
        ({"taskType": "imageUpscale"}, Kind.CREATE, "imageUpscale"),
        ({"taskType": IMAGE, "model": "a prompt, not a model"}, Kind.CREATE, "unknown"),
        ({"taskType": "hologramInference"}, Kind.CREATE, "unknown"),
        ({"taskType": "hologramInference", "model": AIR}, Kind.CREATE, AIR),
        ({"taskType": "getTaskDetails"}, Kind.POLL, ""),
        ({"taskType": "accountManagement"}, Kind.ACCOUNT, ""),
        ({"taskType": "modelSearch"}, Kind.OTHER, ""),
        ({"taskType": "mediaStorage"}, Kind.OTHER, ""),
        ({"taskType": "authentication"}, Kind.OTHER, ""),
        ({"taskType": "ping"}, Kind.OTHER, ""),
        ({}, Kind.OTHER, ""),
    ],
)
def test_the_kind_of_a_request_follows_from_its_tasks(item: dict[str, str], kind: Kind, model: str) -> None:
    told = RUNWARE.decode(exchange([{"taskUUID": U} | item], {"data": [ack(kind=item.get("taskType", ""))]}))
    assert (request(told).kind, request(told).model, request(told).outcome) == (kind, model, Ends.SUCCESS)
    assert bool(story(told)) == (kind is Kind.CREATE)


def test_what_the_tables_do_not_hold_is_told_once_a_message() -> None:
    body = {"data": [ack() | {"status": "resting"}], "errors": [error("brandNew"), error("brandNewToo", V)]}
    told = RUNWARE.decode(exchange([task("hologramInference"), task(uuid=V)], body))
    assert unknown(told) == ["error_code", "task_status", "task_type"]


@pytest.mark.parametrize(
    ("failure", "outcome", "said"),
    [
        (Failure.TIMEOUT, Ends.TIMEOUT, ASKED),
        (Failure.UNREACHABLE, Ends.UNREACHABLE, []),
        (Failure.CLIENT_GONE, Ends.CLIENT_GONE, ASKED),
        (Failure.TRUNCATED, Ends.TRUNCATED, ASKED),
    ],
)
def test_a_broken_exchange_tells_how_it_broke_and_what_may_have_got_through(
    failure: Failure, outcome: Ends, said: list[Any]
) -> None:
    told = RUNWARE.decode(exchange([task()], b"", None, failure=failure))
    assert (request(told).outcome, request(told).code, story(told)) == (outcome, "none", said)


def event(**more: object) -> dict[str, object]:
    return {"taskUUID": U, "taskType": "textInference"} | more


FIRST = event(delta={"text": "Once"}, finishReason=None)
LAST = event(delta={}, finishReason="stop", usage={"totalTokens": 9}, cost=0.002)


@pytest.mark.parametrize(
    ("events", "failure", "outcome", "said"),
    [
        ([FIRST, LAST, b"[DONE]"], None, Ends.SUCCESS, DONE),
        ([FIRST, event(delta={}, finishReason="length"), LAST], None, Ends.SUCCESS, DONE),
        ([FIRST], None, Ends.TRUNCATED, TAKEN),
        ([FIRST, b"[DONE]"], None, Ends.TRUNCATED, TAKEN),
        ([FIRST], Failure.CLIENT_GONE, Ends.CLIENT_GONE, TAKEN),
        ([FIRST, LAST, b"[DONE]"], Failure.CLIENT_GONE, Ends.SUCCESS, DONE),
        ([FIRST, LAST], Failure.TRUNCATED, Ends.SUCCESS, DONE),
        ([FIRST, {"errors": [error("providerError", None, None)]}], None, Ends.TASK_FAILED,
         [*TAKEN, (U, "failed", "upstream")]),
        ([FIRST, {"errors": [error("rateLimitExceeded", kind="textInference")]}], None, Ends.TASK_FAILED,
         [*TAKEN, (U, "failed", "rate_limit")]),
        ([{"errors": [error("invalidApiKey", None, None)]}], None, Ends.UNAUTHORIZED, []),
        ([FIRST, {"errors": [error("providerError", kind="textInference")]}], None, Ends.TASK_FAILED,
         [*TAKEN, (U, "failed", "upstream")]),
        ([FIRST, event(delta={}, finishReason="content_filter")], None, Ends.TASK_FAILED,
         [*TAKEN, (U, "failed", "moderation_output")]),
        ([], None, Ends.TRUNCATED, ASKED),
    ],
)  # fmt: skip
def test_a_stream_ends_well_only_with_its_finish_reason(
    events: list[Any], failure: Failure | None, outcome: Ends, said: list[Any]
) -> None:
    reply = stream(*events)
    told = RUNWARE.decode(exchange([task("textInference", model=AIR)], failure=failure, **reply))
    assert request(told).outcome is outcome
    assert story(told) == said


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b'{"taskUUID":"u","delta":{"text":"a"},"finishReason":null}', False),
        (b'{"taskUUID":"u","delta":{"text":"a \\"finishReason\\": \\"x\\""},"finishReason":null}', False),
        (b'{"delta":{},"finishReason":"stop"}', True),
        (b'{"delta":{}, "finishReason": "stop"}', True),
        (b'{"errors":[{"code":"x"}]}', True),
        (b'{"choices":[{"finish_reason":"stop"}]}', True),
        (b'{"type":"message_stop"}', True),
        (b'{"type":"response.completed"}', True),
        (b"[DONE]", True),
    ],
)
def test_of_a_stream_only_what_tells_its_end_is_kept(data: bytes, kept: bool) -> None:
    assert RUNWARE.keeps_event(data) is kept


def plain(path: str, status: int, body: bytes = b"", **more: Any) -> Any:
    return request(RUNWARE.decode(exchange((), body, status, path, request_fields={"model": AIR}, **more)))


def test_an_endpoint_in_another_vendors_format_is_a_request_only() -> None:
    told = RUNWARE.decode(exchange((), b"", 200, "/v1/chat/completions", request_fields={"model": AIR}))
    [seen] = told
    assert seen == plain("/v1/chat/completions", 200)
    assert (seen.kind, seen.model, seen.outcome, seen.endpoint) == (
        Kind.CREATE, AIR, Ends.SUCCESS, "/v1/chat/completions",
    )  # fmt: skip
    assert plain("/v1/responses", 429).outcome is Ends.RATE_LIMITED


def test_a_redirect_or_a_page_in_place_of_another_vendors_format_is_an_error() -> None:
    page = {"response_headers": {"Content-Type": "text/html"}}
    assert plain("/v1/chat/completions", 302).outcome is Ends.REDIRECTED
    assert plain("/v1/chat/completions", 200, b"<html>", **page).outcome is Ends.TRUNCATED
    assert plain("/v1/apps/my-app/invoke-sync/page", 200, b"<html>", **page).outcome is Ends.SUCCESS
    assert plain("/v1/apps/my-app/invoke-sync/page", 307).outcome is Ends.REDIRECTED


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((b'{"choices":[{"delta":{}}]}', b'{"choices":[{"finish_reason":"stop"}]}', b"[DONE]"), Ends.SUCCESS),
        ((b'{"type":"message_start"}', b'{"type":"message_stop"}'), Ends.SUCCESS),
        ((b'{"type":"response.created"}', b'{"type":"response.completed"}'), Ends.SUCCESS),
        ((b'{"type":"response.created","response":{"error": null}}', b'{"type":"response.completed"}'), Ends.SUCCESS),
        ((b'{"type":"response.created","response":{"error":null}}',
          b'{"type":"response.failed","response":{"error":{"code":"server_error"}}}'), Ends.SERVER_ERROR),
        ((b'{"choices":[{"delta":{}}]}',), Ends.TRUNCATED),
        ((b'{"choices":[{"delta":{}}]}', b'{"error":{"message":"overloaded"}}'), Ends.SERVER_ERROR),
    ],
)  # fmt: skip
def test_a_stream_in_another_vendors_format_is_judged_by_its_own_end(events: Any, outcome: Ends) -> None:
    reply = stream(*events)
    assert plain("/v1/messages", 200, reply["body"], response_headers=reply["response_headers"]).outcome is outcome


@pytest.mark.parametrize("failure", [Failure.CLIENT_GONE, Failure.TRUNCATED])
def test_who_has_the_whole_stream_may_leave(failure: Failure) -> None:
    whole = stream(b'{"choices":[{"finish_reason":"stop"}]}', b"[DONE]")
    half = stream(b'{"choices":[{"finish_reason":null}]}')
    outcomes = [
        plain("/v1/chat/completions", 200, each["body"], response_headers=each["response_headers"], failure=failure)
        for each in (whole, half)
    ]
    assert [each.outcome for each in outcomes] == [Ends.SUCCESS, Ends(failure.value)]


@pytest.mark.parametrize(("count", "retry"), [("0", False), ("1", True), ("2", True), ("x", False)])
def test_an_attempt_that_a_client_in_another_vendors_format_marks_is_a_retry(count: str, retry: bool) -> None:
    assert plain("/v1/responses", 503, request_headers={"X-Stainless-Retry-Count": count}).retry is retry


def test_a_stream_of_an_application_of_ones_own_has_no_end_that_is_known() -> None:
    reply = stream(b'{"error":"is a word of its own here"}')
    path, headers = "/v1/apps/my-app/invoke-sync/talk", reply["response_headers"]
    assert plain(path, 200, reply["body"], response_headers=headers).outcome is Ends.SUCCESS
    assert plain(path, 200, response_headers=headers, failure=Failure.TRUNCATED).outcome is Ends.TRUNCATED


def test_an_application_of_ones_own_is_counted_and_its_budget_is_no_load() -> None:
    path = "/v1/apps/my-app/invoke-async/generate/fast"
    assert plain(path, 202).model == "serverless"
    assert plain(path, 202).endpoint == "/v1/apps/{app}/invoke-async/{endpoint}"
    paused = b'{"type":"https://docs.runware.ai/serverless/errors#environment-paused","title":"Paused"}'
    assert plain(path, 429, paused).outcome is Ends.INSUFFICIENT_CREDITS
    assert plain(path, 429, b"{}").outcome is Ends.RATE_LIMITED


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "kind"),
    [
        ("POST", "/v1", "/v1", Kind.OTHER),
        ("POST", "/v1/?sdk=js&version=1.3.2", "/v1", Kind.OTHER),
        ("GET", "/v1?sdk=js", "/v1", Kind.OTHER),
        ("post", "/v1/messages", "/v1/messages", Kind.CREATE),
        ("GET", "/v1/apps/x/tasks/5", "/v1/apps/{app}/tasks/{id}", Kind.POLL),
        ("GET", "/v1/apps/{app}/tasks/{id}", "/v1/apps/{app}/tasks/{id}", Kind.POLL),
        ("GET", "/v1/apps/{app}/invoke-sync/{endpoint}", "/v1/apps/{app}/invoke-sync/{endpoint}", Kind.OTHER),
        ("DELETE", "/v1/messages", "/v1/messages", Kind.OTHER),
        ("POST", "/v2", "other", Kind.OTHER),
        ("POST", "", "other", Kind.OTHER),
        ("POST", "//v1", "/v1", Kind.OTHER),
        ("POST", "/v1//?a=//b", "/v1", Kind.OTHER),
        ("POST", "/%76%31/", "/v1", Kind.OTHER),
        ("POST", "//v1//messages/", "/v1/messages", Kind.CREATE),
        ("POST", "/v1/apps//x/invoke-async//generate/fast/", "/v1/apps/{app}/invoke-async/{endpoint}", Kind.CREATE),
        ("GET", "//v1/apps/x/tasks/5/", "/v1/apps/{app}/tasks/{id}", Kind.POLL),
    ],
)
def test_every_path_has_its_template(method: str, path: str, endpoint: str, kind: Kind) -> None:
    route = RUNWARE.route(method, path)
    assert (route.endpoint, route.kind) == (endpoint, kind)


@pytest.mark.parametrize(
    ("model", "upstream"),
    [(AIR, "runware"), ("bytedance:seedance@2.0", "bytedance"), ("runway:1@1", "runway"), ("new:1@1", "other"),
     ("removeBackground", ""), ("mixed", ""), ("unknown", "")],
)  # fmt: skip
def test_whose_a_model_is_follows_from_its_id(model: str, upstream: str) -> None:
    assert RUNWARE.upstream(model) == upstream


def test_a_task_is_read_by_a_poll_of_our_own_whatever_created_it() -> None:
    call = RUNWARE.task_call(U, "/v1")
    assert (call.method, call.path, call.json) == ("POST", "/v1", [poll()])
    told = RUNWARE.decode(exchange(call.items, {"data": [result(status="success")]}, by_client=False))
    [seen] = [each for each in told if isinstance(each, TaskSeen)]
    assert (seen.by_client, seen.status.value) == (False, "succeeded")


def test_the_key_goes_into_a_header_of_our_own_requests() -> None:
    assert RUNWARE.headers("k")["Authorization"] == "Bearer k"
    assert "k" not in RUNWARE.task_call(U, "/v1").json[0].values()  # type: ignore[index]


def test_of_several_tasks_only_those_are_in_doubt_that_were_not_told_of() -> None:
    half = {"data": [result()]}
    told = RUNWARE.decode(exchange([task(), task(uuid=V)], half, 200, failure=Failure.TRUNCATED))
    assert story(told) == [*DONE, (V, "asked", "")]
    refused = {"errors": [error("invalidApiKey", None, None)]}
    assert story(RUNWARE.decode(exchange([task()], refused, 504))) == []
