"""Bounds on the series of an account: a sender of observations must not be able to create series without end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from monitor.observations import UNKNOWN_FIELDS
from monitor.tasks.counters import CounterSpec, Series

OTHER = "other"
MOST_REQUEST_SERIES = 2000
"""How many combinations of endpoint, kind, model, code and outcome an account has at most."""

Labels = tuple[str, ...]


def overflow(labels: Labels) -> Labels:
    """The series that counts requests beyond the bound. Kind and outcome stay, since they are closed sets."""
    kept = dict(zip(CounterSpec.REQUESTS.labels, labels, strict=True))
    model = OTHER if kept["model"] else ""
    return CounterSpec.REQUESTS.values(**{**kept, "endpoint": OTHER, "model": model, "code": OTHER})


def is_overflow(labels: Labels) -> bool:
    """Whether the series counts requests beyond the bound."""
    return labels == overflow(labels)


def known_field(field: str, reads: Iterable[str]) -> str:
    """The label of an unknown value: a field that the provider has, the name of one of its reads, or `other`."""
    return field if field in UNKNOWN_FIELDS or field in reads else OTHER


def bounded(series: Sequence[Series], reads: Iterable[str]) -> list[Series]:
    """The series within their bounds. An earlier version may have stored more; what is beyond is added up."""
    allowed = {*UNKNOWN_FIELDS, *reads, OTHER}
    apart = [one.labels for one in series if one.counter is CounterSpec.REQUESTS and not is_overflow(one.labels)]
    over = frozenset(sorted(apart)[MOST_REQUEST_SERIES:]) if len(apart) > MOST_REQUEST_SERIES else frozenset()
    kept: list[Series] = []
    moved: Counter[tuple[CounterSpec, Labels]] = Counter()
    for one in series:
        if one.counter is CounterSpec.REQUESTS and one.labels in over:
            moved[one.counter, overflow(one.labels)] += one.value  # type: ignore[assignment]
        elif one.counter is CounterSpec.UNKNOWN_VALUES and one["field"] not in allowed:
            moved[one.counter, CounterSpec.UNKNOWN_VALUES.values(field=OTHER)] += one.value  # type: ignore[assignment]
        else:
            kept.append(one)
    if moved:
        kept = [replace(one, value=one.value + moved.pop((one.counter, one.labels), 0.0)) for one in kept]
    return kept + [Series(counter, labels, value) for (counter, labels), value in moved.items()]
