"""What a model usually takes when there is room: learnt quickly where it gets faster, slowly where it gets slower."""

from __future__ import annotations

from math import exp, hypot

import msgspec

from monitor.judgement.capacity.pace import CapacityRules, Pace

SLOWER_SECONDS = 86400.0
"""Time constant at which slowness becomes usual, in seconds of traffic: an overload must not, a new version may."""
CONFIDENCE = 2.0
"""Standard errors that a mean may be off: within them a baseline has no reason to move."""


class Baseline(msgspec.Struct, frozen=True, array_like=True):
    """The usual duration as logarithm of seconds, since when tasks have gone into it, and when they last did.

    `error` is the standard error of the level.
    """

    level: float
    since: float
    at: float
    error: float = 0.0

    def is_learnt(self, rules: CapacityRules, now: float) -> bool:
        """Whether a whole window has gone into it."""
        return now - self.since >= rules.window


def learn(before: Baseline | None, seen: Pace, since: float, rules: CapacityRules, now: float) -> Baseline | None:
    """The baseline after a look at the traffic; None while fewer than `min_samples` tasks were seen.

    `since` is when the first of these tasks ended. For a whole window it is their mean; then it moves towards the
    nearest mean that the durations allow for, so that chance alone does not pull it down.
    """
    if before is None or not before.is_learnt(rules, now):
        return (
            Baseline(seen.mean, before.since if before else since, now, seen.error)
            if before or seen.well >= rules.min_samples
            else None
        )
    doubt = CONFIDENCE * hypot(seen.error, before.error)
    low, high = seen.mean - doubt, seen.mean + doubt
    target = min(max(before.level, low), high)
    passed = min(max(now - before.at, 0.0), rules.slice)
    share = 1 - exp(-passed / (rules.window if target < before.level else SLOWER_SECONDS))
    level, error = before.level + share * (target - before.level), before.error + share * (seen.error - before.error)
    return Baseline(level, before.since, now, error)
