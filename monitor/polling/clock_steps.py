"""Steps of the clock: a snapshot resumes, or NTP comes late."""

from __future__ import annotations

import structlog

from monitor.runtime.clock import Clock

LEAST_STEP_SECONDS = 300.0
DOUBT_SECONDS = 86400.0

log = structlog.get_logger()


class Steps:
    """Compares the clock with the machine's steady one.

    After a step forward, what looks old may be young. So for a day nothing is given up for its age. By then everything
    that was open has been followed up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.now() - clock.steady()
        self._doubt_until = clock.steady()

    def are_recent(self) -> bool:
        """Whether the clock has stepped forward within the last day."""
        steady = self._clock.steady()
        ahead = self._clock.now() - steady
        step, self._ahead = ahead - self._ahead, ahead
        if step > LEAST_STEP_SECONDS:
            self._doubt_until = steady + DOUBT_SECONDS
            log.warning("clock.stepped", seconds=round(step), advice="for a day nothing is given up for its age")
        return steady < self._doubt_until
