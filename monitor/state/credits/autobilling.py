"""How autobilling fares, judged by the balance.

Runway checks the balance hourly; a charge that fails is tried again after a day, three times in all, and then
autobilling stops until somebody buys (Runway, billing page, mid 2026).
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.state.credits.judge import Autobilling
from monitor.state.credits.outlook import AutobillingState, Recharge
from monitor.state.ledger import DAY, HOUR

MARGIN = 600.0
"""For the charge itself, and for our own reads to show it."""
OVERDUE_AFTER = HOUR + MARGIN
STOPPED_AFTER = HOUR + 2 * DAY + MARGIN
"""When the last of three daily attempts must have failed."""


def autobilling_state(
    plan: Autobilling, low_since: float | None, recharges: Sequence[Recharge], room: float | None, now: float
) -> AutobillingState:
    """The state at `now`, when the balance has been below the threshold since `low_since`, if it is.

    `recharges` are the purchases that are known of the last 30 days; `room` is what the cap leaves of those to come, at
    most, None where that is unknown.
    """
    waited = 0.0 if low_since is None else now - low_since
    if waited > STOPPED_AFTER:
        return AutobillingState.STOPPED
    was_clipped = bool(recharges) and recharges[-1].credits < plan.amount
    if (was_clipped or low_since is not None) and room is not None and room < plan.amount:
        return AutobillingState.CLIPPED
    if waited > OVERDUE_AFTER:
        return AutobillingState.OVERDUE
    return AutobillingState.OK if low_since is None else AutobillingState.DUE
