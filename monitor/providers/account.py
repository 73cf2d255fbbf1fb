"""What every account read has in common: how it ended, and whether its reply said anything that could not be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.observations import AnyObservation, Figures, Outcome, ReadFinished, UnknownSeen
from monitor.providers.http import Exchange

MOST_MODELS = 200

T = TypeVar("T")


class Drift:
    """Whether a reply said anything that could not be used."""

    def __init__(self) -> None:
        self.found = False

    def note(self, strange: bool) -> None:
        """Remember that there was something strange."""
        self.found = self.found or strange

    def keep(self, value: T | None) -> T | None:
        """`value`, noting where there is none."""
        self.note(value is None)
        return value


def finished(
    read: str, exchange: Exchange, ended: Outcome, figures_of: Callable[[Drift], Figures | None]
) -> list[AnyObservation]:
    """One `ReadFinished`; `truncated` without figures where a success tells nothing that could be used.

    What was strange is told first, as one `UnknownSeen` of the read's name.
    """
    drift = Drift()
    figures = None
    if ended is Outcome.SUCCESS:
        figures = figures_of(drift)
        ended = Outcome.SUCCESS if figures is not None else Outcome.TRUNCATED
    told = ReadFinished(
        account=exchange.account,
        at=exchange.ended_at,
        read=read,
        outcome=ended,
        duration_seconds=exchange.duration_seconds,
        figures=figures,
    )
    if not drift.found:
        return [told]
    return [UnknownSeen(account=exchange.account, at=exchange.ended_at, field=read), told]
