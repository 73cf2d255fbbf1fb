"""Price lists as dated data. They hold generations with a price by length or a price each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Credits per second of output, or per output if `by_second` is false.

    The price lies between `least` and `most`, depending on resolution, quality or sound. `minimum` is the smallest
    charge in credits. `besides` names what costs extra.
    """

    least: float
    most: float
    by_second: bool = True
    minimum: float = 0.0
    besides: str = ""

    def credits(self, output_seconds: float | None) -> tuple[float, float] | None:
        """The lowest and highest cost of one output of this length. None if its length is needed and unknown.

        Charges are whole credits. The rounding of fractions is not documented, so the range includes both directions.
        """
        if self.by_second and output_seconds is None:
            return None
        length = output_seconds if self.by_second and output_seconds is not None else 1.0
        return max(self.minimum, math.floor(self.least * length)), max(self.minimum, math.ceil(self.most * length))


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by model, as of `date`."""

    date: str
    models: Mapping[str, Price]
