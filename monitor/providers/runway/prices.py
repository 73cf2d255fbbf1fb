"""Runway's prices in credits, and how it sells credits.

The prices are from Runway's price list (docs `guides/pricing`, 2026-09-19; images and audio mid 2026). Prices by
character, by frame or by second of conversation are left out. `estimatedCost` and `cost` of a task are authoritative.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.providers.base import AutobillingPace
from monitor.providers.prices import Price, PriceList

DOLLARS_PER_CREDIT = 0.01
"""US dollars for one prepaid credit (openapi.json, 2026-08-08)."""

SMALLEST_PURCHASE_CREDITS = 1_000.0
"""The smallest purchase, $10 (openapi.json, 2026-08-08)."""

AUTOBILLING = AutobillingPace(check=3600.0, retry=86400.0, attempts=3)
"""The balance is checked hourly. A failed charge gets "up to 3 attempts", one a day (billing page, mid 2026)."""


def _each(least: float, most: float | None = None, besides: str = "") -> Price:
    return Price(least, least if most is None else most, by_second=False, besides=besides)


PRICES: Mapping[str, Price] = {
    "gen4_turbo": Price(5, 5),
    "act_two": Price(5, 5),
    "gen4.5": Price(12, 12, besides="ProRes, PNG, 10-bit, HDR and more than 4 megapixels"),
    "aleph2": Price(28, 28, minimum=56),
    "veo3.1": Price(20, 40),
    "veo3.1_fast": Price(10, 15),
    "seedance2_5": Price(20, 68, minimum=80, besides="seconds of input"),
    "seedance2": Price(36, 150),
    "seedance2_fast": Price(29, 29),
    "seedance2_mini": Price(16, 16, minimum=64),
    "wan3": Price(5, 20),
    "hailuo3": Price(10, 15, besides="reference images"),
    "h3_max": Price(5, 8),
    "grok_imagine_1_5": Price(10, 29, besides="reference images"),
    "happyhorse_1_0": Price(15, 30),
    "gemini_omni_flash": Price(10, 11),
    "enhance_frame_rate": Price(0.5, 0.5),
    "seed_audio": Price(0.25, 0.25, minimum=5),
    "eleven_voice_isolation": Price(1 / 6, 1 / 6),
    "eleven_voice_dubbing": Price(1 / 2, 1 / 2),
    "eleven_multilingual_sts_v2": Price(1 / 3, 1 / 3),
    "gen4_image": _each(5, 8),
    "gen4_image_turbo": _each(2),
    "gpt_image_2": _each(1, 41),
    "gemini_2.5_flash": _each(5),
    "gemini_image3_pro": _each(20, 40),
    "seedream5_pro": _each(5, 9),
    "seedream5_lite": _each(4),
}

PRICE_LIST = PriceList("2026-09-19", PRICES)
