"""What a live view remembers between two answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.views.figures import Figures


@dataclass(frozen=True, slots=True)
class Watch:
    """The newest figures, had at `had_at` of a clock that never steps; `trouble` says why there were none since."""

    figures: Figures
    had_at: float
    trouble: str = ""

    def missed(self, trouble: str) -> Watch:
        """After no answer."""
        return replace(self, trouble=trouble)

    def age_seconds(self, now: float) -> float:
        """How old the figures are by now."""
        return self.figures.age_seconds + now - self.had_at
