"""How long a model usually takes when there is room: quick to learn that it is faster, slow to learn slower."""

from __future__ import annotations

from math import exp, hypot

import msgspec

from monitor.judgement.capacity.pace import CapacityRules, Pace

SLOWER_SECONDS = 86400.0
"""Seconds of traffic in which slowness becomes usual. An overload must not become usual, a new version may."""
CONFIDENCE = 2.0
"""Standard errors. A mean that differs by less gives a baseline no reason to move."""


class Baseline(msgspec.Struct, frozen=True, array_like=True):
    """The usual duration, as the logarithm of seconds, since when tasks count, and when they last did.

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
    """The baseline after an update. None while fewer than `min_samples` tasks were seen.

    `since` is when the first of these tasks ended. During the first window the baseline is their mean. Then it moves
    towards the nearest mean that the durations allow, so that chance alone does not pull it down.
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
