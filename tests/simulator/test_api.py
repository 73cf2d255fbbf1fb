from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from monitor.runtime.clock import ManualClock
from monitor.simulator.runway.api.messages import Reply
from monitor.simulator.runway.api.routes import OTHER, ROUTES, match
from monitor.simulator.runway.catalog import CREATIONS, RECIPE_REQUIRED, RECIPES
from monitor.simulator.runway.platform.accounts import KeyState, Platform

Ask = Callable[..., Reply]
DOCS = "https://docs.dev.runwayml.com/api"
VIDEO = {"model": "gen4.5", "promptText": "a cat", "ratio": "1280:720", "duration": 5}
ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"


def create(ask: Ask, **changes: Any) -> Reply:
    return ask("POST", "/v1/text_to_video", {**VIDEO, **changes})


def change(platform: Platform, clock: ManualClock, **changes: Any) -> None:
    organization = platform.accounts["test"]
    organization.change(organization.settings.changed(changes), clock.now())


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({"authorization": "Bearer key_wrong"}, 401, "The API key that was provided is not valid."),
        ({"authorization": ""}, 401, "The API key that was provided is not valid."),
        ({"host": "api.runwayml.com"}, 401, "Incorrect hostname for API key"),
        (
            {"x_runway_version": "2024-09-13"},
            400,
            "The API version that was provided in the X-Runway-Version header is not valid.",
        ),
        (
            {"x_runway_version": ""},
            400,
            "The API version that was provided in the X-Runway-Version header is not valid.",
        ),
    ],
)
def test_the_door_refuses_a_wrong_key_host_or_version(
    ask: Ask, headers: dict[str, str], status: int, error: str
) -> None:
    reply = ask("GET", "/v1/organization", **headers)
    assert (reply.status, reply.document["error"], reply.document["docUrl"]) == (status, error, DOCS)


def test_a_revoked_key_and_a_key_of_the_other_host_are_401(ask: Ask, platform: Platform) -> None:
    for state, reason in [(KeyState.REVOKED, "unauthorized"), (KeyState.WRONG_HOST, "wrong_host")]:
        platform.set_keys("test", state)
        reply = ask("GET", "/v1/organization")
        assert (reply.status, reply.reason) == (401, reason)


def test_the_daily_limit_and_no_credits_answer_with_the_captured_bodies(
    ask: Ask, platform: Platform, clock: ManualClock
) -> None:
    change(platform, clock, limits={"gen4.5": {"daily": 0}})
    limited = create(ask)
    assert limited.status == 429
    body = msgspec.json.encode(limited.document)
    assert body == b'{"error":"Your daily task limit has been reached.","docUrl":"https://docs.dev.runwayml.com/api"}'
    assert len(body) == 96
    platform.accounts["test"].ledger.balance = 0
    change(platform, clock, limits={})
    poor = create(ask)
    assert (poor.status, poor.document) == (
        400,
        {"error": "You do not have enough credits to run this task.", "docUrl": DOCS},
    )


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"promptText": "x"}, "model"),
        ({**VIDEO, "model": "gen3a_turbo"}, "model"),
        ({"model": "gen4.5", "promptText": "x", "duration": 5}, "ratio"),
        ({**VIDEO, "ratio": "16x9"}, "ratio"),
        ({**VIDEO, "duration": "long"}, "duration"),
        ({**VIDEO, "promptText": 5}, "promptText"),
        ([1], ""),
    ],
)
def test_invalid_input_is_400_with_the_issues(ask: Ask, body: Any, path: str) -> None:
    reply = ask("POST", "/v1/text_to_video", body)
    assert (reply.status, reply.reason) == (400, "validation")
    assert reply.document["issues"][0]["path"] == [path]


def test_a_body_that_is_no_json_is_400(ask: Ask) -> None:
    reply = ask("POST", "/v1/text_to_video", b'{"model":')
    assert (reply.status, reply.reason) == (400, "not_json")


