"""The provider's count of generations compared with ours.

Both are of the same 24 hours, those before the provider reported its count. A difference is traffic that does not pass
through the gateway: another service, or a leaked key.
"""

from __future__ import annotations

from math import sqrt

import msgspec

from monitor.judgement.daily_limit.ledger import DAY, Ledger, Span, coverage, seconds_watched

WHOLE = 0.99
"""The coverage from which on our count can be compared with the provider's."""
DELAY = 300.0
"""How late the provider may count an acceptance. Whether it does is not stated (Runway docs, autumn 2026)."""
SKEW = 60.0
"""How far the provider's clock and the moment of its count may differ from ours."""
Z = 1.96
"""Standard deviations of a 95 % interval."""


class Unseen(msgspec.Struct, frozen=True):
    """A share of generations, 0 to 1, with its bounds at 95 % confidence."""

    low: float
    expected: float
    high: float


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """One model's `generations` of 24 hours as the provider counts them, and how many more than ours that is.

    `unseen` is the share that did not pass through the gateway. None if the provider counts none.
    """

    model: str
    generations: int
    drift: int
    unseen: Unseen | None = None


def is_comparable(watched: tuple[Span, ...], told_at: float) -> bool:
    """Whether nearly all of the 24 hours before the provider's count was watched."""
    return coverage(watched, told_at) >= WHOLE


def reconcile(
    model: str, theirs: int, ledger: Ledger, watched: tuple[Span, ...], told_at: float, unassigned: int = 0
) -> Reconciled:
    """The provider's count of a model, reported at `told_at`, compared with our ledger.

    Of the generations that we saw, `unassigned` belong to models that the provider does not count. They may be of this
    one.
    """
    ours = ledger.used(told_at)
    unseen = _unseen(theirs, ledger, watched, told_at, unassigned) if theirs else None
    return Reconciled(model=model, generations=theirs, drift=theirs - ours, unseen=unseen)


def _unseen(theirs: int, ledger: Ledger, watched: tuple[Span, ...], told_at: float, unassigned: int) -> Unseen:
    """The share, widened by what may have passed unwatched, by when the provider counted, and by chance.

    Each generation is taken as a draw from the account's traffic, of which a share does not pass through the gateway.
    """
    start, ours = told_at - DAY, ledger.used(told_at)
    unwatched = ours * max(0.0, DAY / seconds_watched(watched, start, told_at) - 1)
    most = ledger.between(start - SKEW, told_at + SKEW) + unwatched + Z * sqrt(unwatched) + unassigned
    least = ledger.between(start + SKEW, told_at - DELAY)
    expected = max(0.0, theirs - ours - unwatched) / theirs
    # An end of the interval may be the share itself, but for rounding.
    low = min(expected, _wilson(max(0.0, theirs - most), theirs, -Z))
    return Unseen(low, expected, max(expected, _wilson(max(0.0, theirs - least), theirs, Z)))


def _wilson(hits: float, draws: int, z: float) -> float:
    """One end of Wilson's score interval for a share: the lower for a negative `z`."""
    share, square = hits / draws, z * z
    middle = share + square / (2 * draws)
    half = z * sqrt(share * (1 - share) / draws + square / (4 * draws * draws))
    return min(1.0, max(0.0, (middle + half) / (1 + square / draws)))
