"""When the credits run out, and when the cap on purchases is reached. Units: credits and seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from monitor.state.ledger import DAY, HOUR

LEAST_SECONDS = HOUR / 2
LEAST_CHARGES = 5
SPEND_WINDOW = 30 * DAY


class Burn(msgspec.Struct, frozen=True):
    """Credits charged over the `seconds` that were watched, in `charges` charges, less refunds."""

    credits: float
    seconds: float
    charges: int

    @property
    def pace(self) -> float:
        """Credits a second; 0 without evidence, and when refunds outweigh charges."""
        if self.seconds < LEAST_SECONDS or self.charges < LEAST_CHARGES:
            return 0.0
        return max(0.0, self.credits / self.seconds)


class Purchase(msgspec.Struct, frozen=True):
    """Credits bought at a Unix time."""

    at: float
    credits: float


def runway_seconds(balance: float, short: Burn, long: Burn) -> float | None:
    """How long the balance lasts at the present burn: the longer of what both paces say; None unless both say it.

    A burst alone, or a burn that has ended, predicts nothing.
    """
    return _lasting(balance, min(short.pace, long.pace))


def purchased(purchases: Iterable[Purchase], now: float) -> float:
    """Credits bought in the 30 days up to `now`: what the spend cap limits (Runway, usage tiers)."""
    return sum(each.credits for each in purchases if now - SPEND_WINDOW < each.at <= now)


def spend_cap_seconds(purchases: Sequence[Purchase], cap: float, short: Burn, long: Burn, now: float) -> float | None:
    """How long until purchases reach the cap, if what is burnt is bought again; zero at the cap, None without reason.

    Purchases of the window free their room as they grow 30 days old. Nothing is predicted beyond the window.
    """
    pace = min(short.pace, long.pace)
    room = cap - purchased(purchases, now)
    for each in sorted(purchases, key=lambda purchase: purchase.at):
        if not now - SPEND_WINDOW < each.at <= now:
            continue
        frees = each.at + SPEND_WINDOW - now
        if room <= pace * frees:
            break
        room += each.credits
    left = _lasting(room, pace)
    return left if left is None or left <= SPEND_WINDOW else None


def _lasting(credits_left: float, pace: float) -> float | None:
    if credits_left <= 0:
        return 0.0
    return credits_left / pace if pace else None
