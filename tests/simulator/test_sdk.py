from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import runwayml
from runwayml import AsyncRunwayML, RunwayML
from runwayml.lib.polling import TaskFailedError, WorkflowInvocationFailedError

from monitor.runtime.clock import FastClock, ManualClock
from monitor.simulator.runway.app import SERVER, build_app
from monitor.simulator.runway.server import DEFAULT_KEY
from monitor.simulator.shared.server import serve

URI = "https://example.com/x.png"


async def create(sdk: AsyncRunwayML) -> str:
    made = await sdk.text_to_video.create(model="gen4.5", prompt_text="a cat", ratio="1280:720", duration=5)
    assert made.estimated_cost.credits == 60
    return made.id


@pytest.fixture
async def fast_url() -> AsyncIterator[str]:
    """A simulator in which a task of 16 seconds takes 0.16."""
    async with serve(build_app(FastClock(speed=100), seed=1)) as url:
        yield url


async def test_async_create_and_wait_gives_the_output(fast_url: str, quick_polls: None) -> None:
    async with AsyncRunwayML(api_key=DEFAULT_KEY, base_url=fast_url) as sdk:
        made = await sdk.image_to_video.create(model="gen4_turbo", prompt_image=URI, ratio="1280:720")
        task = await made.wait_for_task_output(timeout=10)
    assert task.status == "SUCCEEDED"
    assert (task.cost.credits, len(task.output)) == (25, 1)


async def test_sync_create_and_wait_gives_the_output(fast_url: str, quick_polls: None) -> None:
    def work() -> str:
        with RunwayML(api_key=DEFAULT_KEY, base_url=fast_url) as sdk:
            made = sdk.text_to_image.create(model="gen4_image", prompt_text="a cat", ratio="1280:720")
            return made.wait_for_task_output(timeout=10).status

    assert await asyncio.to_thread(work) == "SUCCEEDED"


async def test_a_failed_task_raises_with_its_code_in_both_clients(fast_url: str, quick_polls: None) -> None:
    async with httpx.AsyncClient(base_url=fast_url) as control:
        await control.patch("/_control/accounts/simulated", json={"script": ["SAFETY.INPUT.TEXT", "-"]})
    async with AsyncRunwayML(api_key=DEFAULT_KEY, base_url=fast_url) as sdk:
        made = await sdk.text_to_image.create(model="gen4_image", prompt_text="a cat", ratio="1280:720")
        with pytest.raises(TaskFailedError) as failed:
            await made.wait_for_task_output(timeout=10)
    assert failed.value.task_details.failure_code == "SAFETY.INPUT.TEXT"

    def work() -> TaskFailedError:
        with RunwayML(api_key=DEFAULT_KEY, base_url=fast_url) as sdk:
            made = sdk.text_to_image.create(model="gen4_image", prompt_text="a cat", ratio="1280:720")
            with pytest.raises(TaskFailedError) as failed:
                made.wait_for_task_output(timeout=10)
            return failed.value

    assert (await asyncio.to_thread(work)).task_details.failure_code is None


async def test_a_workflow_is_waited_for_and_fails_with_its_nodes(fast_url: str, quick_polls: None) -> None:
    async with AsyncRunwayML(api_key=DEFAULT_KEY, base_url=fast_url) as sdk:
        workflow = (await sdk.workflows.list()).data[0].versions[0].id
        assert (await sdk.workflows.retrieve(workflow)).graph.version == 1
        made = await sdk.workflows.run(workflow, node_outputs={})
        done = await (await sdk.workflow_invocations.retrieve(made.id)).wait_for_task_output(timeout=10)
        assert done.status == "SUCCEEDED"
        async with httpx.AsyncClient(base_url=fast_url) as control:
            await control.patch("/_control/accounts/simulated", json={"script": ["INTERNAL"]})
        made = await sdk.workflows.run(workflow, node_outputs={})
        with pytest.raises(WorkflowInvocationFailedError):
            await (await sdk.workflow_invocations.retrieve(made.id)).wait_for_task_output(timeout=10)


async def test_throttled_tasks_start_in_turn_and_can_be_cancelled(sdk: AsyncRunwayML, clock: ManualClock) -> None:
    ids = [await create(sdk) for _ in range(3)]

    async def statuses() -> list[str]:
        return [(await sdk.tasks.retrieve(one)).status for one in ids]

    assert await statuses() == ["PENDING", "THROTTLED", "THROTTLED"]
    clock.advance(16)
    assert await statuses() == ["SUCCEEDED", "PENDING", "THROTTLED"]
    await sdk.tasks.delete(ids[1])
    with pytest.raises(runwayml.NotFoundError):
        await sdk.tasks.retrieve(ids[1])
    with pytest.raises(runwayml.NotFoundError):
        await sdk.tasks.delete(ids[1])
    assert (await sdk.tasks.retrieve(ids[2])).status == "PENDING"
    assert (await sdk.organization.retrieve()).credit_balance == 10_000 - 120