def test_unknown_paths_are_404_and_wrong_methods_405(ask: Ask) -> None:
    assert ask("GET", "/v1/nothing").status == 404
    assert ask("GET", f"/v1/tasks/{ID}/more").status == 404
    assert ask("PUT", f"/v1/tasks/{ID}").status == 405


@pytest.mark.parametrize("path", sorted(CREATIONS))
def test_every_creation_endpoint_makes_tasks_of_each_of_its_models(ask: Ask, platform: Platform, path: str) -> None:
    platform.accounts["test"].ledger.balance = 10**9
    filled = {
        name: [{"uri": "https://x/y.png"}]
        for name in ("promptImage", "referenceImages", "videoUri", "character", "reference", "imageUri", "audioUri",
                     "media", "voice", "targetLang", "avatar")
    }  # fmt: skip
    body = {**VIDEO, **filled, "speech": {"type": "text", "text": "hello"}}
    for model in CREATIONS[path].models:
        reply = ask("POST", path, {**body, "model": model})
        assert reply.status == 200, reply.document
        assert platform.accounts["test"].tasks[reply.document["id"]].model == model
        assert ("estimatedCost" in reply.document) == (path != "/v1/avatar_videos")


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_is_a_task_named_after_it(ask: Ask, name: str) -> None:
    required = {field.split("|")[0]: "x" for field in RECIPE_REQUIRED[name]}
    reply = ask("POST", f"/v1/recipes/{name}", {**required, "version": "2026-06"})
    assert (reply.status, reply.model) == (200, name)
    assert ask("POST", f"/v1/recipes/{name}", {**required, "version": "2020-01"}).status == 400


def test_avatar_videos_are_billed_under_other_ids_than_they_are_asked_for(ask: Ask, platform: Platform) -> None:
    for kind in ("text", "audio"):
        body = {"model": "gwm1_avatars", "avatar": {"type": "custom"}, "speech": {"type": kind}}
        assert ask("POST", "/v1/avatar_videos", body).status == 200
    assert set(platform.accounts["test"].queues) == {
        "gwm1_avatar_async_text_to_video",
        "gwm1_avatar_async_audio_to_video",
    }


def test_each_status_has_its_own_fields_and_no_others(ask: Ask, platform: Platform, clock: ManualClock) -> None:
    platform.accounts["test"].script.extend([None, None, "SAFETY.INPUT.TEXT", "-"])
    ids = [create(ask).document["id"] for _ in range(4)]

    def read(number: int) -> dict[str, Any]:
        document: dict[str, Any] = ask("GET", f"/v1/tasks/{ids[number]}").document
        assert document["id"] == ids[number]
        assert document["createdAt"] == "2025-06-15T15:06:40.000Z"
        return {name: value for name, value in document.items() if name not in {"id", "createdAt"}}

    assert read(0) == {"status": "PENDING", "estimatedCost": {"credits": 60}}
    assert read(1) == {"status": "THROTTLED", "estimatedCost": {"credits": 60}}
    clock.advance(8.5)
    assert read(0) == {"status": "RUNNING", "progress": 0.5, "estimatedCost": {"credits": 60}}
    clock.advance(100)
    done = read(0)
    assert done.pop("output")[0].startswith("https://")
    assert done == {"status": "SUCCEEDED", "cost": {"credits": 60}}
    failed = read(2)
    assert failed.pop("failure")
    assert failed == {"status": "FAILED", "failureCode": "SAFETY.INPUT.TEXT", "cost": {"credits": 60}}
    assert set(read(3)) == {"status", "failure", "cost"}


def test_a_cancelled_or_deleted_task_is_404_ever_after(ask: Ask, clock: ManualClock) -> None:
    first, second = (create(ask).document["id"] for _ in range(2))
    clock.advance(20)
    for task in (first, second):
        reply = ask("DELETE", f"/v1/tasks/{task}")
        assert (reply.status, reply.document) == (204, None)
        assert [ask(method, f"/v1/tasks/{task}").status for method in ("DELETE", "GET")] == [404, 404]


