"""From a durable count's separate buckets to a histogram's cumulative ones."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate

from prometheus_client.utils import floatToGoString

from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import stored
from monitor.tasks.counters import CounterSpec, Labels

BOUND_TEXTS = {
    counter: [*((format(bound, "g"), floatToGoString(bound)) for bound in counter.bounds), ("+Inf", "+Inf")]  # type: ignore[no-untyped-call]
    for counter in CounterSpec
    if counter.bounds
}
"""Each upper bound of a histogram as it is stored, and as the exposition writes it."""


def histogram(account: AccountSnapshot, counter: CounterSpec) -> dict[Labels, dict[str, float]]:
    """What is stored of each series of a histogram: separate counts by upper bound, and the sum."""
    parts: defaultdict[Labels, dict[str, float]] = defaultdict(dict)
    for labels, value in stored(account, counter):
        parts[labels[:-1]][labels[-1]] = value
    return parts


def cumulative(counter: CounterSpec, parts: dict[str, float]) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound, from the separate ones."""
    own = accumulate(parts.get(kept, 0.0) for kept, _ in BOUND_TEXTS[counter])
    return [(text, count) for (_, text), count in zip(BOUND_TEXTS[counter], own, strict=True)]
