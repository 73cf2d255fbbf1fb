"""What account reads have in common: the observation at their end, and the detection of unexpected replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.observations import AnyObservation, Figures, Outcome, ReadFinished, UnknownSeen
from monitor.providers.http import Exchange

MAX_MODELS = 200

T = TypeVar("T")


class SchemaDrift:
    """Notes whether a reply departs from the known schema. `detected` is true once a value was unusable."""

    def __init__(self) -> None:
        self.detected = False

    def flag(self, is_unexpected: bool = True) -> None:
        """Note something unexpected."""
        self.detected = self.detected or is_unexpected

    def require(self, value: T | None) -> T | None:
        """Return `value`. None is unexpected."""
        self.flag(value is None)
        return value


def read_finished(
    read: str, exchange: Exchange, outcome: Outcome, read_figures: Callable[[SchemaDrift], Figures | None]
) -> list[AnyObservation]:
    """One `ReadFinished`. After schema drift, one `UnknownSeen` with the read's name comes first.

    `outcome` is that of the exchange. After a success, `read_figures` reads the reply. If it finds nothing usable, the
    read has no figures and the outcome `truncated`.
    """
    drift = SchemaDrift()
    figures = None
    if outcome is Outcome.SUCCESS:
        figures = read_figures(drift)
        outcome = Outcome.SUCCESS if figures is not None else Outcome.TRUNCATED
    finished = ReadFinished(
        account=exchange.account,
        at=exchange.ended_at,
        read=read,
        outcome=outcome,
        duration_seconds=exchange.duration_seconds,
        figures=figures,
    )
    if not drift.detected:
        return [finished]
    return [UnknownSeen(account=exchange.account, at=exchange.ended_at, field=read), finished]
