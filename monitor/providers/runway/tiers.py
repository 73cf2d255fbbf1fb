"""Runway's usage tiers: every known table of them.

Runway published four tables in two years. Each is dated, and what the account itself reports always wins.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.observations import ModelLimits
from monitor.providers.runway.models import AUDIO, IMAGE, MODALITIES, REALTIME, VIDEO
from monitor.providers.runway.prices import DOLLARS_PER_CREDIT
from monitor.providers.tiers import Tier, TierTable, TierTables

UNTABLED = frozenset(
    {"ruby", "enhance_frame_rate", "magnific_precision_upscaler_v2", "magnific_video_upscaler_creative"}
)
"""Models whose limits stand in a separate table, which is unknown (docs `usage/tiers`, autumn 2026)."""


def _columns(concurrency: Sequence[int], daily: Sequence[int]) -> tuple[ModelLimits, ...]:
    return tuple(
        ModelLimits(concurrency=concurrent, daily_generations=generations)
        for concurrent, generations in zip(concurrency, daily, strict=True)
    )


AUTUMN_2026 = TierTable(
    name="docs, autumn 2026",
    date="autumn 2026",
    source="https://docs.dev.runwayml.com/usage/tiers",
    doubt="The names of the five columns are lost. The first is video; image and audio are probably the second and "
    "third, real-time one of the last two. Its tiers are reached at once; the launch checklist of the same docs still "
    "says to wait.",
    columns={VIDEO: (0,), IMAGE: (1, 2), AUDIO: (1, 2, 4), REALTIME: (3, 4)},
    tiers=(
        Tier(1, _columns((1, 2, 2, 1, 1), (50, 200, 200, 50, 50)), 100),
        Tier(2, _columns((3, 3, 3, 3, 3), (500, 1_000, 1_000, 500, 1_000)), 500, 50),
        Tier(3, _columns((5, 5, 5, 5, 5), (1_000, 2_000, 2_000, 1_000, 2_000)), 2_000, 100),
        Tier(4, _columns((10, 10, 10, 10, 10), (5_000, 10_000, 10_000, 5_000, 10_000)), 20_000, 1_000),
        Tier(5, _columns((20, 20, 20, 20, 20), (25_000, 30_000, 30_000, 25_000, 30_000)), 100_000, 5_000),
    ),
)

APRIL_2026 = TierTable(
    name="skill pack, April 2026",
    date="2026-04-21",
    source="github runwayml/skills, commit c5674fd",
    doubt="It gives ranges over all models, not who has which end.",
    columns={},
    tiers=(
        Tier(1, _columns((1, 2), (50, 200)), 100),
        Tier(2, _columns((3, 3), (500, 1_000)), 500, 50, 1),
        Tier(3, _columns((5, 5), (1_000, 2_000)), 2_000, 100, 7),
        Tier(4, _columns((10, 10), (5_000, 10_000)), 20_000, 1_000, 14),
        Tier(5, _columns((20, 20), (25_000, 30_000)), 100_000, 5_000, 7),
    ),
)

LATE_2025 = TierTable(
    name="docs, late 2025",
    date="late 2025",
    source="a third party's research report, which copied the table from https://docs.dev.runwayml.com",
    doubt="Second hand, and without what it takes to reach a tier. The limits were the organization's, of all models.",
    columns={},
    tiers=(
        Tier(1, _columns((1,), (50,)), 100),
        Tier(2, _columns((2,), (200,)), 500, None, None),
        Tier(3, _columns((5,), (1_000,)), 2_000, None, None),
        Tier(4, _columns((10,), (5_000,)), 10_000, None, None),
        Tier(5, _columns((20,), (25_000,)), 100_000, None, None),
    ),
)

BEFORE_LATE_2025 = TierTable(
    name="docs, before late 2025",
    date="undated, older than late 2025",
    source="https://docs.dev.runwayml.com/usage/tiers",
    doubt="The limits were the organization's, of all models.",
    columns={},
    tiers=(
        Tier(1, _columns((1,), (50,)), 100),
        Tier(2, _columns((2,), (200,)), 500, 50, 1),
        Tier(3, _columns((3,), (500,)), 1_000, 100, 7),
        Tier(4, _columns((4,), (1_000,)), 5_000, 1_000, 14),
        Tier(5, _columns((8,), (5_000,)), 20_000, 5_000, 7),
    ),
)

TIERS = TierTables((AUTUMN_2026, APRIL_2026, LATE_2025, BEFORE_LATE_2025), MODALITIES, UNTABLED, DOLLARS_PER_CREDIT)
"""Every table, newest first."""
