"""Which outcomes of a request are errors, and whose: the one table behind page, API, `status`, rules and boards.

`docs/metrics.md` shows it with the PromQL that follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from monitor.observations import Outcome


class Verdict(StrEnum):
    """What an outcome says of a request."""

    GOOD = "good"
    UNJUDGED = "not judged"
    TASK = "the task's"
    REFUSED = "the request's or the account's"
    VENDOR = "the vendor's or the network's"


VERDICTS: Mapping[Outcome, Verdict] = {
    Outcome.SUCCESS: Verdict.GOOD,
    Outcome.BENIGN_NOT_FOUND: Verdict.GOOD,
    Outcome.CLIENT_GONE: Verdict.UNJUDGED,
    Outcome.PARTIAL: Verdict.TASK,
    Outcome.TASK_FAILED: Verdict.TASK,
    Outcome.INVALID_REQUEST: Verdict.REFUSED,
    Outcome.INSUFFICIENT_CREDITS: Verdict.REFUSED,
    Outcome.UNAUTHORIZED: Verdict.REFUSED,
    Outcome.FORBIDDEN: Verdict.REFUSED,
    Outcome.NOT_FOUND: Verdict.REFUSED,
    Outcome.RATE_LIMITED: Verdict.REFUSED,
    Outcome.CLIENT_ERROR: Verdict.REFUSED,
    Outcome.REDIRECTED: Verdict.VENDOR,
    Outcome.OVERLOADED: Verdict.VENDOR,
    Outcome.SERVER_ERROR: Verdict.VENDOR,
    Outcome.TRUNCATED: Verdict.VENDOR,
    Outcome.TIMEOUT: Verdict.VENDOR,
    Outcome.UNREACHABLE: Verdict.VENDOR,
}


def outcomes(*verdicts: Verdict) -> tuple[Outcome, ...]:
    """The outcomes of these verdicts, in their order in `Outcome`."""
    return tuple(outcome for outcome in Outcome if VERDICTS[outcome] in verdicts)


NO_ERRORS = frozenset(outcomes(Verdict.GOOD, Verdict.UNJUDGED))


def failed(outcome: str) -> bool:
    """Whether a request of this outcome went wrong. One that is not in the table did."""
    return outcome not in NO_ERRORS


def judged(counts: Mapping[str, int]) -> int:
    """Of counts by outcome, how many requests an error rate divides by: all whose client waited for the end."""
    return sum(count for outcome, count in counts.items() if outcome != Outcome.CLIENT_GONE)