def test_a_cancelled_task_can_be_shown_as_such(ask: Ask, platform: Platform, clock: ManualClock) -> None:
    change(platform, clock, cancelled_visible=True)
    task = create(ask).document["id"]
    assert ask("DELETE", f"/v1/tasks/{task}").status == 204
    document = ask("GET", f"/v1/tasks/{task}").document
    assert (document["status"], document["cost"]) == ("CANCELLED", {"credits": 0})
    assert ask("DELETE", f"/v1/tasks/{task}").status == 404


def test_a_new_task_can_be_unknown_for_a_moment(ask: Ask, platform: Platform, clock: ManualClock) -> None:
    change(platform, clock, visible_after=1)
    task = create(ask).document["id"]
    assert ask("GET", f"/v1/tasks/{task}").status == 404
    clock.advance(1)
    assert ask("GET", f"/v1/tasks/{task}").status == 200


def test_the_organization_shows_null_and_zero_limits_and_todays_use(
    ask: Ask, platform: Platform, clock: ManualClock
) -> None:
    change(platform, clock, limits={"gen4_turbo": {}, "veo3.1": {"concurrency": 0, "daily": 0}, "brand_new": {}})
    create(ask)
    document = ask("GET", "/v1/organization").document
    models = document["tier"]["models"]
    assert document["creditBalance"] == 9_940
    assert document["tier"]["maxMonthlyCreditSpend"] == 10_000
    assert models["gen4.5"] == {"maxConcurrentGenerations": 1, "maxDailyGenerations": 50}
    assert models["gen4_turbo"] == models["brand_new"]
    assert models["brand_new"] == {"maxConcurrentGenerations": None, "maxDailyGenerations": None}
    assert models["veo3.1"] == {"maxConcurrentGenerations": 0, "maxDailyGenerations": 0}
    assert document["usage"]["models"] == {"gen4.5": {"dailyGenerations": 1}}
    clock.advance(86_400)
    assert ask("GET", "/v1/organization").document["usage"]["models"] == {"gen4.5": {"dailyGenerations": 0}}


def test_usage_is_net_credits_by_utc_day_with_empty_days(ask: Ask, platform: Platform, clock: ManualClock) -> None:
    platform.accounts["test"].script.extend([None, "INTERNAL"])
    change(platform, clock, durations={"running": 86_400, "pending": 0}, limits={"gen4.5": {"concurrency": 2}})
    create(ask)
    create(ask)
    clock.advance(2 * 86_400)
    reply = ask("POST", "/v1/organization/usage", {"startDate": "2025-06-14", "beforeDate": "2025-06-18"})
    assert reply.document == {
        "results": [
            {"date": "2025-06-14", "usedCredits": []},
            {"date": "2025-06-15", "usedCredits": [{"model": "gen4.5", "amount": 120}]},
            {"date": "2025-06-16", "usedCredits": [{"model": "gen4.5", "amount": -60}]},
            {"date": "2025-06-17", "usedCredits": []},
        ],
        "models": ["gen4.5"],
    }


def test_usage_without_dates_ends_yesterday(ask: Ask) -> None:
    create(ask)
    results = ask("POST", "/v1/organization/usage").document["results"]
    assert (results[0]["date"], results[-1]["date"]) == ("2025-05-16", "2025-06-14")


@pytest.mark.parametrize(
    "body",
    [
        {"startDate": "June"},
        {"startDate": 5},
        {"startDate": "2025-06-01", "beforeDate": "2025-06-01"},
        {"startDate": "2025-01-01", "beforeDate": "2025-06-01"},
    ],
)
def test_usage_refuses_dates_that_make_no_sense(ask: Ask, body: dict[str, Any]) -> None:
    assert ask("POST", "/v1/organization/usage", body).status == 400


