"""The task types of the simulated Runware, and its models with their pace and price.

Task types are those of `runware-sdk` 1.8.0, followed by the older names that `runware` 0.5.24 sends. A third party
measured the paces and prices of `runware:100@1` and `runware:101@1` (July 2026). The others are invented.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from monitor.simulator.shared.requests import Kind

STREAMED = "textInference"
"""The only task type that can be streamed."""

RESULTS = {
    "imageInference": "image",
    "videoInference": "video",
    "audioInference": "audio",
    "textInference": "text",
    "3dInference": "outputs",
    "upscale": "image",
    "removeBackground": "image",
    "caption": "text",
    "controlNetPreprocess": "guideImage",
    "imageMasking": "maskImage",
    "promptEnhance": "text",
    "vectorize": "image",
    "training": "air",
    "tools": "image",
    "imageUpscale": "image",
    "imageBackgroundRemoval": "image",
    "imageCaption": "text",
    "imageControlNetPreProcess": "guideImage",
    "photoMaker": "image",
}
"""The name of the result of every task type that generates."""

_OTHER_KINDS = {
    "getResponse": Kind.POLL,
    "getTaskDetails": Kind.POLL,
    "accountManagement": Kind.ACCOUNT,
}
_RANK = (Kind.CREATE, Kind.POLL, Kind.ACCOUNT, Kind.OTHER)
WITHOUT_MODEL = frozenset({"imageMasking", "promptEnhance", "caption", "imageCaption"})
AIR = re.compile(r"[a-z0-9_-]{1,40}:[A-Za-z0-9._-]{1,60}(@[A-Za-z0-9._-]{1,40})?")
"""How Runware writes a model, `source:id@version`."""


class Pace(NamedTuple):
    """The seconds that a generation runs on a machine, and the US dollars for each result."""

    seconds: float
    price: float


DEFAULT = Pace(2.0, 0.01)
MODELS = {
    "runware:100@1": Pace(1.4, 0.0006),
    "runware:101@1": Pace(3.2, 0.0019),
    "bytedance:seedance@2.0": Pace(60.0, 0.18),
    "klingai:5@3": Pace(90.0, 0.28),
    "google:3@2": Pace(40.0, 0.5),
    "openai:1@1": Pace(12.0, 0.04),
    "minimax:m2@0": Pace(4.0, 0.002),
}


def kind_of(task_type: str) -> Kind:
    """Return the kind of one task."""
    return Kind.CREATE if task_type in RESULTS else _OTHER_KINDS.get(task_type, Kind.OTHER)


def first_kind(kinds: set[Kind]) -> Kind:
    """Return the kind of a request that holds tasks of these kinds."""
    return next((kind for kind in _RANK if kind in kinds), Kind.OTHER)
