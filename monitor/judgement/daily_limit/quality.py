"""How good warnings were, by one definition for the daemon, the `backtest` command and the benchmark.

- An exhaustion is the moment at which use reaches the limit, having been below 90 % of it since the last one.
- A warning is right when the limit is hit while it stands, and before its term: one and a half times the time it
  promised, half an hour at least. It is wrong when it was withdrawn, or its term passed, without that.
- An exhaustion was foretold when a right warning had been raised at least 15 minutes before.
- Precision is the share of right warnings, recall the share of exhaustions foretold. What is not decided yet, and an
  exhaustion that came before any forecast was possible, does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

import msgspec

from monitor.judgement.daily_limit.warning import LimitWarning

LEAST_LEAD = 15 * 60.0


class JudgedWarning(msgspec.Struct, frozen=True):
    """What became of a warning: whether it was right, None while undecided, and the exhaustion that made it so."""

    warning: LimitWarning
    right: bool | None
    exhausted_at: float | None = None


class Quality(msgspec.Struct, frozen=True):
    """Counts of decided warnings and exhaustions, and how far the right warnings' expectations lay off, in seconds."""

    right: int = 0
    wrong: int = 0
    foretold: int = 0
    exhaustions: int = 0
    errors: tuple[float, ...] = ()

    def __add__(self, other: Quality) -> Quality:
        return Quality(
            self.right + other.right,
            self.wrong + other.wrong,
            self.foretold + other.foretold,
            self.exhaustions + other.exhaustions,
            self.errors + other.errors,
        )

    @property
    def precision(self) -> float | None:
        """Right among all decided warnings; None without any."""
        decided = self.right + self.wrong
        return self.right / decided if decided else None

    @property
    def recall(self) -> float | None:
        """Foretold among all exhaustions; None without any."""
        return self.foretold / self.exhaustions if self.exhaustions else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None where either is."""
        if self.precision is None or self.recall is None:
            return None
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.foretold else 0.0

    @property
    def median_error(self) -> float | None:
        """Median distance in seconds between the expected time and the exhaustion, over right warnings."""
        return median(self.errors) if self.errors else None


def judge(warning: LimitWarning, exhaustions: Iterable[float], now: float) -> JudgedWarning:
    """What became of a warning by `now`; `exhaustions` ascend."""
    end = warning.term if warning.withdrawn_at is None else min(warning.term, warning.withdrawn_at)
    exhausted_at = next((at for at in exhaustions if warning.raised_at < at <= end), None)
    if exhausted_at is not None:
        return JudgedWarning(warning, right=True, exhausted_at=exhausted_at)
    return JudgedWarning(warning, right=False if now > end or warning.withdrawn_at is not None else None)


def quality(judged: Iterable[JudgedWarning], exhaustions: Iterable[float], since: float) -> Quality:
    """The figures of verdicts and exhaustions; `since` is when the first warning could have been raised."""
    decided = [each for each in judged if each.right is not None]
    possible = {at for at in exhaustions if at - since >= LEAST_LEAD}
    right = [(each.warning, each.exhausted_at) for each in decided if each.exhausted_at is not None]
    foretold = {at for warning, at in right if at - warning.raised_at >= LEAST_LEAD}
    return Quality(
        right=len(right),
        wrong=len(decided) - len(right),
        foretold=len(foretold & possible),
        exhaustions=len(possible),
        errors=tuple(abs(at - warning.expected_at) for warning, at in right),
    )
