"""Runware's task types and the kind of each. To add a type, add it to one of these tables.

Sources: the Python SDK `runware-sdk` 1.8.0 (October 2026), unless a table names another.
"""

from __future__ import annotations

from monitor.observations import Kind

GENERATIONS = frozenset(
    """
    imageInference videoInference audioInference textInference 3dInference upscale removeBackground caption
    controlNetPreprocess imageMasking promptEnhance vectorize training tools
    imageUpscale imageBackgroundRemoval imageCaption imageControlNetPreProcess photoMaker
    """.split()  # noqa: SIM905 - a list of this many quoted words is hard to read
)
"""Types that generate. The last line holds older names, which the SDK `runware` 0.5.24 (June 2026) still sends."""

GET_RESPONSE = "getResponse"
POLLS = frozenset({GET_RESPONSE, "getTaskDetails"})
ACCOUNT = frozenset({"accountManagement"})
CONTROLS = frozenset({"authentication", "ping"})
"""Types whose answers have no `taskUUID`."""

UTILITIES = frozenset({"modelSearch", "modelUpload", "mediaStorage", "imageUpload"}) | CONTROLS
"""Types that generate nothing."""

KINDS = {
    **dict.fromkeys(POLLS, Kind.POLL),
    **dict.fromkeys(ACCOUNT, Kind.ACCOUNT),
    **dict.fromkeys(UTILITIES, Kind.OTHER),
    "": Kind.OTHER,
}
"""Kinds by type. Every other type is a generation."""