def test_a_workflow_invocation_is_polled_apart_from_tasks(ask: Ask, platform: Platform, clock: ManualClock) -> None:
    workflow = ask("GET", "/v1/workflows").document["data"][0]["versions"][0]["id"]
    platform.accounts["test"].script.extend([None, "SAFETY.INPUT.TEXT"])
    first, second = (ask("POST", f"/v1/workflows/{workflow}", {"nodeOutputs": {}}) for _ in range(2))
    assert first.document == {"id": first.task}
    assert ask("GET", f"/v1/tasks/{first.task}").status == 404

    def read(reply: Reply) -> dict[str, Any]:
        document: dict[str, Any] = ask("GET", f"/v1/workflow_invocations/{reply.task}").document
        return document

    assert set(read(first)) == {"id", "createdAt", "status"}
    clock.advance(5)
    assert read(first)["output"] == {}
    clock.advance(50)
    assert list(read(first)["output"]) == ["node-1"]
    assert read(second)["nodeErrors"]["node-1"]["message"] == read(second)["failure"]
    assert ask("POST", f"/v1/workflows/{ID}", {}).status == 404


def test_the_model_router_names_the_cheapest_model_with_room(ask: Ask, platform: Platform) -> None:
    body = {"configId": "default", "input": {"promptText": "a cat", "duration": 5}}
    first = ask("POST", "/v1/generate/video", body).document["routing"]
    assert first["model"] == "grok_imagine_1_5_lite"
    assert (first["provider"], first["estimatedCost"]) == ("xai", {"credits": 30})
    second = ask("POST", "/v1/generate/video", body).document["routing"]
    assert second["capacityFallback"] == {"skipped": ["grok_imagine_1_5_lite"], "allExhausted": False}
    assert second["model"] == "kling2.5_turbo_pro"
    router = ask("GET", "/v1/routers", query={"limit": "1"}).document["data"][0]
    rows = ask("GET", f"/v1/routers/{router['id']}/requests", query={"limit": "5"}).document["data"]
    assert [row["model"] for row in rows] == ["kling2.5_turbo_pro", "grok_imagine_1_5_lite"]
    assert rows[0]["taskId"] in platform.accounts["test"].tasks


def test_the_model_router_says_why_it_cannot_choose(ask: Ask) -> None:
    body = {"configId": "narrow", "input": {"promptText": "a cat"}}
    missing = ask("POST", "/v1/generate/image", body)
    assert (missing.status, missing.document["code"]) == (404, "router_config_not_found")
    ask("POST", "/v1/routers", {"slug": "narrow", "settings": {"maxCreditsPerGeneration": {"image": 1}}})
    none = ask("POST", "/v1/generate/image", body)
    assert (none.status, none.document["code"], none.document["emptiedBy"]) == (400, "no_eligible_model", ["price"])


def test_a_dry_run_makes_no_task(ask: Ask, platform: Platform) -> None:
    reply = ask("POST", "/v1/generate/video", {"configId": "default", "input": {}, "dryRun": True})
    assert (reply.status, set(reply.document)) == (200, {"routing"})
    assert not platform.accounts["test"].tasks


def test_a_realtime_session_waits_is_consumed_once_and_becomes_a_conversation(ask: Ask, clock: ManualClock) -> None:
    body = {"model": "gwm1_avatars", "avatar": {"type": "runway-preset", "presetId": "influencer"}}
    first, second = (ask("POST", "/v1/realtime_sessions", body).document["id"] for _ in range(2))

    def read(session: str) -> dict[str, Any]:
        document: dict[str, Any] = ask("GET", f"/v1/realtime_sessions/{session}").document
        return document

    assert (read(first)["status"], read(first)["queued"]) == ("NOT_READY", False)
    assert read(second)["queued"] is True
    clock.advance(1)
    consume = f"/v1/realtime_sessions/{first}/consume"
    assert ask("POST", consume).status == 401
    authorization = f"Bearer {read(first)['sessionKey']}"
    room = ask("POST", consume, authorization=authorization, x_runway_version="")
    assert set(room.document) == {"url", "token", "roomName"}
    assert ask("POST", consume, authorization=authorization).status == 401
    assert read(first)["status"] == "RUNNING"
    clock.advance(12)
    assert ask("DELETE", f"/v1/realtime_sessions/{first}").status == 204
    assert (read(first)["status"], read(first)["duration"]) == ("COMPLETED", 12)
    assert ask("GET", "/v1/organization").document["creditBalance"] == 10_000 - 2 - 2 - 4
    assert ask("GET", f"/v1/avatar_conversations/{first}").document["status"] == "ended"
    dates = {"startDate": "2025-06-15", "endDate": "2025-06-16"}
    assert ask("GET", "/v1/avatar_usage", query=dates).document["totalSeconds"] == 12
    clock.advance(61)
    assert read(second)["status"] == "CANCELLED"


