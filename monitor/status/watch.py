"""What a live view remembers between two answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.status.figures import AccountFigures, Figures


@dataclass(frozen=True, slots=True)
class Pace:
    """Requests of one kind between two evaluations, `seconds` apart."""

    total: int
    failed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Watch:
    """The newest figures, had at `had_at` of a clock that never steps, and those of the evaluation before.

    `trouble` says why the daemon has given none since.
    """

    figures: Figures
    had_at: float
    before: Figures | None = None
    trouble: str = ""

    def saw(self, figures: Figures, now: float) -> Watch:
        """After an answer, which may be of the same evaluation as the last."""
        same = figures.at == self.figures.at
        return Watch(figures, now, self.before if same else self.figures)

    def missed(self, trouble: str) -> Watch:
        """After none."""
        return replace(self, trouble=trouble)

    def age_seconds(self, now: float) -> float:
        """How old the figures are by now."""
        return self.figures.age_seconds + now - self.had_at

    def paces(self, account: AccountFigures) -> dict[str, Pace]:
        """What was asked for since the evaluation before, by kind; empty where that cannot be told.

        Counts that shrank are those of another store, and a time that went back tells no duration.
        """
        before = (
            next((one for one in self.before.accounts if one.account == account.account), None) if self.before else None
        )
        seconds = self.figures.at - self.before.at if self.before else 0.0
        if before is None or seconds <= 0:
            return {}
        earlier = {requests.kind: requests for requests in before.requests}
        paces = {}
        for now in account.requests:
            then = earlier.get(now.kind)
            total, failed = (then.total, then.failed) if then else (0, 0)
            paces[now.kind] = Pace(now.total - total, now.failed - failed, seconds)
        return {} if any(pace.failed < 0 or pace.total < pace.failed for pace in paces.values()) else paces