async def test_the_daily_limit_is_a_rate_limit_error_with_a_gateway_id(
    sdk: AsyncRunwayML, control: httpx.AsyncClient
) -> None:
    await control.patch("/accounts/simulated", json={"limits": {"gen4.5": {"daily": 1}}})
    await create(sdk)
    with pytest.raises(runwayml.RateLimitError, match="daily task limit") as limited:
        await create(sdk)
    headers = limited.value.response.headers
    assert headers["apigw-requestid"]
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert "retry-after" not in headers


async def test_400_and_401_have_the_sdks_own_classes(sdk: AsyncRunwayML, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"credits": 10})
    with pytest.raises(runwayml.BadRequestError, match="enough credits"):
        await create(sdk)
    with pytest.raises(runwayml.BadRequestError, match="Validation of body failed"):
        await sdk.text_to_video.create(model="gen4.5", prompt_text="x", ratio="wide", duration=5)  # type: ignore[arg-type]
    with pytest.raises(runwayml.BadRequestError, match="X-Runway-Version"):
        await sdk.organization.retrieve(extra_headers={"X-Runway-Version": "2020-01-01"})
    await control.patch("/accounts/simulated", json={"keys": "revoked"})
    with pytest.raises(runwayml.AuthenticationError):
        await sdk.organization.retrieve()


async def test_the_sdks_own_retries_get_through_and_are_counted(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "status", "status": 503, "count": 2, "kind": "create"})

    def work() -> None:
        with RunwayML(api_key=DEFAULT_KEY, base_url=url, max_retries=2) as sdk:
            sdk.text_to_image.create(model="gen4_image", prompt_text="x", ratio="1280:720")

    await asyncio.to_thread(work)
    records = (await control.get("/requests")).json()
    assert [(record["status"], record["retry"], record["fault"]) for record in records] == [
        (503, 0, "status"),
        (503, 1, "status"),
        (200, 2, ""),
    ]
    assert len((await control.get("/tasks")).json()) == 1


async def test_an_answer_lost_after_the_create_makes_a_second_paid_task(url: str, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"fault": "reset", "after_headers": True, "count": 1, "kind": "create"})
    async with AsyncRunwayML(api_key=DEFAULT_KEY, base_url=url, max_retries=1) as sdk:
        await create(sdk)
    assert len((await control.get("/tasks")).json()) == 2
    assert (await control.get("/accounts/simulated")).json()["credits"] == 10_000 - 120


async def test_reads_of_the_account_parse_in_the_sdk(sdk: AsyncRunwayML, clock: ManualClock) -> None:
    await create(sdk)
    organization = await sdk.organization.retrieve()
    assert organization.tier.models["gen4.5"].max_concurrent_generations == 1
    assert organization.usage.models["gen4.5"].daily_generations == 1
    usage = await sdk.organization.retrieve_usage(start_date="2025-06-15", before_date="2025-06-16")
    assert [(row.model, row.amount) for row in usage.results[0].used_credits] == [("gen4.5", 60)]
    webapp = [row async for row in sdk.organization.webapp.list_usage(from_="2025-06-01", to="2025-07-01", limit=10)]
    assert webapp[0].type == "charge"
    events = [row async for row in sdk.organization.webapp.audit_logs.list(limit=10)]
    assert (await sdk.organization.webapp.audit_logs.retrieve(events[0].event_id)).action == "UserLogin"


