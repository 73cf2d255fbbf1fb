"""The models of the simulated Runway with prices, the inputs of each endpoint, and the limits of each tier.

The model lists are those that the official Python SDK 5.24.0 accepts. The prices are Runway's list of 2026-09-19, with
one unit for each model. Both change often; the simulator reproduces their shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Modality(StrEnum):
    """The column of the tier table that a model belongs to."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"
    AVATAR = "avatar"
    RECIPE = "recipe"


class Unit(StrEnum):
    """The unit of a price."""

    SECOND = "second"
    EACH = "each"
    CHARACTERS = "50 characters"


class Model(NamedTuple):
    """A model's modality, and its price in credits per unit."""

    modality: Modality
    credits: float
    unit: Unit


class Creation(NamedTuple):
    """The models that a creating endpoint accepts, and its required fields. `a|b` requires one of both."""

    models: tuple[str, ...]
    required: tuple[str, ...]


class Tier(NamedTuple):
    """The credits that can be bought in 30 days, and per modality the concurrent and the daily generations."""

    monthly_credits: int
    limits: Mapping[Modality, tuple[int, int]]


_VIDEO_BY_SECOND = {
    "gen4.5": 12, "gen4_turbo": 5, "act_two": 5, "aleph2": 28, "veo3.1": 40, "veo3.1_fast": 15, "klingO3_4k": 42,
    "klingO3_pro": 14, "klingO3_standard": 10, "kling3.0_4k": 42, "kling3.0_pro": 14, "kling3.0_standard": 10,
    "kling2.5_turbo_pro": 7, "kling_4": 14, "hailuo3": 10, "h3_max": 8, "happyhorse_1_0": 15, "seedance2": 36,
    "seedance2_fast": 29, "seedance2_mini": 16, "seedance2_5": 30, "gemini_omni_flash": 10,
    "gemini_omni_flash_1.1": 10, "grok_imagine_1_5": 10, "grok_imagine_1_5_lite": 6, "wan3": 10, "wan3_prime": 20,
    "magnific_video_upscaler_creative": 24, "enhance_frame_rate": 0.5, "ruby": 10,
}  # fmt: skip
_IMAGE_EACH = {
    "gen4_image": 8, "gen4_image_turbo": 2, "gpt_image_2": 20, "gpt_image_2_5_flare": 10, "gpt_image_2_5_sunburst": 30,
    "gemini_2.5_flash": 5, "gemini_image3_pro": 20, "gemini_image3.1_flash": 8, "gemini_image3.1_flash_lite": 4,
    "nano_banana_2.1": 8, "muse_image": 5, "seedream5_pro": 9, "seedream5_lite": 4, "seedream5_flash": 3,
    "grok_imagine_image_2": 5, "bria_fibo_1_5": 4, "bria_fibo_edit_1_5": 4, "ideogram_4_0": 6, "ideogram_4_5": 8,
    "recraft_v4_1_flash": 4, "recraft_v4_1_vector": 8, "magnific_precision_upscaler_v2": 20,
}  # fmt: skip
_SPEECH_BY_CHARACTERS = {"eleven_v4": 1, "eleven_v3": 1, "eleven_multilingual_v2": 1}
_AUDIO_BY_SECOND = {
    "seed_audio": 0.25, "mirelo_sfx_2_0": 0.5, "eleven_text_to_sound_v2": 0.4, "eleven_multilingual_sts_v2": 0.4,
    "eleven_voice_dubbing": 0.5, "eleven_voice_isolation": 0.2,
}  # fmt: skip
_VOICE_EACH = {"eleven_ttv_v3": 2, "eleven_multilingual_ttv_v2": 2}
_AVATAR_BY_SECOND = {
    "gwm1_avatars": 0.4, "gwm1_avatar_async_audio_to_video": 5, "gwm1_avatar_async_text_to_video": 5,
}  # fmt: skip
RECIPES = {
    "ad_localization": 20, "marketing_stock_image": 20, "multi_shot_video": 400, "product_ad": 300,
    "product_campaign_image": 40, "product_swap": 200, "product_ugc": 300,
}  # fmt: skip

_TABLES: tuple[tuple[Modality, Unit, Mapping[str, float]], ...] = (
    (Modality.VIDEO, Unit.SECOND, _VIDEO_BY_SECOND),
    (Modality.IMAGE, Unit.EACH, _IMAGE_EACH),
    (Modality.AUDIO, Unit.CHARACTERS, _SPEECH_BY_CHARACTERS),
    (Modality.AUDIO, Unit.SECOND, _AUDIO_BY_SECOND),
    (Modality.AUDIO, Unit.EACH, _VOICE_EACH),
    (Modality.AVATAR, Unit.SECOND, _AVATAR_BY_SECOND),
    (Modality.RECIPE, Unit.EACH, RECIPES),
)
MODELS: Mapping[str, Model] = {
    name: Model(modality, price, unit) for modality, unit, table in _TABLES for name, price in table.items()
}

_TEXT_TO_VIDEO = tuple(name for name in _VIDEO_BY_SECOND if name not in {
    "gen4_turbo", "act_two", "aleph2", "magnific_video_upscaler_creative", "enhance_frame_rate", "ruby",
})  # fmt: skip
_VIDEO_TO_VIDEO = (
    "aleph2", "klingO3_4k", "klingO3_pro", "klingO3_standard", "kling_4", "hailuo3", "seedance2", "seedance2_fast",
    "seedance2_mini", "seedance2_5", "gemini_omni_flash", "gemini_omni_flash_1.1",
)  # fmt: skip
_TEXT_TO_IMAGE = tuple(name for name in _IMAGE_EACH if name != "magnific_precision_upscaler_v2")

