"""What is known of Runway's API, as dated data.

Sources, unless a table names another: the Python SDK `runwayml` 5.24.0 (autumn 2026), Runway's own `openapi.json`
of 2026-08-08, and the pages of https://docs.dev.runwayml.com as stored in autumn 2026.
"""

from __future__ import annotations

import re

from monitor.observations import Kind, Reason, TaskStatus
from monitor.providers.base import AutobillingPace
from monitor.providers.http import Route

BASE_URL = "https://api.dev.runwayml.com"
"""The production API, whatever its name suggests (`servers` of openapi.json, 2026-08-08)."""

API_VERSION = "2024-11-06"
"""The only accepted `X-Runway-Version` (a constant in openapi.json, 2026-08-08)."""

DOLLARS_PER_CREDIT = 0.01
"""Credits are prepaid at this price (openapi.json, 2026-08-08)."""

SMALLEST_PURCHASE_CREDITS = 1_000.0
"""What one purchase buys at least: $10 (openapi.json, 2026-08-08)."""

AUTOBILLING = AutobillingPace(check=3600.0, retry=86400.0, attempts=3)
"""Hourly; "up to 3 attempts", each a day after the last (billing page, mid 2026)."""

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

MODELS = frozenset(
    """
    gen4.5 gen4_turbo aleph2 act_two ruby enhance_frame_rate gwm1_avatars
    veo3.1 veo3.1_fast gemini_omni_flash gemini_omni_flash_1.1
    kling2.5_turbo_pro kling3.0_4k kling3.0_pro kling3.0_standard klingO3_4k klingO3_pro klingO3_standard kling_4
    hailuo3 h3_max happyhorse_1_0 seedance2 seedance2_fast seedance2_mini seedance2_5 wan3 wan3_prime
    grok_imagine_1_5 grok_imagine_1_5_lite grok_imagine_image_2
    gen4_image gen4_image_turbo gpt_image_2 gpt_image_2_5_flare gpt_image_2_5_sunburst muse_image nano_banana_2.1
    gemini_2.5_flash gemini_image3_pro gemini_image3.1_flash gemini_image3.1_flash_lite
    seedream5_pro seedream5_lite seedream5_flash bria_fibo_1_5 bria_fibo_edit_1_5
    ideogram_4_0 ideogram_4_5 recraft_v4_1_flash recraft_v4_1_vector
    magnific_precision_upscaler_v2 magnific_video_upscaler_creative
    seed_audio mirelo_sfx_2_0 eleven_v4 eleven_v3 eleven_multilingual_v2 eleven_multilingual_sts_v2
    eleven_text_to_sound_v2 eleven_voice_dubbing eleven_voice_isolation eleven_ttv_v3 eleven_multilingual_ttv_v2
    ad_localization marketing_stock_image multi_shot_video product_ad product_campaign_image product_swap product_ugc
    gen3a_turbo gen4_aleph veo3 eleven_scribe_v2 voice_processing
    gwm1_avatar_async_audio_to_video gwm1_avatar_async_text_to_video
    workflow
    """.split()  # noqa: SIM905 - a list of this many quoted words is hard to read
)
"""Ids that the SDK 5.24.0 accepts, recipes, ids found only in usage and limits (the retired gen3a_turbo, gen4_aleph
and veo3 among them), and `workflow` for tasks that carry none."""

NO_CREDITS = re.compile(r"(?:\bnot|n't) (?:have )?enough credits", re.IGNORECASE)
"""Out of credits is a 400 told apart by its text, "You do not have enough credits to run this task."
(github runwayml/sdk-node#28, 2024-10-30; seen again 2026-07-14)."""

STATUSES = {
    "PENDING": TaskStatus.PENDING,
    "THROTTLED": TaskStatus.THROTTLED,
    "RUNNING": TaskStatus.RUNNING,
    "SUCCEEDED": TaskStatus.SUCCEEDED,
    "FAILED": TaskStatus.FAILED,
    "CANCELLED": TaskStatus.CANCELLED,
    "CANCELED": TaskStatus.CANCELLED,
}
"""openapi.json, 2026-08-08; the last spelling from an older official skill file."""

FAILURE_CODES = (
    ("ASSET", Reason.ASSET),
    ("INTERNAL.BAD_OUTPUT", Reason.BAD_OUTPUT),
    ("INTERNAL", Reason.INTERNAL),
    ("INPUT_PREPROCESSING.INTERNAL", Reason.INTERNAL),
    ("THIRD_PARTY.INPUT_VALIDATION", Reason.INVALID_INPUT),
    ("THIRD_PARTY", Reason.UPSTREAM),
)
"""Dotted beginnings of a failure code, first match wins, after moderation has been ruled out (docs
`errors/task-failures`, autumn 2026; THIRD_PARTY.INPUT_VALIDATION is undocumented, seen in use in 2026)."""