async def test_what_an_organization_keeps_parses_in_the_sdk(sdk: AsyncRunwayML, clock: ManualClock) -> None:
    document = await sdk.documents.create(name="d", content="text")
    avatar = await sdk.avatars.create(
        name="a",
        personality="kind",
        reference_image=URI,
        voice={"type": "runway-live-preset", "preset_id": "clara"},
        document_ids=[document.id],
    )
    voice = await sdk.voices.create(name="v", from_={"type": "text", "model": "eleven_ttv_v3", "prompt": "warm"})
    router = await sdk.routers.create(slug="mine")
    clock.advance(5)
    assert (await sdk.avatars.retrieve(avatar.id)).status == "READY"
    assert (await sdk.voices.retrieve(voice.id)).status == "READY"
    assert (await sdk.documents.retrieve(document.id)).used_by[0].id == avatar.id
    assert (await sdk.routers.update(router.id, name="renamed")).version == 2
    await sdk.documents.update(document.id, content="new")
    assert (await sdk.documents.retrieve(document.id)).content == "new"
    assert [row.id async for row in sdk.avatars.list(limit=1)] == [avatar.id]
    assert [row.id async for row in sdk.voices.list(limit=1)] == [voice.id]
    assert [row.slug async for row in sdk.routers.list(limit=1)] == ["default", "mine"]
    assert [row.id async for row in sdk.documents.list(limit=1, sort="createdAt", order="asc")] == [document.id]
    assert (await sdk.voices.preview(model="eleven_ttv_v3", prompt="warm")).duration_secs > 0
    for delete, one in [
        (sdk.avatars.delete, avatar.id),
        (sdk.voices.delete, voice.id),
        (sdk.documents.delete, document.id),
        (sdk.routers.delete, router.id),
    ]:
        await delete(one)


async def test_realtime_sessions_and_conversations_parse_in_the_sdk(
    sdk: AsyncRunwayML, url: str, clock: ManualClock
) -> None:
    avatar = {"type": "runway-preset", "preset_id": "influencer"}
    made = await sdk.realtime_sessions.create(model="gwm1_avatars", avatar=avatar)  # type: ignore[arg-type]
    assert (await sdk.realtime_sessions.retrieve(made.id)).status == "NOT_READY"
    clock.advance(1)
    session = await sdk.realtime_sessions.retrieve(made.id)
    assert session.status == "READY"
    async with httpx.AsyncClient() as app:
        headers = {"Authorization": f"Bearer {session.session_key}"}
        consumed = await app.post(f"{url}/v1/realtime_sessions/{made.id}/consume", headers=headers)
    assert consumed.json()["roomName"] == made.id
    assert (await sdk.realtime_sessions.retrieve(made.id)).status == "RUNNING"
    assert (await sdk.avatar_conversations.retrieve(made.id)).status == "in_progress"
    clock.advance(300)
    ended = await sdk.realtime_sessions.retrieve(made.id)
    assert ended.status == "COMPLETED"
    assert [row.duration async for row in sdk.avatar_conversations.list(limit=5)] == [300]
    usage = await sdk.avatars.get_usage(start_date="2025-06-15T00:00:00Z", end_date="2025-06-17T00:00:00Z")
    assert (usage.total_sessions, usage.by_day[0].seconds) == (1, 300)
    await sdk.avatar_conversations.delete(made.id)


async def test_the_model_router_parses_in_the_sdk(sdk: AsyncRunwayML) -> None:
    video = await sdk.generate.video.create(config_id="default", input={"prompt_text": "a cat"})
    image = await sdk.generate.image.create(config_id="default", input={"prompt_text": "a cat"})
    audio = await sdk.generate.audio.create(config_id="default", input={"prompt_text": "hello"})
    for made in (video, image, audio):
        assert (await sdk.tasks.retrieve(made.id)).status == "PENDING"
    assert (video.routing.resolved_input.resolution, image.routing.provider) == ("720p", "runway")
    router = (await sdk.routers.list(limit=1)).data[0].id
    rows = [row async for row in sdk.routers.list_requests(router, limit=2)]
    assert {row.task_id for row in rows} == {video.id, image.id, audio.id}


async def test_an_upload_is_taken_in_both_steps(sdk: AsyncRunwayML) -> None:
    upload = await sdk.uploads.create_ephemeral(file=("x.mp4", b"0" * 100_000))
    assert upload.uri.startswith("runway://")


async def test_tens_of_megabytes_of_base64_are_accepted(sdk: AsyncRunwayML) -> None:
    made = await sdk.image_to_video.create(
        model="gen4_turbo", prompt_image=f"data:image/png;base64,{'A' * 24_000_000}", ratio="1280:720"
    )
    assert (await sdk.tasks.retrieve(made.id)).status == "PENDING"


async def test_long_answers_are_compressed_for_who_asks(url: str) -> None:
    headers = {"Authorization": f"Bearer {DEFAULT_KEY}", "X-Runway-Version": "2024-11-06"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        compressed = await client.get("/v1/organization", headers={"Accept-Encoding": "gzip"})
        plain = await client.get("/v1/organization", headers={"Accept-Encoding": "identity"})
    assert (compressed.headers.get("content-encoding"), plain.headers.get("content-encoding")) == ("gzip", None)
    assert compressed.json() == plain.json()


def test_the_server_of_an_app_can_be_reached_in_process(clock: ManualClock) -> None:
    assert build_app(clock)[SERVER].world.request_log.total == 0
