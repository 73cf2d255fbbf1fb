"""Telling a clock that steps forward from time that passes: a snapshot that resumes, NTP that comes late."""

from __future__ import annotations

import structlog

from monitor.runtime.clock import Clock

LEAST_STEP_SECONDS = 300.0
DOUBT_SECONDS = 86400.0

log = structlog.get_logger()


class Steps:
    """Watches the clock beside the machine's steady one.

    What is old by the clock may be young in truth after a step forward. So for a day nothing is given up for its age:
    by then whatever was open has been looked after.
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
