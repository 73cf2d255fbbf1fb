"""Whether autobilling works, judged by the balance."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from monitor.judgement.credits.outlook import AutobillingState, Recharge
from monitor.judgement.credits.purchases import AutobillingPlan

MARGIN = 600.0
"""Extra time for the charge itself, and for our own reads to show it."""


class Patience(msgspec.Struct, frozen=True):
    """Seconds below the threshold by which the first charge must have come, and by which the last attempt must have."""

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
    """The state at `now`. `low_since` is when the balance fell below the threshold, None if it is above.

    `recharges` are the purchases known of the last 30 days. `room` is what the cap leaves for more, None where unknown.
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
