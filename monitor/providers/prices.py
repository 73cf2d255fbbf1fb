"""Price lists as dated data: what a generation costs, where that follows from its length or not from anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Credits per second of output, or per piece: from `least` to `most` by resolution, quality or sound.

    `minimum` is charged at least. `besides` names what costs extra.
    """

    least: float
    most: float
    by_second: bool = True
    minimum: float = 0.0
    besides: str = ""

    def credits(self, output_seconds: float | None) -> tuple[float, float] | None:
        """The least and the most that one piece of so many seconds costs; None where its length is needed and unknown.

        Charges are whole credits, and how a fraction is rounded is not stated.
        """
        if self.by_second and output_seconds is None:
            return None
        length = output_seconds if self.by_second and output_seconds is not None else 1.0
        return max(self.minimum, math.floor(self.least * length)), max(self.minimum, math.ceil(self.most * length))


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by model, as they stood on `date`."""

    date: str
    models: Mapping[str, Price]
