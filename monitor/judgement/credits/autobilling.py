"""How autobilling fares, judged by the balance."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from monitor.judgement.credits.outlook import AutobillingState, Recharge
from monitor.judgement.credits.purchases import AutobillingPlan

MARGIN = 600.0
"""For the charge itself, and for our own reads to show it."""


class Patience(msgspec.Struct, frozen=True):
    """Seconds below the threshold after which the first charge, and the last that is tried, must have come."""

    first: float
    last: float


def autobilling_state(
    plan: AutobillingPlan,
    patience: Patience,
    low_since: float | None,
    recharges: Sequence[Recharge],
    room: float | None,
    now: float,
) -> AutobillingState:
    """The state at `now`, when the balance has been below the threshold since `low_since`, if it is.

    `recharges` are the purchases that are known of the last 30 days; `room` is what the cap leaves of those to come, at
    most, None where that is unknown.
    """
    waited = 0.0 if low_since is None else now - low_since
    if waited > patience.last + MARGIN:
        return AutobillingState.STOPPED
    was_clipped = bool(recharges) and recharges[-1].credits < plan.amount
    if (was_clipped or low_since is not None) and room is not None and room < plan.amount:
        return AutobillingState.CLIPPED
    if waited > patience.first + MARGIN:
        return AutobillingState.OVERDUE
    return AutobillingState.OK if low_since is None else AutobillingState.DUE
