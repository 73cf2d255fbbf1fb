"""The state of an account read, as a pure function."""

from __future__ import annotations

import msgspec

from monitor.observations import Figures, Outcome, ReadFinished


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one account read. Times are Unix seconds.

    `figures` are those of the last success, at `ok_at`. `failures` counts the failures since.
    """

    account: str
    read: str
    up: bool
    outcome: Outcome
    finished_at: float
    ok_at: float | None = None
    failures: int = 0
    figures: Figures | None = None


def conclude(read: Read | None, seen: ReadFinished) -> Read:
    """The state after one more read. A failure keeps the last good figures and their age."""
    worked = seen.outcome is Outcome.SUCCESS
    figures, ok_at, failures = (None, None, 0) if read is None else (read.figures, read.ok_at, read.failures)
    return Read(
        account=seen.account,
        read=seen.read,
        up=worked,
        outcome=seen.outcome,
        finished_at=seen.at,
        ok_at=seen.at if worked else ok_at,
        failures=0 if worked else failures + 1,
        figures=seen.figures if worked else figures,
    )


class ReadState(msgspec.Struct, frozen=True, kw_only=True):
    """The shown state of one account read. `age_seconds` is the time since it last worked, None if it never did.

    `outcome` is that of the last attempt, None before the first has ended.
    """

    read: str
    up: bool
    age_seconds: float | None = None
    outcome: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the last attempt failed. A read that was not tried yet has not."""
        return self.outcome is not None and not self.up
