"""What every account read has in common: how it ended, and whether its reply said anything that could not be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.observations import AnyObservation, Figures, Outcome, ReadFinished, UnknownSeen
from monitor.providers.http import Exchange

MAX_MODELS = 200

T = TypeVar("T")


class SchemaDrift:
    """Whether a reply said anything that could not be used."""

    def __init__(self) -> None:
        self.detected = False

    def flag(self, is_unexpected: bool = True) -> None:
        """Remember that there was something strange."""
        self.detected = self.detected or is_unexpected

    def require(self, value: T | None) -> T | None:
        """`value`, noting where there is none."""
        self.flag(value is None)
        return value


def read_finished(
    read: str, exchange: Exchange, ended: Outcome, read_figures: Callable[[SchemaDrift], Figures | None]
) -> list[AnyObservation]:
    """One `ReadFinished`; `truncated` without figures where a success tells nothing that could be used.

    What was strange is told first, as one `UnknownSeen` of the read's name.
    """
    drift = SchemaDrift()
    figures = None
    if ended is Outcome.SUCCESS:
        figures = read_figures(drift)
        ended = Outcome.SUCCESS if figures is not None else Outcome.TRUNCATED
    told = ReadFinished(
        account=exchange.account,
        at=exchange.ended_at,
        read=read,
        outcome=ended,
        duration_seconds=exchange.duration_seconds,
        figures=figures,
    )
    if not drift.detected:
        return [told]
    return [UnknownSeen(account=exchange.account, at=exchange.ended_at, field=read), told]
