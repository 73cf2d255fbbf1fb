"""Types of task that Runware takes, and what each asks for."""

from __future__ import annotations

from monitor.observations import Kind

GENERATIONS = frozenset(
    """
    imageInference videoInference audioInference textInference 3dInference upscale removeBackground caption
    controlNetPreprocess imageMasking promptEnhance vectorize training tools
    imageUpscale imageBackgroundRemoval imageCaption imageControlNetPreProcess photoMaker
    """.split()  # noqa: SIM905 - a list of this many quoted words is hard to read
)
"""Task types that generate (SDK 1.8.0), then the older names that the SDK `runware` 0.5.24 still sends (June 2026)."""

GET_RESPONSE = "getResponse"
POLLS = frozenset({GET_RESPONSE, "getTaskDetails"})
ACCOUNT = frozenset({"accountManagement"})
CONTROLS = frozenset({"authentication", "ping"})
"""Answered without a `taskUUID` (SDK 1.8.0)."""

UTILITIES = frozenset({"modelSearch", "modelUpload", "mediaStorage", "imageUpload"}) | CONTROLS
"""Task types that generate nothing (SDK 1.8.0)."""

KINDS = {
    **dict.fromkeys(POLLS, Kind.POLL),
    **dict.fromkeys(ACCOUNT, Kind.ACCOUNT),
    **dict.fromkeys(UTILITIES, Kind.OTHER),
    "": Kind.OTHER,
}
