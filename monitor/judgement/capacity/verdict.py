"""The state of a model's queue, judged by its pace.

A state is entered at one threshold and left at a lower one, and only after the pace has pointed to it for some time.
The way down leads through every state.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, log

import msgspec

from monitor.judgement.capacity.baseline import Baseline
from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.capacity.pace import CapacityRules, Pace, Slice, halves, pace

ORDER = (QueueState.HEALTHY, QueueState.APPROACHING, QueueState.SATURATED)
SLOW, STILL_SLOW = log(2.0), log(1.5)
"""Times the usual duration at which a model becomes slow, and below which it no longer is."""
SURELY_SLOW = log(1.4)
"""Times the usual duration that it must exceed beyond doubt."""
RISING = log(1.25)
"""Growth from the older half of the window to the newer that may be a trend, if it is beyond doubt."""
DOUBT = 3.0
"""Standard errors that remove doubt. It is judged in every slice of time, so chance has many chances."""
LEAST_FAILURES = 3
FAILING = {QueueState.APPROACHING: 0.02, QueueState.SATURATED: 0.1}
STILL_FAILING = {QueueState.APPROACHING: 0.01, QueueState.SATURATED: 0.05}
"""Shares without room at which a state begins, and at which it ends."""
RISE_SHARE, FALL_SHARE = 0.1, 0.5
"""For how long the pace must point to a worse state, and to a better one, as shares of the judged time."""
KEPT_SAMPLES = 0.5
"""Share of `min_samples` below which a state is given up."""


class QueueVerdict(msgspec.Struct, frozen=True, array_like=True):
    """The state, None while too little is known, and the state that the pace has pointed to `since`."""

    state: QueueState | None = None
    wanted: QueueState | None = None
    since: float = 0.0


def judge(
    before: QueueVerdict, slices: Sequence[Slice], usual: Baseline | None, rules: CapacityRules, now: float
) -> QueueVerdict:
    """The verdict on these slices. `usual` is the baseline, None until it is learnt."""
    seen = pace(slices)
    if seen.tried < rules.min_samples * (1.0 if before.state is None else KEPT_SAMPLES):
        return QueueVerdict()
    state = before.state or QueueState.HEALTHY
    wanted = _wanted(state, seen, slices, usual, rules)
    if wanted is state:
        return QueueVerdict(state, state, now)
    since = before.since if before.wanted is not None and _same_way(before.wanted, wanted, state) else now
    is_worse = ORDER.index(wanted) > ORDER.index(state)
    looked_at = max(rules.window, now - slices[0].start)
    if now - since < (RISE_SHARE if is_worse else FALL_SHARE) * looked_at:
        return QueueVerdict(state, wanted, since)
    after = wanted if is_worse else ORDER[ORDER.index(state) - 1]
    return QueueVerdict(after, after, now)


def _same_way(one: QueueState, other: QueueState, state: QueueState) -> bool:
    """Whether both are worse than `state`, or both better."""
    return (ORDER.index(one) - ORDER.index(state)) * (ORDER.index(other) - ORDER.index(state)) > 0


def _wanted(
    state: QueueState, seen: Pace, slices: Sequence[Slice], usual: Baseline | None, rules: CapacityRules
) -> QueueState:
    """The worst state that the pace enters, or does not leave yet."""
    reached = (
        QueueState.APPROACHING if _is_slow(seen, usual, rules) or _is_rising(slices, usual) else QueueState.HEALTHY
    )
    held = QueueState.APPROACHING if _is_still_slow(seen, usual, rules) else QueueState.HEALTHY
    for worse in ORDER[1:]:
        if seen.failures >= LEAST_FAILURES and seen.failure_ratio >= FAILING[worse]:
            reached = worse
        if seen.failures and seen.failure_ratio >= STILL_FAILING[worse]:
            held = worse
    kept = min(state, held, key=ORDER.index)
    return max(reached, kept, key=ORDER.index)


def _is_slow(seen: Pace, usual: Baseline | None, rules: CapacityRules) -> bool:
    if not seen.well:
        return False
    if usual is None:
        return seen.mean > log(rules.healthy_seconds)
    over, error = seen.mean - usual.level, hypot(seen.error, usual.error)
    return over >= SLOW and over - DOUBT * error >= SURELY_SLOW


def _is_still_slow(seen: Pace, usual: Baseline | None, rules: CapacityRules) -> bool:
    if not seen.well:
        return False
    return seen.mean > log(rules.healthy_seconds) if usual is None else seen.mean - usual.level >= STILL_SLOW


def _is_rising(slices: Sequence[Slice], usual: Baseline | None) -> bool:
    """Whether durations grow so fast that they would be slow after another window, and already exceed the usual."""
    if usual is None:
        return False
    older, newer = halves(slices)
    if not older.well or not newer.well:
        return False
    growth = newer.mean - older.mean
    doubt = DOUBT * (older.error + newer.error)
    return growth - doubt >= RISING and newer.mean - usual.level >= STILL_SLOW
