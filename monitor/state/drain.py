"""How long until no task is throttled.

Two kinds of evidence. While tasks are throttled the vendor works at its full concurrency, so what has finished since
the oldest of them was submitted is the true pace, whatever lowers it below the nominal limit. Until enough has
finished to trust that, the concurrency limit over the recent duration of a run says the same: 200 tasks of 15 s at
concurrency 2 take 25 minutes (Runway, usage tiers, "Concurrency limit example").
"""

from __future__ import annotations

PACE_TRUSTED = 40
PACE_USABLE = 5


def drain_seconds(
    throttled: int, waited_seconds: float, finished: int, concurrency: int | None, run_seconds: float | None
) -> float | None:
    """Seconds until the last of `throttled` tasks is let in; None without evidence.

    `finished` tasks ended during the `waited_seconds` since the oldest throttled task was submitted; `run_seconds` is
    the recent mean duration of a run.
    """
    if throttled == 0:
        return 0.0
    known = run_seconds is not None and bool(concurrency)
    if finished >= (PACE_TRUSTED if known else PACE_USABLE):
        return throttled * waited_seconds / finished
    if run_seconds is not None and concurrency:
        return throttled * run_seconds / concurrency
    return None