def test_a_list_needs_a_limit_and_goes_on_by_cursor(ask: Ask) -> None:
    for number in range(5):
        ask("POST", "/v1/documents", {"name": f"n{number}", "content": "text"})
    order = {"sort": "createdAt", "order": "asc"}
    assert ask("GET", "/v1/documents", query={"limit": "2"}).status == 400
    for limit in ("", "0", "101", "x"):
        assert ask("GET", "/v1/documents", query={**order, "limit": limit}).status == 400
    names: list[str] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = ask("GET", "/v1/documents", query={**order, "limit": "2", "cursor": cursor}).document
        names += [row["name"] for row in page["data"]]
        cursor = page["nextCursor"]
    assert names == [f"n{number}" for number in range(5)]


def test_what_is_kept_can_be_changed_and_deleted(ask: Ask, clock: ManualClock) -> None:
    avatar = {"name": "Ann", "personality": "kind", "referenceImage": "https://x/y.png",
              "voice": {"type": "runway-live-preset", "presetId": "clara"}}  # fmt: skip
    made = ask("POST", "/v1/avatars", avatar).document
    path = f"/v1/avatars/{made['id']}"
    assert made["status"] == "PROCESSING"
    assert ask("PATCH", path, {"name": "Bob"}).status == 409
    clock.advance(5)
    changed = ask("PATCH", path, {"name": "Bob", "id": "other"}).document
    assert (changed["name"], changed["status"], changed["id"]) == ("Bob", "READY", made["id"])
    assert [ask("DELETE", path).status for _ in range(2)] == [204, 404]


def test_voices_and_previews_cost_credits_and_name_their_model(ask: Ask) -> None:
    voice = ask("POST", "/v1/voices", {"name": "v", "from": {"type": "text", "model": "eleven_ttv_v3", "prompt": "x"}})
    clone = ask("POST", "/v1/voices", {"name": "c", "from": {"type": "audio", "audio": "https://x/y.mp3"}})
    preview = ask("POST", "/v1/voices/preview", {"model": "eleven_ttv_v3", "prompt": "x"})
    assert (voice.model, clone.model, set(preview.document)) == ("eleven_ttv_v3", "", {"url", "durationSecs"})
    assert ask("GET", "/v1/organization").document["creditBalance"] == 10_000 - 4
    assert ask("POST", "/v1/voices", {"name": "v", "from": {"type": "text", "model": "none"}}).status == 400


@pytest.mark.parametrize("template", sorted(ROUTES))
def test_every_template_is_found_again_from_a_path(template: str) -> None:
    path = template.replace("{id}", ID).replace("{name}", "product_ad")
    for method, endpoint in ROUTES[template].items():
        found = match(method, path)
        assert (found.template, found.endpoint) == (template, endpoint)
        assert "{" not in template or found.variable in {ID, "product_ad"}


@pytest.mark.parametrize("path", ["/", "", "/v1", "/v1/", "/v1/tasks", "/v1/tasks/", "/v2/tasks/x", "/v1/tasks/a/b"])
def test_other_paths_are_other(path: str) -> None:
    assert match("GET", path).template == OTHER