CREATIONS: Mapping[str, Creation] = {
    "/v1/image_to_video": Creation(("gen4_turbo", *_TEXT_TO_VIDEO), ("promptImage",)),
    "/v1/text_to_video": Creation(_TEXT_TO_VIDEO, ()),
    "/v1/video_to_video": Creation(_VIDEO_TO_VIDEO, ("videoUri|promptVideo",)),
    "/v1/text_to_image": Creation(_TEXT_TO_IMAGE, ("promptText",)),
    "/v1/character_performance": Creation(("act_two",), ("character", "reference")),
    "/v1/image_upscale": Creation(("magnific_precision_upscaler_v2",), ("imageUri",)),
    "/v1/video_upscale": Creation(("magnific_video_upscaler_creative", "enhance_frame_rate"), ("videoUri",)),
    "/v1/video_to_hdr": Creation(("ruby",), ("videoUri",)),
    "/v1/video_to_audio": Creation(("mirelo_sfx_2_0",), ("videoUri",)),
    "/v1/text_to_speech": Creation(("seed_audio", "eleven_v4", "eleven_v3", "eleven_multilingual_v2"), ("promptText",)),
    "/v1/sound_effect": Creation(("seed_audio", "mirelo_sfx_2_0", "eleven_text_to_sound_v2"), ("promptText",)),
    "/v1/speech_to_speech": Creation(("eleven_multilingual_sts_v2",), ("media", "voice")),
    "/v1/voice_dubbing": Creation(("eleven_voice_dubbing",), ("audioUri", "targetLang")),
    "/v1/voice_isolation": Creation(("eleven_voice_isolation",), ("audioUri",)),
    "/v1/avatar_videos": Creation(("gwm1_avatars",), ("avatar", "speech")),
}
REQUIRED_BY_MODEL: Mapping[str, tuple[str, ...]] = {
    "gen4.5": ("promptText", "ratio", "duration"),
    "gen4_turbo": ("ratio",),
    "veo3.1": ("ratio",),
    "veo3.1_fast": ("ratio",),
    "gen4_image": ("ratio",),
    "gen4_image_turbo": ("ratio", "referenceImages"),
}
RECIPE_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "ad_localization": ("referenceImage", "targetLanguage"),
    "marketing_stock_image": ("prompt",),
    "multi_shot_video": ("mode", "prompt|shots"),
    "product_ad": ("productImages",),
    "product_campaign_image": ("image", "prompt"),
    "product_swap": ("newProductImages", "originalProductImage", "referenceVideo"),
    "product_ugc": ("characterImage", "productImage"),
}
RECIPE_VERSIONS: Mapping[str, tuple[str, ...]] = {
    name: ("2026-06", "2026-07", "unsafe-latest") if name == "product_ad" else ("2026-06", "unsafe-latest")
    for name in RECIPES
}
ROUTABLE: Mapping[Modality, tuple[str, ...]] = {
    Modality.VIDEO: _TEXT_TO_VIDEO,
    Modality.IMAGE: _TEXT_TO_IMAGE,
    Modality.AUDIO: ("eleven_v4", "eleven_v3", "eleven_multilingual_v2", "seed_audio"),
}
_PROVIDERS = {
    "gen4": "runway", "aleph": "runway", "veo": "google", "gemini": "google", "nano": "google", "kling": "kling",
    "seed": "bytedance", "hailuo": "minimax", "h3": "minimax", "grok": "xai", "wan": "alibaba", "gpt": "openai",
    "eleven": "elevenlabs", "ideogram": "ideogram", "recraft": "recraft", "bria": "bria", "mirelo": "mirelo",
    "happyhorse": "alibaba", "muse": "meta",
}  # fmt: skip

_COLUMNS = (Modality.VIDEO, Modality.IMAGE, Modality.AUDIO, Modality.AVATAR, Modality.RECIPE)


def _tier(monthly_credits: int, concurrency: tuple[int, ...], daily: tuple[int, ...]) -> Tier:
    return Tier(monthly_credits, dict(zip(_COLUMNS, zip(concurrency, daily, strict=True), strict=True)))


TIERS: Mapping[int, Tier] = {
    1: _tier(10_000, (1, 2, 2, 1, 1), (50, 200, 200, 50, 50)),
    2: _tier(50_000, (3, 3, 3, 3, 3), (500, 1_000, 1_000, 500, 1_000)),
    3: _tier(200_000, (5, 5, 5, 5, 5), (1_000, 2_000, 2_000, 1_000, 2_000)),
    4: _tier(2_000_000, (10, 10, 10, 10, 10), (5_000, 10_000, 10_000, 5_000, 10_000)),
    5: _tier(10_000_000, (20, 20, 20, 20, 20), (25_000, 30_000, 30_000, 25_000, 30_000)),
}
"""Runway's tier page as of autumn 2026. The page names only the first column; the other names are our reading."""


def provider(model: str) -> str:
    """Return the company behind a model, as the Model Router names it."""
    return next((name for prefix, name in _PROVIDERS.items() if model.startswith(prefix)), "runway")


def estimate(model: str, body: Mapping[str, Any]) -> int:
    """Return the most credits that a task of `model` can cost, from its request body."""
    entry = MODELS[model]
    return math.ceil(entry.credits * _units(entry.unit, body))


_AUTO_SECONDS = 15
_DEFAULT_SECONDS = 5


def _units(unit: Unit, body: Mapping[str, Any]) -> float:
    if unit is Unit.CHARACTERS:
        return math.ceil(max(1, len(str(body.get("promptText", "")))) / 50)
    value = body.get("duration" if unit is Unit.SECOND else "outputCount")
    if value == "auto":
        return _AUTO_SECONDS
    if isinstance(value, int | float):
        return float(value)
    return _DEFAULT_SECONDS if unit is Unit.SECOND else 1
