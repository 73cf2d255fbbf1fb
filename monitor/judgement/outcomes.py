"""Which outcomes of a request are errors, and whose. Page, API, `status`, rules and boards all use this table.

`docs/reference/metrics.md` shows it with the PromQL that follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from monitor.observations import Outcome


class Blame(StrEnum):
    """Whose error an outcome is, if it is one."""

    GOOD = "good"
    UNJUDGED = "not judged"
    TASK = "the task's"
    REFUSED = "the request's or the account's"
    VENDOR = "the vendor's or the network's"


BLAME: Mapping[Outcome, Blame] = {
    Outcome.SUCCESS: Blame.GOOD,
    Outcome.BENIGN_NOT_FOUND: Blame.GOOD,
    Outcome.CLIENT_GONE: Blame.UNJUDGED,
    Outcome.PARTIAL: Blame.TASK,
    Outcome.TASK_FAILED: Blame.TASK,
    Outcome.INVALID_REQUEST: Blame.REFUSED,
    Outcome.INSUFFICIENT_CREDITS: Blame.REFUSED,
    Outcome.UNAUTHORIZED: Blame.REFUSED,
    Outcome.FORBIDDEN: Blame.REFUSED,
    Outcome.NOT_FOUND: Blame.REFUSED,
    Outcome.RATE_LIMITED: Blame.REFUSED,
    Outcome.CLIENT_ERROR: Blame.REFUSED,
    Outcome.REDIRECTED: Blame.VENDOR,
    Outcome.OVERLOADED: Blame.VENDOR,
    Outcome.SERVER_ERROR: Blame.VENDOR,
    Outcome.TRUNCATED: Blame.VENDOR,
    Outcome.TIMEOUT: Blame.VENDOR,
    Outcome.UNREACHABLE: Blame.VENDOR,
}


def outcomes(*verdicts: Blame) -> tuple[Outcome, ...]:
    """The outcomes of these kinds, in their order in `Outcome`."""
    return tuple(outcome for outcome in Outcome if BLAME[outcome] in verdicts)


NO_ERRORS = frozenset(outcomes(Blame.GOOD, Blame.UNJUDGED))


def failed(outcome: str) -> bool:
    """Whether a request of this outcome failed. An unknown outcome did."""
    return outcome not in NO_ERRORS


def judged(counts: Mapping[str, int]) -> int:
    """How many requests an error rate divides by: all but those whose client hung up."""
    return sum(count for outcome, count in counts.items() if outcome != Outcome.CLIENT_GONE)
